import { describe } from '../base/check.js';

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
