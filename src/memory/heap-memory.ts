import { Memory } from './memory.js';

const SMALLEST = 64;

/** Bytes to ask for when `used` bytes need room for `byteCount` more: doubled, so that appending n bytes copies O(n) in all. */
export function grownSize(used: number, byteCount: number): number {
  return Math.max(SMALLEST, 2 * used, used + byteCount);
}

/** Heap memory for a buffer of `used` bytes that needs room for `byteCount` more. @throws RangeError as {@link heapMemory} */
export function grownMemory(used: number, byteCount: number): Memory {
  return heapMemory(used + byteCount, grownSize(used, byteCount));
}

/**
 * Heap memory of `preferred` bytes, or `needed` where that is too much.
 * @throws RangeError when the machine has not even that.
 */
export function heapMemory(needed: number, preferred: number): Memory {
  try {
    return new Memory(new Uint8Array(preferred));
  } catch (error) {
    if (preferred === needed) throw error;
    return new Memory(new Uint8Array(needed));
  }
}
