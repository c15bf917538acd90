import type { Readable } from 'node:stream';
import { type AbortSignalLike, abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import { StopSignal } from '../base/stop-signal.js';
import { type ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from '../streams/chunk-arena.js';
import { SteppedIterator } from '../streams/stepped-iterator.js';
import { ReadableData } from './data-sources.js';

export interface ReadableOptions {
  readonly chunkSize: number;
  readonly adopt: boolean;
  readonly signal: AbortSignalLike | undefined;
  readonly timeout: number | undefined;
}

/**
 * The data of a stream, in chunks. Data that is available at the same time shares chunks. A chunk that is not full does
 * not wait for more data.
 */
export class ReadableChunks extends SteppedIterator<Bytes> {
  private readonly arena: ChunkArena;
  private readonly source: Readable;
  private readonly options: ReadableOptions;
  /** Ends every wait. */
  private readonly stopSignal: StopSignal = new StopSignal();
  /** The stream, once reading has begun. */
  private stream: ReadableData | undefined;
  private failure: Error | undefined;
  private buffer: ArenaBuffer | undefined;
  /** Data that was taken from the stream and is not in a chunk yet. */
  private rest: Uint8Array | undefined;

  constructor(arena: ChunkArena, source: Readable, options: ReadableOptions) {
    super();
    this.arena = arena;
    this.source = source;
    this.options = options;
  }

  protected override take(): Bytes | undefined {
    const stream = this.stream ?? this.begin();
    for (;;) {
      this.stopSignal.throwIfAborted();
      this.rest ??= this.read(stream);
      const { rest, buffer } = this;
      if (rest === undefined) return this.frozen();
      if (this.mayAdopt(rest)) return buffer === undefined || buffer.isEmpty ? this.adopted(rest) : this.frozen();
      if (buffer === undefined) return undefined;
      const chunk = this.copied(buffer, rest);
      if (chunk !== undefined) return chunk;
    }
  }

  protected override async more(): Promise<void> {
    const { stream } = this;
    if (this.rest !== undefined) await this.claim();
    else if (!stream?.hasEnded) await stream?.next();
    else if (this.failure !== undefined) throw this.failure;
    else await this.finish();
  }

  protected override async stop(): Promise<void> {
    const { signal } = this.options;
    if (signal !== undefined) removeAbortCallback(signal, this.onAbort);
    this.stopSignal.abort(undefined);
    this.buffer?.abandon();
    this.buffer = undefined;
    this.rest = undefined;
    this.stream?.stop();
    if (!this.stream?.hasEnded) this.source.destroy();
    this.stream?.wake();
  }

  private begin(): ReadableData {
    const { signal } = this.options;
    if (signal?.aborted) throw abortReason(signal);
    if (signal !== undefined) addAbortCallback(signal, this.onAbort);
    this.stream = new ReadableData(this.source, (error) => {
      this.failure = error;
    });
    return this.stream;
  }

  private readonly onAbort = (): void => {
    const { signal } = this.options;
    this.stopSignal.abort(signal && abortReason(signal));
    if (!this.stream?.hasEnded) this.source.destroy();
    this.stream?.wake();
  };

  private read(stream: ReadableData): Uint8Array | undefined {
    const data = stream.read();
    if (data === null) return undefined;
    if (data instanceof Uint8Array) return data;
    throw new TypeError(`the stream must give Uint8Array chunks (no encoding, no object mode), got ${describe(data)}`);
  }

  /** Waits for the memory of a chunk. */
  private async claim(): Promise<void> {
    const { chunkSize, timeout } = this.options;
    const buffer = await this.arena.allocateAsync(chunkSize, { signal: this.stopSignal, timeout });
    if (this.isOver) buffer.abandon();
    else this.buffer = buffer;
  }

  /** Copies what fits of `rest`. @returns the chunk if it is full */
  private copied(buffer: ArenaBuffer, rest: Uint8Array): Bytes | undefined {
    const { chunkSize } = this.options;
    const count = Math.min(rest.length, chunkSize - buffer.length);
    buffer.putSlice(count === rest.length ? rest : rest.subarray(0, count));
    this.rest = count === rest.length ? undefined : rest.subarray(count);
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
    return this.options.adopt && length * 2 >= this.options.chunkSize;
  }

  /** A chunk over the stream's own memory. It keeps a chunk of the arena in use, whose memory nobody touches. */
  private adopted(rest: Uint8Array): Bytes | undefined {
    const { buffer } = this;
    if (buffer === undefined) return undefined;
    const { chunkSize } = this.options;
    this.buffer = undefined;
    this.rest = rest.length > chunkSize ? rest.subarray(chunkSize) : undefined;
    return Bytes.fromOwner(rest.length > chunkSize ? rest.subarray(0, chunkSize) : rest, () => buffer.abandon());
  }
}
