import { describe } from './check.js';

/**
 * Callbacks by the signal that runs them, with one listener on each signal however many wait for it: Node 20 warns of a
 * leak from the eleventh on.
 */
const callbacksOf = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `callback` when `signal` aborts, which it has not yet. */
export function addAbortCallback(signal: AbortSignal, callback: () => void): void {
  let callbacks = callbacksOf.get(signal);
  if (callbacks === undefined) {
    callbacks = new Set();
    callbacksOf.set(signal, callbacks);
  }
  if (callbacks.size === 0) signal.addEventListener('abort', runCallbacks);
  callbacks.add(callback);
}

export function removeAbortCallback(signal: AbortSignal, callback: () => void): void {
  const callbacks = callbacksOf.get(signal);
  if (callbacks?.delete(callback) && callbacks.size === 0) signal.removeEventListener('abort', runCallbacks);
}

function runCallbacks(this: AbortSignal): void {
  const callbacks = callbacksOf.get(this);
  if (callbacks === undefined) return;
  callbacksOf.delete(this);
  this.removeEventListener('abort', runCallbacks);
  for (const callback of callbacks) callback();
}

/** @throws TypeError unless `signal` is undefined or an AbortSignal, of this realm or another or a library's */
export function checkSignal(signal: unknown): void {
  if (signal === undefined) return;
  if (typeof signal === 'object' && signal !== null && 'aborted' in signal) {
    const { addEventListener, removeEventListener } = signal as Partial<AbortSignal>;
    if (typeof addEventListener === 'function' && typeof removeEventListener === 'function') return;
  }
  throw new TypeError(`signal must be an AbortSignal, got ${describe(signal)}`);
}

/** What an aborted signal says; those of some libraries say nothing, and one that throws when asked has said that. */
export function abortReason(signal: AbortSignal): unknown {
  try {
    const { reason } = signal;
    return reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
  } catch (error) {
    return error;
  }
}
