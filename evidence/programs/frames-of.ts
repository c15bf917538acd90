/** Cuts a stream of Buffers into frames: a length of four bytes, and that many bytes. Yields those of one chunk. */
export async function* framesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    while (data.length >= 4 && data.length >= 4 + data.readUInt32BE()) {
      const end = 4 + data.readUInt32BE();
      frames.push(data.subarray(0, end));
      data = data.subarray(end);
    }
    rest = data;
    yield frames;
  }
}
