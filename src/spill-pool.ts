import { type Allocation, HeapOwner, heldBy } from './allocation.js';
import { heapMemory } from './heap-memory.js';

/** Sizes that are kept: powers of two from `2 ** SMALLEST` to `2 ** LARGEST` bytes. */
const SMALLEST = 6;
const LARGEST = 16;

/** Bytes that an arena keeps at most, free, for buffers that spill. */
const MOST_KEPT = 2 ** 20;

/**
 * Heap memory that buffers of one arena spill to. What comes back by a release is kept for the next that spills: a fresh ArrayBuffer
 * costs 340 to 470 ns (Node 20, 24), several times what is written to it. What was forgotten is the collector's, as all heap memory.
 */
export class SpillPool extends HeapOwner {
  /** By size: records whose memory nobody holds. */
  private readonly kept: readonly Allocation[][] = Array.from({ length: LARGEST + 1 }, () => []);
  private keptBytes = 0;
  private keeps: boolean;

  constructor(keeps: boolean) {
    super(true);
    this.keeps = keeps;
  }

  /** More than was asked for where that can be kept. */
  override spillTo(needed: number, preferred: number): Allocation {
    if (!this.keeps || preferred > 2 ** LARGEST) return super.spillTo(needed, preferred);
    const size = Math.max(SMALLEST, 32 - Math.clz32(preferred - 1));
    const record = this.kept[size]?.pop();
    if (record === undefined) return heldBy(this, heapMemory(2 ** size, 2 ** size));
    this.keptBytes -= record.limit;
    record.holders = 1;
    record.start = 0;
    return record;
  }

  override release(record: Allocation): void {
    const { limit } = record;
    // By a view that somebody kept, its memory may have been transferred.
    if (!this.keeps || this.keptBytes + limit > MOST_KEPT || record.memory.isGone) return;
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
