import { ALLOCATIONS_FAILED } from '../base/counters.js';
import { AllocError } from '../base/errors.js';
import { Allocation, Trace } from '../handles/allocation.js';
import { Memory } from '../memory/memory.js';
import { touchPages } from '../memory/prefault.js';
import { Engine } from './engine.js';

/**
 * The engine of an arena whose slots are ArrayBuffers of their own. It refers to a slot's buffer only while the slot is free; while
 * it is in use its handles do, and every view of it. So the collector finding the buffer means that nobody can reach its memory any
 * more, and a forgotten slot is always reclaimed (docs/safety.md, N4).
 */
export class IsolatedEngine extends Engine {
  /** By slot: its record while it is free; undefined while it is in use, and before its first use. */
  private readonly records: (Allocation | undefined)[] = [];

  /** Why the runtime had no memory for the slot that was just asked for. */
  private refused: AllocError | undefined = undefined;

  /** As for every arena: undefined for one that may have room later, as where the runtime has no memory now. */
  override claim(order: number, capacity: number): Allocation | undefined {
    try {
      return super.claim(order, capacity);
    } catch (error) {
      if (!(error instanceof AllocError) || error.code !== 'ARENA_FULL') throw error;
      this.refused = error;
      return undefined;
    }
  }

  override granted(record: Allocation | undefined): Allocation {
    const { refused } = this;
    this.refused = undefined;
    if (record === undefined && refused !== undefined) throw refused;
    return super.granted(record);
  }

  /** Views keep the memory themselves. */
  override lend(): void {}

  /** Makes the slots that were never used, and touches the pages of all that are free. @param stride bytes between touches */
  override touchPages(stride: number): void {
    const found: Allocation[] = [];
    try {
      for (let slot = this.blocks.claim(0); slot >= 0; slot = this.blocks.claim(0)) {
        const record = this.recordOf(slot, 0, this.unit);
        touchPages(record.memory.bytes, 0, this.unit, stride);
        found.push(record);
      }
    } finally {
      for (const record of found) {
        this.keepRecord(record);
        this.blocks.release(record.trace.block, 0);
      }
    }
  }

  protected override recordOf(slot: number, order: number, capacity: number): Allocation {
    const kept = this.records[slot];
    // By a view that somebody kept, the buffer of a free slot may have been transferred.
    const record = kept === undefined || kept.memory.isGone ? this.makeSlot(slot, order, kept) : kept;
    this.records[slot] = undefined;
    record.holders = 1;
    record.start = 0;
    record.limit = capacity;
    record.dirtyEnd = 0;
    return record;
  }

  protected override keepRecord(record: Allocation): void {
    this.records[record.trace.block] = record;
  }

  /** The buffer is gone, and what was written to it. */
  protected override recoverBlock(slot: number, order: number): number {
    return this.giveBack(slot, order);
  }

  /** @throws AllocError ARENA_FULL when the runtime has no memory for it; the slot is free again then */
  private makeSlot(slot: number, order: number, gone: Allocation | undefined): Allocation {
    const buffer = this.bufferFor(slot, order);
    // Or its collection would free a slot that is in use again.
    if (gone !== undefined) this.registry.unregister(gone.trace);
    const trace = new Trace();
    trace.block = slot;
    trace.order = order;
    this.registry.register(buffer, trace, trace);
    return new Allocation(this, new Memory(new Uint8Array(buffer)), trace);
  }

  private bufferFor(slot: number, order: number): ArrayBuffer {
    try {
      return new ArrayBuffer(this.unit);
    } catch (cause) {
      this.blocks.release(slot, order);
      this.count(ALLOCATIONS_FAILED);
      throw new AllocError('ARENA_FULL', { cause });
    }
  }
}
