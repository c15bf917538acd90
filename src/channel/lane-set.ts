import { exchange, load, or } from '../base/atomics.js';
import type { SharedThread } from '../shared/thread.js';

/** The lanes whose threads wait for a channel, one bit for each lane. */
export class LaneSet {
  private readonly words: Int32Array;
  private readonly start: number;
  private readonly count: number;
  private readonly thread: SharedThread;

  constructor(words: Int32Array, start: number, count: number, thread: SharedThread) {
    this.words = words;
    this.start = start;
    this.count = count;
    this.thread = thread;
  }

  /** Adds this thread. */
  add(): void {
    const { number } = this.thread.tools.lane;
    or(this.words, this.start + (number >>> 5), 1 << (number & 31));
  }

  /** Wakes all threads in the set, and empties it. */
  wakeAll(): void {
    for (let word = 0; word < this.count; word++) {
      if (load(this.words, this.start + word) === 0) continue;
      for (let lanes = exchange(this.words, this.start + word, 0); lanes !== 0; lanes &= lanes - 1) {
        this.thread.tools.control.wake((word << 5) + 31 - Math.clz32(lanes & -lanes));
      }
    }
  }
}
