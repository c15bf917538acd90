import { describe } from './check.js';
import { StopSignal } from './stop-signal.js';

/**
 * The part of an AbortSignal that the library uses. The declarations do not name the global type, so they also compile
 * without the types of DOM and Node.
 */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * The callbacks of each signal. A signal gets a single listener, however many callbacks it has: Node 20 warns of a leak
 * from the eleventh listener on.
 */
const callbacksOf = new WeakMap<AbortSignalLike, Set<() => void>>();

/** Calls `callback` when `signal` aborts. The signal must not have aborted yet. */
export function addAbortCallback(signal: AbortSignalLike, callback: () => void): void {
  if (signal instanceof StopSignal) {
    signal.addEventListener('abort', callback);
    return;
  }
  let callbacks = callbacksOf.get(signal);
  if (callbacks === undefined) {
    callbacks = new Set();
    callbacksOf.set(signal, callbacks);
  }
  if (callbacks.size === 0) signal.addEventListener('abort', runCallbacks);
  callbacks.add(callback);
}

export function removeAbortCallback(signal: AbortSignalLike, callback: () => void): void {
  if (signal instanceof StopSignal) {
    signal.removeEventListener('abort', callback);
    return;
  }
  const callbacks = callbacksOf.get(signal);
  if (callbacks?.delete(callback) && callbacks.size === 0) signal.removeEventListener('abort', runCallbacks);
}

function runCallbacks(this: AbortSignalLike): void {
  const callbacks = callbacksOf.get(this);
  if (callbacks === undefined) return;
  callbacksOf.delete(this);
  this.removeEventListener('abort', runCallbacks);
  for (const callback of callbacks) callback();
}

/**
 * Checks a `signal` option. AbortSignals of other realms and of libraries are accepted too.
 * @throws TypeError unless `signal` is undefined or an AbortSignal
 */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  if (typeof signal === 'object' && signal !== null && 'aborted' in signal) {
    const { addEventListener, removeEventListener } = signal as Partial<AbortSignalLike>;
    if (typeof addEventListener === 'function' && typeof removeEventListener === 'function') return;
  }
  throw new TypeError(`signal must be an AbortSignal, got ${describe(signal)}`);
}

/**
 * The reason of an aborted signal. It is an AbortError for signals without a reason, as some libraries make them. If
 * reading the reason throws, it is the error that was thrown.
 */
export function abortReason(signal: AbortSignalLike): unknown {
  try {
    const { reason } = signal;
    return reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
  } catch (error) {
    return error;
  }
}
