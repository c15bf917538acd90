import { abortReason, addAbortCallback, checkSignal, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import { StopSignal } from '../base/stop-signal.js';

/** An async iterable that can be stopped at any time, even while a `next()` is pending. */
export interface StoppableIterator<T> extends AsyncIterableIterator<T, undefined, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** Ends a pending `next()` with `done`, and resolves when everything was given back. */
  return(): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): StoppableIterator<T>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What an adapter takes its input from, one by one. */
export type Source<T> = AsyncIterable<T> | Iterable<T>;

/** @throws TypeError unless `source` can be iterated */
export function checkSource(source: unknown, name = 'source'): void {
  const isIterable =
    typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source);
  if (!isIterable) throw new TypeError(`${name} must be iterable, got ${describe(source)}`);
}

export function iteratorOf<T>(source: Source<T>): AsyncIterator<T, unknown> | Iterator<T, unknown> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** The abort reason for `return()`, which is not a failure. */
const RETURNED = Symbol('returned');

/**
 * Runs a generator with an abort signal, which `return()` and `signal` abort. A generator alone cannot be stopped while
 * it waits for something.
 * @throws TypeError when `signal` is not an AbortSignal
 * @param run must give everything back when its signal aborts, and may throw any error then
 */
export function stoppable<T>(
  signal: AbortSignal | undefined,
  run: (signal: StopSignal) => AsyncGenerator<T, undefined, undefined>,
): StoppableIterator<T> {
  checkSignal(signal);
  const stop = new StopSignal();
  const onAbort = (): void => stop.abort(signal && abortReason(signal));
  let running: AsyncGenerator<T, undefined, undefined> | undefined;

  const started = (): AsyncGenerator<T, undefined, undefined> => {
    if (running === undefined) {
      running = run(stop);
      if (signal?.aborted) onAbort();
      else if (signal !== undefined) addAbortCallback(signal, onAbort);
    }
    return running;
  };

  const step = async (take: () => Promise<IteratorResult<T, undefined>>): Promise<IteratorResult<T, undefined>> => {
    let done = true;
    try {
      const result = await take();
      done = result.done === true;
      return result;
    } catch (error) {
      if (!stop.aborted) throw error;
      if (stop.reason === RETURNED) return { done: true, value: undefined };
      throw stop.reason;
    } finally {
      if (done && signal !== undefined) removeAbortCallback(signal, onAbort);
    }
  };

  const iterator: StoppableIterator<T> = {
    next: () => step(() => started().next()),
    return: () => {
      stop.abort(RETURNED);
      // A generator that has not started would not run its clean-up. Start it: it finds its signal aborted.
      return step(() => (running === undefined ? started().next() : running.return(undefined)));
    },
    [Symbol.asyncIterator]: () => iterator,
    [Symbol.asyncDispose]: async () => void (await iterator.return()),
  };
  return iterator;
}
