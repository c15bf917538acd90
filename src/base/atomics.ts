/**
 * Every `Atomics` call of the library goes through this module, so that a test can take its place and step threads one call
 * at a time. All are sequentially consistent.
 */

export function load(words: Int32Array, index: number): number {
  return Atomics.load(words, index);
}

export function store(words: Int32Array, index: number, value: number): void {
  Atomics.store(words, index, value);
}

/** @returns the value before */
export function add(words: Int32Array, index: number, value: number): number {
  return Atomics.add(words, index, value);
}

/** @returns the value before */
export function exchange(words: Int32Array, index: number, value: number): number {
  return Atomics.exchange(words, index, value);
}

/** Sets bits. @returns the value before */
export function or(words: Int32Array, index: number, bits: number): number {
  return Atomics.or(words, index, bits);
}

/** @returns the value before; it was replaced where that is `expected` */
export function compareExchange(words: Int32Array, index: number, expected: number, replacement: number): number {
  return Atomics.compareExchange(words, index, expected, replacement);
}

/**
 * Sleeps while the word is `expected`, until {@link notify} or for at most `timeout` ms.
 * @throws TypeError where the thread must not block (the main thread of a page)
 */
export function wait(words: Int32Array, index: number, expected: number, timeout: number): void {
  Atomics.wait(words, index, expected, timeout);
}

interface AsyncWait {
  readonly value: PromiseLike<string> | string;
}

type WaitAsync = (words: Int32Array, index: number, expected: number) => AsyncWait;

/** @returns settles when the word is not `expected` or it was notified; undefined where the runtime has no such wait */
export function waitAsync(
  words: Int32Array,
  index: number,
  expected: number,
): PromiseLike<string> | string | undefined {
  const native = (Atomics as { waitAsync?: WaitAsync }).waitAsync;
  return native?.(words, index, expected).value;
}

/** Wakes all who sleep on the word. */
export function notify(words: Int32Array, index: number): void {
  Atomics.notify(words, index);
}

/** Writes one byte back to where it is, without losing what another thread writes there meanwhile. */
export function touch(bytes: Uint8Array, index: number): void {
  Atomics.or(bytes, index, 0);
}
