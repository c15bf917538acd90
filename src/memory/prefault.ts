import { touch } from '../base/atomics.js';

/**
 * Touches a byte in every page of `[start, end)` without changing it, so that the system backs all pages now.
 * @param stride bytes between touches
 */
export function touchPages(bytes: Uint8Array, start: number, end: number, stride: number): void {
  for (let at = start; at < end; at += stride) touch(bytes, at);
}
