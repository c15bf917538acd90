import { AllocError } from '../base/errors.js';
import { Allocation, Trace } from '../handles/allocation.js';
import { Memory, touchPages } from '../memory/memory.js';
import { Engine } from './engine.js';

/**
 * The engine of an arena in which every slot is an ArrayBuffer of its own. The engine refers to the buffer of a slot
 * only while the slot is free. While the slot is in use, only its handles and views refer to the buffer. So when the
 * collector finds the buffer, no code can reach its memory any more: a forgotten slot is always reclaimed
 * (docs/safety.md, N4).
 */
export class IsolatedEngine extends Engine {
  /** By slot: its record while it is free. Undefined while it is in use, and before its first use. */
  private readonly records: (Allocation | undefined)[] = [];

  /** The error when the runtime had no memory for the slot that was just claimed. */
  private refused: AllocError | undefined = undefined;

  /** Returns undefined when there may be room later: the arena is full, or the runtime has no memory for a slot now. */
  override claim(order: number, capacity: number): Allocation | undefined {
    try {
      return super.claim(order, capacity);
    } catch (error) {
      if (!(error instanceof AllocError) || error.code !== 'ARENA_FULL') throw error;
      this.refused = error;
      return undefined;
    }
  }

  override granted(record: Allocation | undefined, requested: number): Allocation {
    const { refused } = this;
    this.refused = undefined;
    if (record === undefined && refused !== undefined) throw refused;
    return super.granted(record, requested);
  }

  /** Nothing to note: the views keep the memory alive themselves. */
  override lend(): void {}

  /**
   * Makes the slots that were never used, and touches the pages of all free slots.
   * @param stride bytes between touches
   */
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
    // The program may have kept a view, and transferred the buffer of the free slot.
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

  /** Scrubs nothing: the buffer is gone, and with it what was written. */
  protected override recoverBlock(slot: number, order: number): number {
    return this.giveBack(slot, order);
  }

  /**
   * Makes the buffer and the record of a slot.
   * @param gone the slot's last record, if its buffer was detached
   * @throws AllocError ARENA_FULL when the runtime has no memory for the buffer; the slot is free again then
   */
  private makeSlot(slot: number, order: number, gone: Allocation | undefined): Allocation {
    const buffer = this.bufferFor(slot, order);
    // Unregister the old buffer: otherwise its collection would free a slot that is in use again.
    if (gone !== undefined) this.registry.unregister(gone.trace);
    const trace = new Trace();
    trace.block = slot;
    trace.order = order;
    this.registry.register(buffer, trace, trace);
    return new Allocation(this, new Memory(new Uint8Array(buffer)), trace, this.counters);
  }

  private bufferFor(slot: number, order: number): ArrayBuffer {
    try {
      return new ArrayBuffer(this.unit);
    } catch (cause) {
      this.blocks.release(slot, order);
      this.countFailure('ARENA_FULL', this.unit);
      throw new AllocError('ARENA_FULL', { cause, facts: this.facts(this.unit) });
    }
  }
}
