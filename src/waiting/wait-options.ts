import { checkSignal } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';

/** How long to wait. */
export interface WaitOptions {
  /** Ends the wait with its `reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the wait after this many ms, 0 to 2^31 - 1, with a DOMException named `TimeoutError`. Default: never. */
  readonly timeout?: number | undefined;
}

const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** @throws TypeError, RangeError unless these are {@link WaitOptions} */
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

/** @throws TypeError, RangeError unless it is a number of ms, or undefined */
export function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined) checkInteger(timeout, 'timeout', 0, LONGEST_TIMEOUT);
}

/** What a wait ends with that took too long. @param what did not happen, in the past tense */
export function timeoutError(what: string, timeout: number): DOMException {
  return new DOMException(`${what} within ${timeout} ms`, 'TimeoutError');
}
