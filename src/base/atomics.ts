/**
 * Every `Atomics` call of the library goes through this module, so that a test can replace it and step threads one call
 * at a time. All operations are sequentially consistent.
 */

export function load(words: Int32Array, index: number): number {
  return Atomics.load(words, index);
}

export function store(words: Int32Array, index: number, value: number): void {
  Atomics.store(words, index, value);
}

/** @returns the previous value */
export function add(words: Int32Array, index: number, value: number): number {
  return Atomics.add(words, index, value);
}

/** @returns the previous value */
export function exchange(words: Int32Array, index: number, value: number): number {
  return Atomics.exchange(words, index, value);
}

/** Sets `bits` in the word. @returns the previous value */
export function or(words: Int32Array, index: number, bits: number): number {
  return Atomics.or(words, index, bits);
}

/** Stores `replacement` if the word is `expected`. @returns the previous value */
export function compareExchange(words: Int32Array, index: number, expected: number, replacement: number): number {
  return Atomics.compareExchange(words, index, expected, replacement);
}

/**
 * If the word is `expected`, sleeps until {@link notify} wakes the thread, for at most `timeout` ms.
 * @throws TypeError where the thread must not block (the main thread of a page)
 */
export function wait(words: Int32Array, index: number, expected: number, timeout: number): void {
  Atomics.wait(words, index, expected, timeout);
}

interface AsyncWait {
  readonly value: PromiseLike<string> | string;
}

type WaitAsync = (words: Int32Array, index: number, expected: number) => AsyncWait;

/**
 * As {@link wait}, but does not block and has no timeout.
 * @returns a promise that settles on {@link notify}; a string if the word is not `expected`; undefined if the runtime
 *   has no `Atomics.waitAsync`
 */
export function waitAsync(
  words: Int32Array,
  index: number,
  expected: number,
): PromiseLike<string> | string | undefined {
  const native = (Atomics as { waitAsync?: WaitAsync }).waitAsync;
  return native?.(words, index, expected).value;
}

/** Wakes everything that waits on the word. */
export function notify(words: Int32Array, index: number): void {
  Atomics.notify(words, index);
}

/** Writes one byte back unchanged. A value that another thread writes there at the same time is not lost. */
export function touch(bytes: Uint8Array, index: number): void {
  Atomics.or(bytes, index, 0);
}
