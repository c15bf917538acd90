import type { Readable } from 'node:stream';
import { type AsyncFixedArena, type Bytes, FixedArena } from 'arena-alligator';
import type { BytesList } from 'arena-alligator/node';

/** Copies and releases all chunks. @returns one Buffer for each chunk */
export async function copies(chunks: AsyncIterable<Bytes | BytesList>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (using chunk of chunks) all.push(Buffer.from(chunk.toUint8Array()));
  return all;
}

export async function joined(chunks: AsyncIterable<Bytes | BytesList>): Promise<Buffer> {
  return Buffer.concat(await copies(chunks));
}

/** Yields `content` in chunks of `size` bytes, each in a separate slot. */
export async function* inChunks(
  arena: AsyncFixedArena,
  content: string | Uint8Array,
  size: number,
): AsyncGenerator<Bytes, undefined> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += size) {
    using buffer = await arena.allocateAsync();
    yield buffer.putSlice(bytes.subarray(at, at + size)).freeze();
  }
  return undefined;
}

export function asyncArena(slots: number, slotCapacity: number): AsyncFixedArena {
  return FixedArena.withSlotCapacity(slots, slotCapacity).buildAsync();
}

/** `length` bytes in which no two stretches are alike. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** What a stream has buffered, as text. One `read()` gives all of it, or only the first part (Node 26). */
export function textIn(stream: Readable): string {
  const parts: Buffer[] = [];
  for (let part = stream.read(); part !== null; part = stream.read()) parts.push(part);
  return Buffer.concat(parts).toString();
}
