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
