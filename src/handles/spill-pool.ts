import { grownSize, heapMemory } from '../memory/heap-memory.js';
import { type Allocation, HeapOwner, heldBy } from './allocation.js';

/** Sizes that are kept: powers of two from `2 ** SMALLEST` to `2 ** LARGEST` bytes. */
const SMALLEST = 6;
const LARGEST = 16;

/**
 * Up to here, in bytes, a buffer that spills grows eightfold instead of twofold: each step costs 90 ns, as much as copying 4 KiB (Node 24), and
 * memory that is used again costs only while it is held.
 */
const LEAPS_TO = 8192;

/** Bytes that an arena keeps at most, free, for buffers that spill. */
const MOST_KEPT = 2 ** 20;

/**
 * Heap memory that buffers of one arena spill to. What comes back by a release is kept for the next that spills: a fresh ArrayBuffer
 * costs 340 to 470 ns (Node 20, 24), several times what is written to it. What was forgotten is the collector's, as all heap memory.
 */
export class SpillPool extends HeapOwner {
  /** By size, rounded down: records whose memory nobody holds. */
  private readonly kept: readonly Allocation[][] = Array.from({ length: LARGEST + 1 }, () => []);
  private keptBytes = 0;
  private keeps: boolean;

  constructor(keeps: boolean) {
    super(true);
    this.keeps = keeps;
  }

  /** More than was asked for where that can be kept. */
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
      // By a view that somebody kept, its memory may have been transferred.
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

  /** Keeps nothing any more. */
  close(): void {
    this.keeps = false;
    this.keptBytes = 0;
    for (const records of this.kept) records.length = 0;
  }
}
