import { environment, type Timer } from '#internal/base/environment';

/** A clock that replaces the one of the library, and moves only when a test advances it. */
export class FakeClock {
  private time = 0;
  private readonly timers = new Map<Timer, { readonly at: number; readonly callback: () => void }>();
  private readonly real: Pick<typeof environment, 'now' | 'startTimer' | 'stopTimer' | 'startIdleTimer'> = {
    ...environment,
  };
  private nextTimer = 1;
  /** Timers that do not keep the program running. */
  private readonly idle = new Set<Timer>();

  constructor() {
    environment.now = () => this.time;
    environment.startTimer = (callback, delay) => {
      const timer = this.nextTimer++ as unknown as Timer;
      this.timers.set(timer, { at: this.time + delay, callback });
      return timer;
    };
    environment.stopTimer = (timer) => void this.timers.delete(timer);
    environment.startIdleTimer = (callback, delay) => {
      this.idle.add(environment.startTimer(callback, delay));
    };
  }

  get now(): number {
    return this.time;
  }

  get pendingTimers(): number {
    return [...this.timers.keys()].filter((timer) => !this.idle.has(timer)).length;
  }

  /** Lets `ms` pass. Timers run at their time, in order. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [timer, { at, callback }] = due;
      this.timers.delete(timer);
      this.time = Math.max(this.time, at);
      callback();
    }
    this.time = end;
  }

  [Symbol.dispose](): void {
    Object.assign(environment, {
      now: this.real.now,
      startTimer: this.real.startTimer,
      stopTimer: this.real.stopTimer,
      startIdleTimer: this.real.startIdleTimer,
    });
  }
}
