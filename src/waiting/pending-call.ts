import { type AbortSignalLike, abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { doNothing } from '../base/do-nothing.js';
import { environment, type Timer, throwLater } from '../base/environment.js';
import { shortLived } from '../base/short-lived.js';
import { timeoutError, type WaitOptions } from './wait-options.js';

/** A promise that is settled once: by the code that made it, by a signal, or by a timeout. */
export class PendingCall<Result> {
  readonly promise: Promise<Result>;
  isSettled = false;
  private readonly signal: AbortSignalLike | undefined;
  private readonly timer: Timer | undefined;
  private readonly onSettled: () => void;
  private fulfil: (result: Result) => void = doNothing;
  private fail: (reason: unknown) => void = doNothing;
  private readonly onAbort = shortLived((): void => this.reject(this.signal && abortReason(this.signal)));

  /**
   * @param what what did not happen in time, in the past tense, for the message of the timeout
   * @param onSettled called once the promise is settled, in any way
   * @throws the reason of a signal that is already aborted
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
    // A signal that is not a real AbortSignal may have aborted in the call above.
    if (signal !== undefined && this.isSettled) removeAbortCallback(signal, this.onAbort);
    this.timer =
      timeout === undefined || this.isSettled
        ? undefined
        : environment.startTimer(() => this.reject(timeoutError(what, timeout)), timeout);
  }

  resolve(result: Result): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.fulfil(result);
    this.cleanUp();
  }

  reject(reason: unknown): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.fail(reason);
    this.cleanUp();
  }

  private cleanUp(): void {
    if (this.timer !== undefined) environment.stopTimer(this.timer);
    try {
      if (this.signal !== undefined) removeAbortCallback(this.signal, this.onAbort);
    } catch (error) {
      throwLater(error); // the call is settled, whatever a signal that is not a real AbortSignal throws
    }
    this.onSettled();
  }
}
