import { type AbortSignalLike, abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { shortLived } from '../base/short-lived.js';
import { StopSignal } from '../base/stop-signal.js';
import type { MemoryPressure } from '../handles/memory-pressure.js';
import type { ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from './chunk-arena.js';
import { SteppedIterator } from './stepped-iterator.js';

export interface ChunkReaderOptions {
  /** The most bytes in a chunk. */
  readonly chunkSize: number;
  readonly signal: AbortSignalLike | undefined;
  readonly timeout: number | undefined;
}

/** Copies data that comes bit by bit into chunks of an arena, and waits for their memory. */
export abstract class ChunkReader extends SteppedIterator<Bytes> {
  protected readonly chunkSize: number;
  /** Aborted by the signal of the caller, and when reading ends. */
  protected readonly stopSignal: StopSignal = new StopSignal();
  /** The memory of the next chunk. */
  protected buffer: ArenaBuffer | undefined;
  /** Data that was read and is not in a chunk yet. */
  protected rest: Uint8Array | undefined;
  private readonly arena: ChunkArena;
  private readonly signal: AbortSignalLike | undefined;
  private readonly timeout: number | undefined;

  constructor(arena: ChunkArena, { chunkSize, signal, timeout }: ChunkReaderOptions) {
    super();
    this.arena = arena;
    this.chunkSize = chunkSize;
    this.signal = signal;
    this.timeout = timeout;
  }

  /** Asks those who hold memory of the arena for it. */
  protected get pressure(): MemoryPressure {
    return this.arena.line.pressure;
  }

  /** Stops the source at once, after an abort. */
  protected abstract cancel(): void;

  /** Stops the source if it has not ended, and lets go of it. */
  protected abstract close(): Promise<void>;

  /** Listens to the signal from now on. @throws its reason when it is aborted */
  protected begin(): void {
    const { signal } = this;
    if (signal?.aborted) throw abortReason(signal);
    if (signal !== undefined) addAbortCallback(signal, this.onAbort);
  }

  /** The memory of a chunk of `length` bytes, if there is some now. Otherwise {@link claim} it. @throws AllocError */
  protected tryClaim(length: number): ArenaBuffer | undefined {
    this.buffer ??= this.arena.allocateNow(length);
    return this.buffer;
  }

  /** Waits for the memory of a chunk of `length` bytes. */
  protected async claim(length: number): Promise<void> {
    const buffer = await this.arena.allocateAsync(length, { signal: this.stopSignal, timeout: this.timeout });
    if (this.isOver) buffer.abandon();
    else this.buffer = buffer;
  }

  protected override async stop(): Promise<void> {
    if (this.signal !== undefined) removeAbortCallback(this.signal, this.onAbort);
    this.stopSignal.abort(undefined);
    this.buffer?.abandon();
    this.buffer = undefined;
    this.rest = undefined;
    await this.close();
  }

  private readonly onAbort = shortLived((): void => {
    this.stopSignal.abort(this.signal && abortReason(this.signal));
    this.cancel();
  });
}
