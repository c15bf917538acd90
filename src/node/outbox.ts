import type { Writable } from 'node:stream';
import { describe } from '../base/check.js';
import { environment, type Timer } from '../base/environment.js';
import { ArenaError, type Bytes } from '../index.js';
import { type BytesList, checkWritten } from '../streams/bytes-list.js';
import { Batch } from './batch.js';
import { flushAtEndOfTurn } from './flush-turn.js';
import { Frame } from './frame.js';
import { checkOutboxOptions, type OutboxLimits, type OutboxOptions } from './outbox-options.js';
import { prematureClose, type StreamWrites, writesOf } from './stream-writes.js';
import { isWritable } from './write-bytes.js';

/** The error of a stream that was closed because it took nothing for too long (`whenSlow: 'close'`). */
export class SlowReceiverError extends ArenaError {
  override readonly name: string = 'SlowReceiverError';
  declare readonly code: 'SLOW_RECEIVER';

  constructor(patience: number) {
    super('SLOW_RECEIVER', `the receiver took nothing for ${patience} ms, and its outbox is full`);
  }
}

/** The counters of an outbox at one moment. */
export interface OutboxMetrics {
  readonly sentFrames: number;
  readonly sentBytes: number;
  /** Vectored writes. */
  readonly batches: number;
  /** Frames that were not queued, because there was no room. */
  readonly skippedFrames: number;
  /** Frames that were queued and dropped for newer ones. */
  readonly droppedFrames: number;
  /** Frames and bytes that are queued or being written. */
  readonly queuedFrames: number;
  readonly queuedBytes: number;
  /** For how many ms nothing was taken, while something was queued or being written. */
  readonly behind: number;
}

interface Waiting {
  readonly frame: Frame;
  readonly settle: (isQueued: boolean) => void;
  readonly fail: (reason: unknown) => void;
}

/**
 * Sends frames to one stream. What is queued in a turn of the event loop goes out as one vectored write. Limits bound
 * what is held for the stream, and `whenSlow` says what happens to frames beyond them.
 *
 * An error of the stream is reported by the calls, and is not an uncaught exception.
 * @throws TypeError, RangeError for bad arguments
 */
export class Outbox {
  readonly writable: Writable;
  private readonly limits: OutboxLimits;
  private readonly writes: StreamWrites;
  private readonly queue: Frame[] = [];
  /** The frames of the batch that is being written. */
  private batch: Batch | undefined;
  private readonly waiting: Waiting[] = [];
  private frames = 0;
  private bytes = 0;
  private isScheduled = false;
  /** Whether the receiver took nothing for longer than `patience`, and has not caught up since. */
  private isSlow = false;
  private isEnding = false;
  private failure: { readonly reason: unknown } | undefined;
  private lastTaken = 0;
  private patienceTimer: Timer | undefined;
  private readonly onDrained: (() => void)[] = [];
  private sentFrames = 0;
  private sentBytes = 0;
  private batches = 0;
  private skippedFrames = 0;
  private droppedFrames = 0;

  constructor(writable: Writable, options: OutboxOptions = {}) {
    if (!isWritable(writable)) throw new TypeError(`writable must be a Writable, got ${describe(writable)}`);
    this.limits = checkOutboxOptions(options);
    this.writable = writable;
    this.writes = writesOf(writable);
    // The calls of send(), drained() and end() report it. A receiver that went away must not end the program.
    writable.on('error', (error: Error) => this.fail(error));
    writable.once('close', () => this.fail(this.writes.failure()));
  }

