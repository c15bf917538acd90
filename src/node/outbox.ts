import type { Writable } from 'node:stream';
import { describe } from '../base/check.js';
import { doNothing } from '../base/do-nothing.js';
import { environment, type Timer } from '../base/environment.js';
import { shortLived } from '../base/short-lived.js';
import { ArenaError, type Bytes } from '../index.js';
import { type BytesList, checkWritten } from '../streams/bytes-list.js';
import { Batch } from './batch.js';
import { flushAtEndOfTurn } from './flush-turn.js';
import { Frame } from './frame.js';
import { FrameRun } from './frame-run.js';
import { checkOutboxOptions, type OutboxLimits, type OutboxOptions } from './outbox-options.js';
import { checkOpen, isClosed, prematureClose, type StreamWrites, type Watcher, writesOf } from './stream-writes.js';
import { isWritable } from './write-bytes.js';

/** The error of a stream that was closed because it took nothing for too long (`whenSlow: 'close'`). */
export class SlowReceiverError extends ArenaError {
  override readonly name: string = 'SlowReceiverError';
  declare readonly code: 'SLOW_RECEIVER';

  constructor(patience: number) {
    super('SLOW_RECEIVER', `the receiver took nothing for ${patience} ms`);
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
  /** For how many ms the receiver has taken nothing, while something was queued or being written. */
  readonly stalledFor: number;
}

interface Waiting {
  readonly frame: Frame;
  readonly settle: (isQueued: boolean) => void;
  readonly fail: (reason: unknown) => void;
}

/**
 * Sends frames to one stream. What is queued in a turn of the event loop goes out as one vectored write. Limits bound
 * what is held for the stream, and `whenSlow` says what happens to frames beyond them. A stream should have one outbox.
 *
 * An error of the stream is reported by the calls, and is not an uncaught exception.
 * @throws TypeError, RangeError for bad arguments
 */
export class Outbox {
  readonly writable: Writable;
  private readonly watcher: Watcher = { streamFailed: (error) => this.streamFailed(error) };
  private readonly limits: OutboxLimits;
  private readonly writes: StreamWrites;
  private readonly queue: Frame[] = [];
  /** The frames that are being written. */
  private batch: Batch | undefined;
  private readonly waiting: Waiting[] = [];
  private bytes = 0;
  private isScheduled = false;
  private isFlushing = false;
  /** Whether the receiver took nothing for longer than `patience`, and has not caught up since. */
  private isSlow = false;
  private ending: Promise<void> | undefined;
  private isRetired = false;
  private failure: { readonly reason: unknown } | undefined;
  private lastTaken = 0;
  /** Runs while calls wait, and keeps the program running. */
  private patienceTimer: Timer | undefined;
  /** Whether a timer looks after what is queued. It does not keep the program running. */
  private isWatched = false;
  private readonly onDrained: (() => void)[] = [];
  private sentFrames = 0;
  private sentBytes = 0;
  private batches = 0;
  private skippedFrames = 0;
  private droppedFrames = 0;
  /** @internal Called when the stream has failed or closed. */
  onGone: () => void = doNothing;
  /** @internal Called before anything is done with the outbox from outside: a group then queues what it has for it. */
  onUse: () => void = doNothing;

  constructor(writable: Writable, options: OutboxOptions = {}) {
    if (!isWritable(writable)) throw new TypeError(`writable must be a Writable, got ${describe(writable)}`);
    this.limits = checkOutboxOptions(options);
    this.writable = writable;
    this.writes = writesOf(writable);
    if (isClosed(writable)) this.fail(this.writes.failure());
    else this.writes.watch(this.watcher);
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
      this.onUse();
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
    this.onUse();
    this.checkOpen();
    if (this.waiting.length > 0 || !this.hasRoom(bytes.length)) return false;
    this.push(new Frame(bytes));
    return true;
  }

  /** Writes what is queued now, unless a batch is being written. */
  flush(): void {
    this.onUse();
    this.writeQueue();
  }

  /** @internal */
  writeQueue(): void {
    // A loop and not a recursion, for streams that call back at once.
    if (this.isFlushing) return;
    this.isFlushing = true;
    try {
      while (this.batch === undefined && this.queue.length > 0) this.writeBatch();
    } finally {
      this.isFlushing = false;
    }
  }

