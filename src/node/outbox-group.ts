import type { Writable } from 'node:stream';
import { shortLived } from '../base/short-lived.js';
import type { Bytes } from '../index.js';
import { type BytesList, checkWritten } from '../streams/bytes-list.js';
import { flushAtEndOfTurn } from './flush-turn.js';
import { Frame } from './frame.js';
import { GroupTurn } from './group-turn.js';
import { Outbox, type OutboxMetrics } from './outbox.js';
import { checkOutboxOptions, type OutboxOptions } from './outbox-options.js';
import { isClosed } from './stream-writes.js';

/** The sums over the outboxes of a group, those that left included. `stalledFor` is the longest. */
export interface OutboxGroupMetrics extends OutboxMetrics {
  readonly outboxes: number;
}

/**
 * Sends frames to many streams. A frame is counted once, however many outboxes have it.
 * @throws TypeError, RangeError for bad options
 */
export class OutboxGroup implements Iterable<Outbox> {
  private readonly options: OutboxOptions;
  private readonly outboxes = new Map<Writable, Outbox>();
  /** Outboxes that left and still write what was queued. */
  private readonly leaving = new Set<Outbox>();
  private turn: GroupTurn | undefined;
  private isScheduled = false;
  /** Of those that are done. */
  private readonly left = { sentFrames: 0, sentBytes: 0, batches: 0, skippedFrames: 0, droppedFrames: 0 };

  /** @param options of each outbox */
  constructor(options: OutboxOptions = {}) {
    checkOutboxOptions(options);
    this.options = options;
  }

  /** Number of outboxes. */
  get size(): number {
    return this.outboxes.size;
  }

  [Symbol.iterator](): IterableIterator<Outbox> {
    return this.outboxes.values();
  }

  /**
   * Makes an outbox for a stream. It leaves the group when the stream fails or closes; a stream that is already closed
   * does not enter. A stream that is already in the group keeps its outbox.
   * @throws TypeError, RangeError for bad arguments
   */
  add(writable: Writable, options: OutboxOptions = this.options): Outbox {
    const known = this.outboxes.get(writable);
    if (known !== undefined) return known;
    const outbox = new Outbox(writable, options);
    this.endTurn();
    if (isClosed(writable)) return outbox;
    this.outboxes.set(writable, outbox);
    outbox.onGone = shortLived(() => void this.delete(writable));
    outbox.onUse = this.endTurn;
    return outbox;
  }

  /**
   * Takes a stream out of the group. What is queued for it is still written, and the stream is not ended. To add it
   * again before that may change the order of its frames.
   * @returns false when it was not in the group
   */
  delete(writable: Writable): boolean {
    const outbox = this.outboxes.get(writable);
    if (outbox === undefined) return false;
    this.outboxes.delete(writable);
    this.leaving.add(outbox);
    const done = (): void => {
      this.leaving.delete(outbox);
      const metrics = outbox.metrics();
      for (const name of Object.keys(this.left) as (keyof typeof this.left)[]) this.left[name] += metrics[name];
    };
    outbox.retire().then(done, done);
    return true;
  }

  /**
   * Sends `bytes` to all outboxes and takes the handle over. Resolves when each of them has queued the frame, skipped
   * it, or failed.
   * @returns the number of outboxes that queued it
   * @throws TypeError (as a rejection) for what is not bytes
   */
  send(bytes: Bytes | BytesList): Promise<number> {
    try {
      checkWritten(bytes);
      return this.sendFrame(new Frame(bytes));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Writes what is queued now. */
  flush(): void {
    for (const outbox of this) outbox.flush();
  }

  /** Ends all streams after what is queued for them. Streams that fail are left out. */
  async end(): Promise<void> {
    await Promise.allSettled([...this].map((outbox) => outbox.end()));
  }

  metrics(): Readonly<OutboxGroupMetrics> {
    const sums = { ...this.left, queuedFrames: 0, queuedBytes: 0, stalledFor: 0 };
    for (const outbox of [...this, ...this.leaving]) {
      const metrics = outbox.metrics();
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) {
        sums[name] = name === 'stalledFor' ? Math.max(sums.stalledFor, metrics.stalledFor) : sums[name] + metrics[name];
      }
    }
    return Object.freeze({ outboxes: this.size, ...sums });
  }

  private sendFrame(frame: Frame): Promise<number> {
    const turn = this.inTurn(frame);
    const waits: Promise<boolean>[] = [];
    let queued = turn.members.length;
    for (const outbox of turn.others) {
      const isQueued = outbox.offer(frame);
      if (isQueued) queued++;
      else if (isQueued === undefined) waits.push(outbox.wait(frame).catch(() => false));
    }
    if (turn.members.length === 0) this.endTurn(); // nobody needs the frame at the end of the turn
    if (waits.length === 0) return Promise.resolve(queued);
    return Promise.all(waits).then((areQueued) => queued + areQueued.filter((isQueued) => isQueued).length);
  }

  /** The turn with `frame` in it, which takes its count over. */
  private inTurn(frame: Frame): GroupTurn {
    if (this.turn?.hasRoom(frame.length)) {
      this.turn.push(frame);
      return this.turn;
    }
    this.endTurn();
    this.turn = new GroupTurn(this.outboxes.values(), frame);
    if (!this.isScheduled) flushAtEndOfTurn(this.onTurn);
    this.isScheduled = true;
    return this.turn;
  }

  /** Queues what was sent in this turn. To be called before anything else happens to the outboxes. */
  private readonly endTurn = shortLived((): void => {
    for (const member of this.takeTurn()) member.flushSoon();
  });

  private readonly onTurn = shortLived((): void => {
    this.isScheduled = false;
    for (const member of this.takeTurn()) member.writeQueue();
  });

  /** @returns the outboxes that have something queued */
  private takeTurn(): readonly Outbox[] {
    const { turn } = this;
    this.turn = undefined;
    turn?.queueFrames();
    return turn?.members ?? [];
  }
}
