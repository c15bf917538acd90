import { Memory } from './memory.js';

const SMALLEST = 64;

/** Bytes to ask for when `used` bytes need room for `byteCount` more: doubled, so that appending n bytes copies O(n) in all. */
export function grownSize(used: number, byteCount: number): number {
  return Math.max(SMALLEST, 2 * used, used + byteCount);
}

/** Up to here, in bytes, a buffer that spills grows eightfold: a step costs as much as copying 4 KiB (90 ns, Node 24). */
const LEAPS_TO = 8192;

/** As {@link grownSize}, for a buffer that outgrew an arena's memory. */
export function spilledSize(used: number, byteCount: number): number {
  return Math.max(Math.min(8 * used, LEAPS_TO), grownSize(used, byteCount));
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
