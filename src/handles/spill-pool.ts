import { grownSize, heapMemory } from '../memory/heap-memory.js';
import { type Allocation, HeapOwner, heldBy } from './allocation.js';

/** The pool keeps powers of two from `2 ** SMALLEST` to `2 ** LARGEST` bytes. */
const SMALLEST = 6;
const LARGEST = 16;

/**
 * Up to this size in bytes, a buffer that spills grows eightfold instead of twofold. Each step costs 90 ns, as much as
 * a copy of 4 KiB (Node 24), and memory that is used again costs nothing while nobody holds it.
 */
const LEAPS_TO = 8192;

/** The most bytes of free memory that the pool of an arena keeps. */
const MOST_KEPT = 2 ** 20;

/**
 * Heap memory for the buffers of one arena that spill. Released memory is kept for the next spill: a fresh ArrayBuffer
 * costs 340 to 470 ns (Node 20, 24), several times as much as the copy. Memory that was forgotten goes to the
 * collector, as all heap memory does.
 */
export class SpillPool extends HeapOwner {
  /** Records whose memory nobody holds, by log2 of their size, rounded down. */
  private readonly kept: readonly Allocation[][] = Array.from({ length: LARGEST + 1 }, () => []);
  private keptBytes = 0;
  private keeps: boolean;

  constructor(keeps: boolean) {
    super(true);
    this.keeps = keeps;
  }

  /** Memory of a size that the pool keeps, where that is possible; it may be more than was asked for. */
  override spillTo(used: number, byteCount: number): Allocation {
    const preferred = Math.max(Math.min(8 * used, LEAPS_TO), grownSize(used, byteCount));
    if (!this.keeps || preferred > 2 ** LARGEST) return super.spillTo(used, byteCount);
    const size = Math.max(SMALLEST, 32 - Math.clz32(preferred - 1));
    return this.takeKept(size) ?? heldBy(this, heapMemory(used + byteCount, 2 ** size));
  }

  private takeKept(size: number): Allocation | undefined {
    const records = this.kept[size];
    for (let record = records?.pop(); record !== undefined; record = records?.pop()) {
      this.keptBytes -= record.limit;
      // A program that kept a view may have transferred the memory away.
      if (record.memory.isGone) continue;
      record.holders = 1;
      record.start = 0;
      return record;
    }
    return undefined;
  }

  override release(record: Allocation): void {
    const { limit } = record;
    if (!this.keeps || this.keptBytes + limit > MOST_KEPT) return;
    this.keptBytes += limit;
    this.kept[31 - Math.clz32(limit)]?.push(record);
  }

  /** Drops all memory, and keeps none from now on. */
  close(): void {
    this.keeps = false;
    this.keptBytes = 0;
    for (const records of this.kept) records.length = 0;
  }
}
