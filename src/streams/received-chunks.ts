import { type AbortSignalLike, abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import { StopSignal } from '../base/stop-signal.js';
import type { ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from './chunk-arena.js';
import { SteppedIterator } from './stepped-iterator.js';

export interface ReceivingOptions {
  readonly chunkSize: number;
  readonly signal: AbortSignalLike | undefined;
  readonly timeout: number | undefined;
}

/** The data of a Web stream, copied into chunks. The stream is cancelled when reading stops early. */
export class ReceivedChunks extends SteppedIterator<Bytes> {
  private readonly arena: ChunkArena;
  private readonly stream: ReadableStream<Uint8Array>;
  private readonly options: ReceivingOptions;
  /** Ends the wait for memory. */
  private readonly stopSignal: StopSignal = new StopSignal();
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private hasEnded = false;
  private buffer: ArenaBuffer | undefined;
  /** Data that was read and is not in a chunk yet. */
  private rest: Uint8Array | undefined;

  constructor(arena: ChunkArena, stream: ReadableStream<Uint8Array>, options: ReceivingOptions) {
    super();
    this.arena = arena;
    this.stream = stream;
    this.options = options;
  }

  protected override take(): Bytes | undefined {
    this.begin();
    this.stopSignal.throwIfAborted();
    const { rest, buffer } = this;
    if (rest === undefined || buffer === undefined) return undefined;
    const { chunkSize } = this.options;
    this.buffer = undefined;
    this.rest = rest.length > chunkSize ? rest.subarray(chunkSize) : undefined;
    return buffer.putSlice(rest.length > chunkSize ? rest.subarray(0, chunkSize) : rest).freeze();
  }

  protected override async more(): Promise<void> {
    if (this.rest !== undefined) await this.claim(this.rest.length);
    else if (this.hasEnded) await this.finish();
    else await this.read();
  }

  protected override async stop(): Promise<void> {
    const { signal } = this.options;
    if (signal !== undefined) removeAbortCallback(signal, this.onAbort);
    this.stopSignal.abort(undefined);
    this.buffer?.abandon();
    this.buffer = undefined;
    if (!this.hasEnded) await (this.reader ?? this.stream).cancel().catch(() => undefined);
    this.reader?.releaseLock();
  }

  private begin(): void {
    if (this.reader !== undefined) return;
    const { signal } = this.options;
    if (signal?.aborted) throw abortReason(signal);
    this.reader = this.stream.getReader();
    if (signal !== undefined) addAbortCallback(signal, this.onAbort);
  }

  private readonly onAbort = (): void => {
    const { signal } = this.options;
    this.stopSignal.abort(signal && abortReason(signal));
    if (!this.hasEnded) this.reader?.cancel().catch(() => undefined);
  };

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

  /** Waits for the memory of the next chunk. */
  private async claim(length: number): Promise<void> {
    const { chunkSize, timeout } = this.options;
    const limits = { signal: this.stopSignal, timeout };
    const buffer = await this.arena.allocateAsync(Math.min(length, chunkSize), limits);
    if (this.isOver) buffer.abandon();
    else this.buffer = buffer;
  }
}
