import { load, wait, waitAsync } from '../base/atomics.js';
import { environment, type Timer } from '../base/environment.js';
import type { Control } from './control.js';
import { isActive, type Lane, STATE, WAKE } from './lane.js';

/** Interval between checks for another attached thread, which could end a wait, in ms. */
const LOOK_ROUND = 1000;
/** Interval between looks where the runtime has no asynchronous wait to sleep in, in ms. */
const POLL = 10;

/**
 * Lets a thread sleep until other threads have something for it. It sleeps on the WAKE of its lane, for everything that
 * the thread waits for at once.
 *
 * During a wait, the sleeper keeps the thread running as long as another thread is attached, because that thread could
 * end the wait. `Atomics.waitAsync` by itself does not keep a thread running. A thread that is attached alone is not
 * kept running: no other thread is left to end its wait.
 */
export class Sleeper {
  private readonly control: Control;
  private readonly lane: Lane;
  private readonly looks = new Set<() => void>();
  private isListening = false;
  private keepAlive: Timer | undefined = undefined;

  constructor(control: Control, lane: Lane) {
    this.control = control;
    this.lane = lane;
  }

  /** From now on, calls `look` whenever there may be something. The caller must look once itself after this. */
  add(look: () => void): void {
    this.looks.add(look);
    this.listen();
    this.stayAlive();
  }

  remove(look: () => void): void {
    this.looks.delete(look);
    if (this.looks.size > 0 || this.keepAlive === undefined) return;
    environment.stopTimer(this.keepAlive);
    this.keepAlive = undefined;
  }

  /** The value that the lane's WAKE has now, for {@link sleep}. Read it before looking for the last time. */
  get wakes(): number {
    return load(this.control.words, this.lane.start + WAKE);
  }

  /**
   * Blocks the thread until it is woken, at most `timeout` ms. Returns at once if it was woken since `wakes` was read.
   * @throws TypeError when the thread must not block
   */
  sleep(wakes: number, timeout: number): void {
    wait(this.control.words, this.lane.start + WAKE, wakes, timeout);
  }

  private listen(): void {
    if (this.isListening) return;
    this.isListening = true;
    const woken = waitAsync(this.control.words, this.lane.start + WAKE, this.wakes);
    if (woken === undefined) environment.startTimer(() => this.woken(), POLL);
    else Promise.resolve(woken).then(() => this.woken());
  }

  private woken(): void {
    this.isListening = false;
    if (this.looks.size === 0) return;
    // Listen first, then look: anything that happens in between wakes the thread again.
    this.listen();
    this.stayAlive();
    for (const look of [...this.looks]) look();
  }

  private stayAlive(): void {
    if (this.keepAlive !== undefined || !this.hasCompany()) return;
    this.keepAlive = environment.startTimer(() => {
      this.keepAlive = undefined;
      if (this.looks.size > 0) this.stayAlive();
    }, LOOK_ROUND);
  }

  private hasCompany(): boolean {
    const { control, lane } = this;
    for (let number = 0; number < control.lanesUsed; number++) {
      if (number !== lane.number && isActive(load(control.words, control.laneWord(number, STATE)))) return true;
    }
    return false;
  }
}