  /**
   * Queues `bytes` and takes the handle over. Waits while there is no room, as `whenSlow` and `patience` say.
   * @returns whether the frame was queued; false when it was skipped
   * @throws the error of the stream; TypeError (both as rejections); the handle is used up all the same, except for
   *   what is not bytes
   */
  send(bytes: Bytes | BytesList): Promise<boolean> {
    try {
      checkWritten(bytes);
      const frame = new Frame(bytes);
      try {
        this.checkOpen();
        const isQueued = this.offer(frame);
        return isQueued === undefined ? this.wait(frame) : Promise.resolve(isQueued);
      } finally {
        frame.release();
      }
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Queues `bytes` if there is room, and takes the handle over then.
   * @returns false when there is no room; the handle stays the caller's
   * @throws the error of the stream; TypeError
   */
  trySend(bytes: Bytes | BytesList): boolean {
    checkWritten(bytes);
    this.checkOpen();
    if (this.waiting.length > 0 || !this.hasRoom(bytes.length)) return false;
    this.push(new Frame(bytes));
    return true;
  }

  /** Writes what is queued now, unless a batch is being written. */
  flush(): void {
    if (this.batch !== undefined || this.queue.length === 0) return;
    const { maxBatchFrames, maxBatchBytes } = this.limits;
    let count = 0;
    let bytes = 0;
    for (const { length } of this.queue) {
      if (count === maxBatchFrames || (count > 0 && bytes + length > maxBatchBytes)) break;
      count++;
      bytes += length;
    }
    this.batches++;
    this.batch = new Batch(this.writes, this.queue.splice(0, count), bytes, this.onTaken);
    this.batch.begin();
  }

  /** Resolves when all that was queued has been written, or rejects with the error of the stream. */
  drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) reject(this.failure.reason);
      else if (this.frames === 0 && this.waiting.length === 0) resolve();
      else
        this.onDrained.push(() => {
          if (this.failure === undefined) resolve();
          else reject(this.failure.reason);
        });
    });
  }

  /** Takes no more frames, writes those that are queued, and ends the stream. */
  async end(): Promise<void> {
    this.isEnding = true;
    await this.drained();
    await new Promise<void>((resolve, reject) => {
      this.onDrained.push(() => reject(this.failure?.reason)); // the stream failed first
      this.writable.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
    this.onDrained.length = 0;
  }

  metrics(): Readonly<OutboxMetrics> {
    return Object.freeze({
      sentFrames: this.sentFrames,
      sentBytes: this.sentBytes,
      batches: this.batches,
      skippedFrames: this.skippedFrames,
      droppedFrames: this.droppedFrames,
      queuedFrames: this.frames,
      queuedBytes: this.bytes,
      behind: this.frames === 0 ? 0 : environment.now() - this.lastTaken,
    });
  }

  /** @internal Whether the frame was queued; undefined when the caller must {@link wait}. */
  offer(frame: Frame): boolean | undefined {
    if (this.failure !== undefined || this.isEnding) return false;
    if (this.waiting.length === 0 && this.hasRoom(frame.length)) {
      this.push(frame.retain());
      return true;
    }
    return this.mustWait() ? undefined : this.decide(frame);
  }

  /** @internal Waits for room. @returns whether the frame was queued in the end */
  wait(frame: Frame): Promise<boolean> {
    frame.retain();
    this.startPatience();
    return new Promise((settle, fail) => void this.waiting.push({ frame, settle, fail }));
  }

  private checkOpen(): void {
    if (this.failure !== undefined) throw this.failure.reason;
    if (this.writable.destroyed) throw this.writes.failure();
    if (this.isEnding) throw prematureClose();
  }

  private hasRoom(length: number): boolean {
    const { maxFrames, maxBytes } = this.limits;
    return this.frames === 0 || (this.frames < maxFrames && this.bytes + length <= maxBytes);
  }

  /** Queues a frame, and takes its count over. */
  private push(frame: Frame): void {
    if (this.frames === 0) this.lastTaken = environment.now();
    this.frames++;
    this.bytes += frame.length;
    this.queue.push(frame);
    if (this.isScheduled || this.batch !== undefined) return;
    this.isScheduled = true;
    flushAtEndOfTurn(this.onTurn);
  }

  private readonly onTurn = (): void => {
    this.isScheduled = false;
    this.flush();
  };

  private mustWait(): boolean {
    const { whenSlow, patience } = this.limits;
    return whenSlow === 'wait' || (!this.isSlow && patience > 0);
  }

  /** Does with a frame for which there is no room what `whenSlow` says. @returns whether it was queued */
  private decide(frame: Frame): boolean {
    this.isSlow = true;
    const { whenSlow, patience } = this.limits;
    if (whenSlow === 'close') this.writable.destroy(new SlowReceiverError(patience));
    if (whenSlow === 'dropOldest') {
      while (this.queue.length > 0 && !this.hasRoom(frame.length)) {
        this.forget(this.queue.shift());
        this.droppedFrames++;
      }
      if (this.hasRoom(frame.length)) {
        this.push(frame.retain());
        return true;
      }
    }
    this.skippedFrames++;
    return false;
  }

  private forget(frame: Frame | undefined): void {
    if (frame === undefined) return;
    this.frames--;
    this.bytes -= frame.length;
    frame.release();
  }

  private readonly onTaken = (batch: Batch, failure: Error | undefined): void => {
    this.batch = undefined;
    for (const frame of batch.frames) this.forget(frame);
    if (failure !== undefined) {
      this.fail(failure);
      return;
    }
    this.lastTaken = environment.now();
    this.sentFrames += batch.frames.length;
    this.sentBytes += batch.byteLength;
    if (this.frames === 0) this.isSlow = false;
    this.admitWaiting();
    this.flush();
    if (this.frames === 0 && this.waiting.length === 0) this.tellDrained();
  };

  private admitWaiting(): void {
    for (let [next] = this.waiting; next !== undefined && this.hasRoom(next.frame.length); [next] = this.waiting) {
      this.waiting.shift();
      this.push(next.frame); // the count of the wait becomes that of the queue
      next.settle(true);
    }
  }

  private startPatience(): void {
    if (this.limits.whenSlow === 'wait' || this.patienceTimer !== undefined) return;
    const left = this.lastTaken + this.limits.patience - environment.now();
    this.patienceTimer = environment.startTimer(this.onPatience, Math.max(0, Math.ceil(left)));
  }

  private readonly onPatience = (): void => {
    this.patienceTimer = undefined;
    if (this.waiting.length === 0) return;
    if (environment.now() < this.lastTaken + this.limits.patience) {
      this.startPatience();
      return;
    }
    for (const { frame, settle } of this.waiting.splice(0)) {
      settle(this.decide(frame));
      frame.release();
    }
  };

  /** Releases everything but the batch that is being written. */
  private fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { reason };
    if (this.patienceTimer !== undefined) environment.stopTimer(this.patienceTimer);
    for (const frame of this.queue.splice(0)) this.forget(frame);
    for (const { frame, fail } of this.waiting.splice(0)) {
      frame.release();
      fail(reason);
    }
    this.tellDrained();
  }

  private tellDrained(): void {
    for (const tell of this.onDrained.splice(0)) tell();
  }
}