  /** Resolves when nothing is queued any more, or rejects with the error of the stream. */
  drained(): Promise<void> {
    this.onUse();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (this.failure === undefined) resolve();
        else reject(this.failure.reason);
      };
      if (this.failure !== undefined || this.isEmpty) settle();
      else this.onDrained.push(settle);
    });
  }

  /** Takes no more frames, writes those that are queued, and ends the stream. Rejects with the error of the stream. */
  end(): Promise<void> {
    this.ending ??= this.endStream();
    return this.ending;
  }

  metrics(): Readonly<OutboxMetrics> {
    this.onUse();
    return Object.freeze({
      sentFrames: this.sentFrames,
      sentBytes: this.sentBytes,
      batches: this.batches,
      skippedFrames: this.skippedFrames,
      droppedFrames: this.droppedFrames,
      queuedFrames: this.frames,
      queuedBytes: this.bytes,
      stalledFor: this.frames === 0 ? 0 : environment.now() - this.lastTaken,
    });
  }

  /** @internal Whether the frame was queued; undefined when the caller must {@link wait}. */
  offer(frame: Frame): boolean | undefined {
    if (this.failure !== undefined || this.isEnding) return false;
    if (this.canQueue(frame.length)) {
      this.push(frame.retain());
      return true;
    }
    const { whenSlow, patience } = this.limits;
    if (this.waiting.length === 0 && this.isSlow && whenSlow === 'skip') return this.decide(frame);
    return whenSlow === 'wait' || (!this.isSlow && patience > 0) ? undefined : this.decide(frame);
  }

  /** @internal Whether {@link offer} queues a frame of `length` bytes without dropping another one. */
  canQueue(length: number): boolean {
    if (this.failure !== undefined || this.isEnding || this.waiting.length > 0) return false;
    return !(this.isSlow && this.limits.whenSlow === 'skip') && this.hasRoom(length);
  }

  /** @internal How many frames and bytes more it takes. */
  get room(): { readonly frames: number; readonly bytes: number } {
    const { maxFrames, maxBytes } = this.limits;
    return { frames: maxFrames - this.frames, bytes: maxBytes - this.bytes };
  }

  /** @internal Queues frames for which there is room, and counts each. They have `byteLength` bytes. */
  pushAll(frames: readonly Frame[], byteLength: number): void {
    if (this.failure !== undefined) return;
    for (const frame of frames) this.queue.push(frame.retain());
    this.queued(byteLength, this.frames === frames.length);
  }

  /** @internal Waits for room. @returns whether the frame was queued in the end */
  wait(frame: Frame): Promise<boolean> {
    frame.retain();
    if (this.limits.whenSlow !== 'wait')
      this.patienceTimer ??= environment.startTimer(this.onPatience, this.patienceLeft());
    return new Promise((settle, fail) => void this.waiting.push({ frame, settle, fail }));
  }

  /** @internal Takes no more frames, and releases those that wait. What is queued is still written. */
  retire(): Promise<void> {
    this.isRetired = true;
    for (const { frame, settle } of this.waiting.splice(0)) {
      frame.release();
      settle(false);
    }
    this.stopPatience();
    if (this.isEmpty) this.tellDrained();
    return this.drained().then(() => this.writes.unwatch(this.watcher));
  }

  private streamFailed(error: Error): void {
    const hasEnded = this.ending !== undefined && this.isEmpty && this.writable.writableFinished;
    if (hasEnded) this.onGone();
    else this.fail(error);
    this.writes.unwatch(this.watcher);
  }

  /** Frames that are queued or being written. */
  private get frames(): number {
    return this.queue.length + (this.batch?.run.length ?? 0);
  }

  private get isEmpty(): boolean {
    return this.frames === 0; // then nobody waits either
  }

  private get isEnding(): boolean {
    return this.isRetired || this.ending !== undefined || this.writable.writableEnded;
  }

  private checkOpen(): void {
    if (this.failure !== undefined) throw this.failure.reason;
    if (isClosed(this.writable)) throw this.writes.failure();
    if (this.isEnding) throw ended();
  }

  private hasRoom(length: number): boolean {
    const { maxFrames, maxBytes } = this.limits;
    return this.frames === 0 || (this.frames < maxFrames && this.bytes + length <= maxBytes);
  }

  /** Queues a frame, and takes its count over. */
  private push(frame: Frame): void {
    this.queue.push(frame);
    this.queued(frame.length, this.frames === 1);
    this.flushSoon();
  }

  private queued(byteLength: number, wasEmpty: boolean): void {
    if (wasEmpty) this.lastTaken = environment.now();
    this.bytes += byteLength;
    const { whenSlow } = this.limits;
    if (whenSlow === 'close' || whenSlow === 'dropOldest') this.watchQueue();
  }

  /** @internal Writes what is queued at the end of this turn. */
  flushSoon(): void {
    if (this.isScheduled || this.batch !== undefined) return;
    this.isScheduled = true;
    flushAtEndOfTurn(this.onTurn);
  }

  private readonly onTurn = shortLived((): void => {
    this.isScheduled = false;
    this.writeQueue();
  });

  private writeBatch(): void {
    const { maxBatchFrames, maxBatchBytes } = this.limits;
    let count = 0;
    let bytes = 0;
    for (const { length } of this.queue) {
      if (count === maxBatchFrames || (count > 0 && bytes + length > maxBatchBytes)) break;
      count++;
      bytes += length;
    }
    this.batches++;
    this.batch = new Batch(this.writes, FrameRun.take(this.queue, count, bytes), this.onTaken);
    this.batch.begin();
  }

  /** Does with a frame for which there is no room what `whenSlow` says. @returns whether it was queued */
  private decide(frame: Frame): boolean {
    this.isSlow = true;
    if (this.limits.whenSlow === 'dropOldest' && this.fitsBesideBatch(frame)) {
      while (!this.hasRoom(frame.length)) this.drop();
      this.push(frame.retain());
      return true;
    }
    this.skippedFrames++;
    return false;
  }

  /** Whether there is room for a frame once all that is queued was dropped. */
  private fitsBesideBatch({ length }: Frame): boolean {
    const { maxFrames, maxBytes } = this.limits;
    const written = this.batch?.run;
    return written === undefined || (written.length < maxFrames && written.byteLength + length <= maxBytes);
  }

  private closeStream(): void {
    const error = new SlowReceiverError(this.limits.patience);
    this.fail(error);
    this.writable.destroy(error);
  }

  private drop(): void {
    this.forget(this.queue.shift());
    this.droppedFrames++;
  }

  private forget(frame: Frame | undefined): void {
    if (frame === undefined) return;
    this.bytes -= frame.length;
    frame.release();
  }

  private readonly onTaken = shortLived(({ run }: Batch, failure: Error | undefined): void => {
    this.batch = undefined;
    this.bytes -= run.byteLength;
    run.release();
    if (failure !== undefined) {
      this.fail(failure);
      return;
    }
    this.lastTaken = environment.now();
    this.sentFrames += run.length;
    this.sentBytes += run.byteLength;
    if (this.frames === 0) this.isSlow = false;
    this.admitWaiting();
    this.writeQueue();
    if (this.isEmpty) this.tellDrained();
  });

  private admitWaiting(): void {
    for (let [next] = this.waiting; next !== undefined && this.hasRoom(next.frame.length); [next] = this.waiting) {
      this.waiting.shift();
      this.push(next.frame); // the count of the wait becomes that of the queue
      next.settle(true);
    }
    if (this.waiting.length === 0) this.stopPatience();
  }

  /** The patience that is left, in ms. */
  private patienceLeft(): number {
    // In a turn that took long, the receiver was not even given anything.
    if (this.batch === undefined) this.lastTaken = environment.now();
    return Math.max(0, Math.ceil(this.lastTaken + this.limits.patience - environment.now()));
  }

  private stopPatience(): void {
    if (this.patienceTimer !== undefined) environment.stopTimer(this.patienceTimer);
    this.patienceTimer = undefined;
  }

  private readonly onPatience = shortLived((): void => {
    this.patienceTimer = undefined;
    const left = this.patienceLeft();
    if (left > 0) {
      this.patienceTimer = environment.startTimer(this.onPatience, left);
      return;
    }
    this.giveUp();
  });

  /** Looks after a receiver to which nobody sends any more: it must not hold memory for ever. */
  private watchQueue(): void {
    if (this.isWatched || this.limits.patience === 0) return;
    this.isWatched = true;
    environment.startIdleTimer(this.onQueueWatch, this.patienceLeft());
  }

  private readonly onQueueWatch = shortLived((): void => {
    this.isWatched = false;
    if (this.failure !== undefined || this.frames === 0) return;
    if (this.patienceLeft() > 0) this.watchQueue();
    else this.giveUp();
  });

  /** The receiver took nothing for longer than `patience`. */
  private giveUp(): void {
    this.isSlow = true;
    const { whenSlow } = this.limits;
    if (whenSlow === 'close') this.closeStream(); // all that wait are rejected
    if (whenSlow === 'dropOldest') while (this.queue.length > 0) this.drop();
    this.settleWaiting();
  }

  private settleWaiting(): void {
    for (const { frame, settle } of this.waiting.splice(0)) {
      const hasRoom = this.hasRoom(frame.length);
      if (hasRoom) this.push(frame.retain());
      settle(hasRoom || this.decide(frame));
      frame.release();
    }
    this.stopPatience();
  }

  private async endStream(): Promise<void> {
    await this.drained();
    const { writable } = this;
    if (writable.writableFinished) return;
    checkOpen(writable);
    this.writes.watch(this.watcher); // it may have left its group, and not be told of the stream any more
    await new Promise<void>((resolve, reject) => {
      this.onDrained.push(() => this.failure !== undefined && reject(this.failure.reason));
      writable.end((error?: Error | null) => (error ? reject(error) : resolve()));
    });
    this.onDrained.length = 0;
  }

  /** Releases everything but the batch that is being written. */
  private fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { reason };
    for (const frame of this.queue.splice(0)) this.forget(frame);
    for (const { frame, fail } of this.waiting.splice(0)) {
      frame.release();
      fail(reason);
    }
    this.stopPatience();
    this.tellDrained();
    this.onGone();
  }

  private tellDrained(): void {
    for (const tell of this.onDrained.splice(0)) tell();
  }
}

function ended(): Error {
  return Object.assign(prematureClose(), { message: 'the outbox or its stream has ended, and takes no more frames' });
}
