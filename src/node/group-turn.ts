import type { Frame } from './frame.js';
import type { Outbox } from './outbox.js';

/**
 * The frames that a group sends in one turn of the event loop, for all outboxes that have room for them. They are queued
 * in each outbox when the turn ends, and not one by one: a relay to 100 subscribers would spend more on its queues than
 * on its writes.
 */
export class GroupTurn {
  /** The outboxes that have room. */
  readonly members: readonly Outbox[];
  /** The outboxes that have to be asked for each frame. */
  readonly others: readonly Outbox[];
  private readonly frames: Frame[] = [];
  private byteLength = 0;
  private frameRoom = Number.POSITIVE_INFINITY;
  private byteRoom = Number.POSITIVE_INFINITY;

  /** A turn that begins with `first`, whose count it takes over. */
  constructor(outboxes: Iterable<Outbox>, first: Frame) {
    const members: Outbox[] = [];
    const others: Outbox[] = [];
    for (const outbox of outboxes) {
      if (outbox.canQueue(first.length)) {
        members.push(outbox);
        const { frames, bytes } = outbox.room;
        this.frameRoom = Math.min(this.frameRoom, frames);
        this.byteRoom = Math.min(this.byteRoom, bytes);
      } else others.push(outbox);
    }
    this.members = members;
    this.others = others;
    this.push(first);
  }

  /** Whether every member has room for a frame of `length` bytes too. */
  hasRoom(length: number): boolean {
    return this.frames.length < this.frameRoom && this.byteLength + length <= this.byteRoom;
  }

  /** Takes the count of `frame` over. */
  push(frame: Frame): void {
    this.frames.push(frame);
    this.byteLength += frame.length;
  }

  /** Ends the turn: queues the frames in each member. */
  queueFrames(): void {
    for (const member of this.members) member.pushAll(this.frames, this.byteLength);
    for (const frame of this.frames) frame.release();
  }
}
