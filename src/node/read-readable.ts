import type { Readable } from 'node:stream';
import { describe, windowOf } from '../base/check.js';
import { foreignAllocation } from '../handles/foreign-owner.js';
import { type ArenaBuffer, Bytes } from '../index.js';
import { isShared, Memory } from '../memory/memory.js';
import type { ChunkArena } from '../streams/chunk-arena.js';
import { ChunkReader, type ChunkReaderOptions } from '../streams/chunk-reader.js';
import { ReadableData } from './data-sources.js';
import { freeBuffer, type StreamBuffers } from './stream-buffers.js';

export interface ReadableOptions extends ChunkReaderOptions {
  readonly buffers: StreamBuffers;
}

/**
 * The data of a stream, in chunks. Data that is available at the same time shares chunks. A chunk that is not full does
 * not wait for more data.
 */
export class ReadableChunks extends ChunkReader {
  private readonly source: Readable;
  private readonly buffers: StreamBuffers;
  /** The stream, once reading has begun. */
  private stream: ReadableData | undefined;
  /** The data that was read last. `rest` is a part of it. */
  private data: Uint8Array | undefined;
  private failure: Error | undefined;

  constructor(arena: ChunkArena, source: Readable, options: ReadableOptions) {
    super(arena, options);
    this.source = source;
    this.buffers = options.buffers;
  }

  protected override take(): Bytes | undefined {
    const stream = this.stream ?? this.open();
    for (;;) {
      this.stopSignal.throwIfAborted();
      this.rest ??= this.read(stream);
      if (this.isOver) return undefined; // the stream may run any code when it is read
      const { rest } = this;
      if (rest === undefined) return this.frozen();
      const buffer = this.tryClaim(this.chunkSize);
      if (this.mayAdopt(rest)) return buffer === undefined || buffer.isEmpty ? this.adopted(rest) : this.frozen();
      if (buffer === undefined) return undefined;
      const chunk = this.copied(buffer, rest, stream);
      if (chunk !== undefined) return chunk;
    }
  }

  protected override more(): Promise<void> | undefined {
    if (this.rest !== undefined) return this.claim(this.chunkSize);
    if (!this.stream?.hasEnded) return undefined; // the stream calls
    return this.failure === undefined ? this.finish() : Promise.reject(this.failure);
  }

  protected override cancel(): void {
    if (!this.stream?.hasEnded) this.source.destroy();
    this.stream?.wake();
  }

  protected override async close(): Promise<void> {
    this.data = undefined;
    this.stream?.stop();
    this.cancel();
  }

  private open(): ReadableData {
    this.begin();
    const stream = new ReadableData(this.source, (error) => {
      this.failure = error;
    });
    stream.wake = this.advance;
    this.stream = stream;
    return stream;
  }

  private read(stream: ReadableData): Uint8Array | undefined {
    const data = stream.read();
    if (data === null) return undefined;
    if (data instanceof Uint8Array) {
      this.data = data;
      return data;
    }
    throw new TypeError(`the stream must give Uint8Array chunks (no encoding, no object mode), got ${describe(data)}`);
  }

  /** Copies what fits of `rest`. @returns the chunk if it is full */
  private copied(buffer: ArenaBuffer, rest: Uint8Array, stream: ReadableData): Bytes | undefined {
    const { chunkSize } = this;
    const count = Math.min(rest.length, chunkSize - buffer.length);
    buffer.putSlice(count === rest.length ? rest : rest.subarray(0, count));
    this.rest = count === rest.length ? undefined : rest.subarray(count);
    if (this.rest === undefined) this.free(stream);
    return buffer.length < chunkSize ? undefined : this.frozen();
  }

  /** What was copied so far, as a chunk. */
  private frozen(): Bytes | undefined {
    const { buffer } = this;
    if (buffer === undefined || buffer.isEmpty) return undefined;
    this.buffer = undefined;
    return buffer.freeze();
  }

  /** Whether to take the stream's memory over: for less than half a chunk a copy is faster. */
  private mayAdopt({ length }: Uint8Array): boolean {
    return this.buffers === 'adopt' && length * 2 >= this.chunkSize;
  }

  /**
   * A chunk over the stream's own memory. It keeps a chunk of the arena in use, whose memory nobody touches, and may be
   * asked for when somebody waits for memory of the arena. The stream's memory is never freed: a write that was cancelled
   * may still read it.
   */
  private adopted(rest: Uint8Array): Bytes | undefined {
    const { buffer, chunkSize } = this;
    if (buffer === undefined) return undefined;
    this.buffer = undefined;
    this.data = undefined;
    this.rest = rest.length > chunkSize ? rest.subarray(chunkSize) : undefined;
    const window = windowOf(rest.length > chunkSize ? rest.subarray(0, chunkSize) : rest, 'data');
    const memory = new Memory(window, isShared(window.buffer));
    return Bytes.over(
      foreignAllocation(memory, () => buffer.abandon(), this.pressure),
      0,
      window.length,
    );
  }

  private free(stream: ReadableData): void {
    if (this.data !== undefined && this.buffers !== 'leave' && stream.isSoleReader) freeBuffer(this.data);
    this.data = undefined;
  }
}
