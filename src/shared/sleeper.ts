import { load, wait, waitAsync } from '../base/atomics.js';
import { environment, type Timer } from '../base/environment.js';
import type { Control } from './control.js';
import { isActive, type Lane, STATE, WAKE } from './lane.js';

/** How often it is looked whether anybody is left who could end a wait, in ms. */
const LOOK_ROUND = 1000;
/** How often is looked instead of sleeping where the runtime has no asynchronous wait, in ms. */
const POLL = 10;

/**
 * How a thread sleeps until others have something for it: on the WAKE of its lane, for all that is waited for at once.
 *
 * While something is waited for, the thread is kept running as long as another thread is attached, which could end the wait;
 * `Atomics.waitAsync` alone keeps nothing running. Alone, it is not kept: then nobody is left who could.
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

  /** Calls `look` whenever there may be something, from now on. Whoever adds it looks again himself afterwards. */
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

  /** The value that the lane's WAKE has now, for {@link sleep}: to be read before one looks for the last time. */
  get wakes(): number {
    return load(this.control.words, this.lane.start + WAKE);
  }

  /** Blocks the thread until it is woken, if it was not since `wakes`; at most `timeout` ms. @throws TypeError where that is not allowed */
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
    // First listen, then look: what comes in between wakes again.
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
