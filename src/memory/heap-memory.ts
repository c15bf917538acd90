import { Memory } from './memory.js';

const SMALLEST = 64;

/**
 * The size in bytes to ask for when `used` bytes need room for `byteCount` more. It at least doubles, so that appending
 * n bytes copies O(n) bytes in all.
 */
export function grownSize(used: number, byteCount: number): number {
  return Math.max(SMALLEST, 2 * used, used + byteCount);
}

/**
 * Heap memory for a buffer of `used` bytes that needs room for `byteCount` more.
 * @throws RangeError as {@link heapMemory}
 */
export function grownMemory(used: number, byteCount: number): Memory {
  return heapMemory(used + byteCount, grownSize(used, byteCount));
}

/**
 * Heap memory of `preferred` bytes, or of `needed` bytes when the machine cannot provide that many.
 * @throws RangeError when the machine cannot even provide `needed` bytes.
 */
export function heapMemory(needed: number, preferred: number): Memory {
  try {
    return new Memory(new Uint8Array(preferred));
  } catch (error) {
    if (preferred === needed) throw error;
    return new Memory(new Uint8Array(needed));
  }
}
