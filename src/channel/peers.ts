import { load, store } from '../base/atomics.js';
import { STATE } from '../shared/lane.js';
import type { SharedThread } from '../shared/thread.js';

/** The word of a thread that attached the channel and then detached from the arena. No lane has this state. */
const LEFT = -1;

/**
 * The threads that attached a channel. Each writes the state of its lane into its own word. A thread is there as long as
 * its lane still has that state: the state names the thread, and it changes when the thread is reclaimed.
 */
export class Peers {
  private readonly words: Int32Array;
  private readonly start: number;
  private readonly thread: SharedThread;

  /** Adds this thread. */
  constructor(words: Int32Array, start: number, thread: SharedThread) {
    this.words = words;
    this.start = start;
    this.thread = thread;
    const { control, lane } = thread.tools;
    store(words, start + lane.number, load(control.words, control.laneWord(lane.number, STATE)));
    thread.leaving.add(() => store(words, start + lane.number, LEFT));
  }

  /**
   * Whether other threads are there: `some`; or have been there, and all have detached (`left`) or some have died (`died`).
   * A channel that no other thread has attached yet counts as `some`.
   */
  get presence(): 'some' | 'left' | 'died' {
    const { control, lane } = this.thread.tools;
    let presence: 'some' | 'left' | 'died' = 'some';
    for (let number = 0; number < control.lanesUsed; number++) {
      const state = load(this.words, this.start + number);
      if (number === lane.number || state === 0) continue;
      if (state === load(control.words, control.laneWord(number, STATE))) return 'some';
      if (presence !== 'died') presence = state === LEFT ? 'left' : 'died';
    }
    return presence;
  }
}
