import { type AbortSignalLike, checkSignal } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';

/** Limits of a wait. */
export interface WaitOptions {
  /** When this signal aborts, the wait ends with its `reason`. */
  readonly signal?: AbortSignalLike | undefined;
  /**
   * After this many ms, 0 to 2^31 - 1, the wait ends with a DOMException named `TimeoutError`. By default there is no
   * limit.
   */
  readonly timeout?: number | undefined;
}

/** The longest time that a timer can run, in ms. */
export const LONGEST_TIMEOUT: number = 2 ** 31 - 1;

/** Checks options and returns them. @throws TypeError, RangeError unless `options` are valid {@link WaitOptions} */
export function checkWaitOptions(options: unknown): WaitOptions {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object, got ${describe(options)}`);
  }
  const { signal, timeout } = options as WaitOptions;
  checkTimeout(timeout);
  checkSignal(signal);
  return { signal, timeout };
}

/** @throws TypeError, RangeError unless `timeout` is undefined or an integer from 0 to 2^31 - 1 */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined) checkInteger(timeout, 'timeout', 0, LONGEST_TIMEOUT);
}

/** Returns the error of a wait that took too long. @param what what did not happen, in the past tense */
export function timeoutError(what: string, timeout: number): Error {
  return new DOMException(`${what} within ${timeout} ms`, 'TimeoutError');
}
