import { abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { environment, type Timer } from '../base/environment.js';
import { timeoutError, type WaitOptions } from './wait-options.js';

/** A promise that is settled once: by who fulfils it, a signal, or a timeout. */
export class PendingCall<Result> {
  readonly promise: Promise<Result>;
  isSettled = false;
  private readonly signal: AbortSignal | undefined;
  private readonly timer: Timer | undefined;
  private readonly onSettled: () => void;
  private fulfil: (result: Result) => void = () => undefined;
  private fail: (reason: unknown) => void = () => undefined;
  private readonly onAbort = (): void => this.reject(this.signal && abortReason(this.signal));

  /**
   * @param what did not happen when the time is over, in the past tense
   * @param onSettled called when it was settled, in whatever way
   * @throws the reason of a signal that is aborted
   */
  constructor(what: string, { signal, timeout }: WaitOptions, onSettled: () => void) {
    if (signal?.aborted) throw abortReason(signal);
    this.onSettled = onSettled;
    this.promise = new Promise((resolve, reject) => {
      this.fulfil = resolve;
      this.fail = reject;
    });
    this.signal = signal;
    if (signal !== undefined) addAbortCallback(signal, this.onAbort);
    if (signal !== undefined && this.isSettled) removeAbortCallback(signal, this.onAbort); // one that is no AbortSignal may have aborted
    this.timer =
      timeout === undefined || this.isSettled
        ? undefined
        : environment.startTimer(() => this.reject(timeoutError(what, timeout)), timeout);
  }

  resolve(result: Result): void {
    if (this.isSettled) return;
    this.settle();
    this.fulfil(result);
  }

  reject(reason: unknown): void {
    if (this.isSettled) return;
    this.settle();
    this.fail(reason);
  }

  private settle(): void {
    this.isSettled = true;
    if (this.signal !== undefined) removeAbortCallback(this.signal, this.onAbort);
    if (this.timer !== undefined) environment.stopTimer(this.timer);
    this.onSettled();
  }
}
