import * as counters from '../base/counters.js';
import type { Allocation } from '../handles/allocation.js';
import { Engine } from './engine.js';

const ALLOCATIONS_OK: number = counters.ALLOCATIONS_OK; // see engine.ts

/**
 * The engine of a fixed arena: a record that comes back keeps its slot, and the next claim takes both. The bitmap says which slots
 * were never used, or lost their record to the collector. That spares a round trip the bitmap and half of the record's fields: 14
 * instead of 22 ns (`round-trip/0/fixed`, Node 24).
 */
export class SlotEngine extends Engine {
  /** Records of free slots, `keptCount` of them, the one that came back last on top. Entries above are cleared. */
  private readonly kept: (Allocation | undefined)[] = [];
  private keptCount = 0;
  /** Slots with a record, kept or in use: how many are in use follows, and is counted by nobody. */
  private recorded = 0;
  /** Records of free slots of a closed arena: the collector must not take them for forgotten ones. */
  private readonly retired: (Allocation | undefined)[] = [];

  override claim(order: number, capacity: number): Allocation | undefined {
    return this.keptCount === 0 ? super.claim(order, capacity) : this.takeKept();
  }

  override claimOrWait(order: number, capacity: number): Allocation | undefined {
    return this.keptCount === 0 ? super.claimOrWait(order, capacity) : this.takeKept();
  }

  override release(record: Allocation): void {
    record.trace.lent = false;
    if (this.zeroes && record.dirtyEnd > record.offset) record.memory.zero(record.offset, record.dirtyEnd);
    if (this.isClosed) this.retire(record);
    else this.kept[this.keptCount++] = record;
    if (this.afterRelease !== undefined) this.afterRelease(0);
  }

  override largestFreeOrder(): number {
    return this.keptCount > 0 ? 0 : super.largestFreeOrder();
  }

  override close(): void {
    // A claim that finds nothing kept looks whether the arena is closed.
    for (; this.keptCount > 0; this.keptCount--) this.retire(this.kept[this.keptCount - 1]);
    super.close();
  }

  protected override get liveBlocks(): number {
    return this.recorded - this.keptCount;
  }

  protected override get liveUnits(): number {
    return this.liveBlocks;
  }

  protected override recordOf(slot: number, order: number, capacity: number): Allocation {
    this.recorded++;
    const record = super.recordOf(slot, order, capacity);
    record.room = undefined; // it never changes
    return record;
  }

  /** The collector took a slot's record: the bitmap has the slot again. */
  protected override giveBack(slot: number, order: number): number {
    this.recorded--;
    return this.blocks.release(slot, order);
  }

  private retire(record: Allocation | undefined): void {
    this.recorded--;
    this.retired.push(record);
  }

  private takeKept(): Allocation {
    const top = this.keptCount - 1;
    const record = this.kept[top] as Allocation;
    // Or the arena would hold the record of a slot in use.
    this.kept[top] = undefined;
    this.keptCount = top;
    const { offset } = record;
    record.holders = 1;
    record.start = offset;
    record.dirtyEnd = offset;
    this.counters[ALLOCATIONS_OK] = (this.counters[ALLOCATIONS_OK] as number) + 1;
    return record;
  }
}
