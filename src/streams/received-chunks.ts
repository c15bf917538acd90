import { describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import type { ChunkArena } from './chunk-arena.js';
import { ChunkReader, type ChunkReaderOptions } from './chunk-reader.js';

/** The data of a Web stream, copied into chunks. The stream is cancelled when reading stops early. */
export class ReceivedChunks extends ChunkReader {
  private readonly stream: ReadableStream<Uint8Array>;
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private hasEnded = false;

  constructor(arena: ChunkArena, stream: ReadableStream<Uint8Array>, options: ChunkReaderOptions) {
    super(arena, options);
    this.stream = stream;
  }

  protected override take(): Bytes | undefined {
    if (this.reader === undefined) this.begin();
    this.stopSignal.throwIfAborted();
    const { rest, chunkSize } = this;
    if (rest === undefined) return undefined;
    const buffer = this.tryClaim(Math.min(rest.length, chunkSize));
    if (buffer === undefined) return undefined;
    this.buffer = undefined;
    this.rest = rest.length > chunkSize ? rest.subarray(chunkSize) : undefined;
    return buffer.putSlice(rest.length > chunkSize ? rest.subarray(0, chunkSize) : rest).freeze();
  }

  protected override more(): Promise<void> {
    if (this.rest !== undefined) return this.claim(Math.min(this.rest.length, this.chunkSize));
    return this.hasEnded ? this.finish() : this.read();
  }

  protected override begin(): void {
    super.begin();
    this.reader = this.stream.getReader();
  }

  protected override cancel(): void {
    if (!this.hasEnded) this.reader?.cancel().catch(() => undefined);
  }

  protected override async close(): Promise<void> {
    if (!this.hasEnded) await (this.reader ?? this.stream).cancel().catch(() => undefined);
    this.reader?.releaseLock();
  }

  private async read(): Promise<void> {
    const { done, value } = (await this.reader?.read()) ?? { done: true, value: undefined };
    // After an abort the stream seems to have ended.
    if (this.isOver || this.stopSignal.aborted) return;
    this.hasEnded = done;
    if (done) return;
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(`the stream must give Uint8Array chunks, got ${describe(value)}`);
    }
    if (value.length > 0) this.rest = value;
  }
}
