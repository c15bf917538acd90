import { type Allocation, type AllocationOwner, heapAllocation, type Parcel } from '../handles/allocation.js';
import type { Ticket } from '../handles/tickets.js';
import { grownMemory } from '../memory/heap-memory.js';
import type { Memory } from '../memory/memory.js';
import { GuardedRecord } from './guarded-record.js';
import { PassingOwner } from './passing-owner.js';
import type { Quarantine } from './quarantine.js';

/**
 * The owner of guarded records. When a record comes back, this owner checks its frozen bytes, detaches its memory, and
 * passes the arena's own record on to the engine. In a shared arena the bytes lie in the guarded memory until they
 * leave the thread.
 */
export class GuardOwner extends PassingOwner {
  private readonly quarantine: Quarantine;

  constructor(engine: AllocationOwner, quarantine: Quarantine) {
    super(engine);
    this.quarantine = quarantine;
  }

  /**
   * @throws GuardError WRITTEN_AFTER_FREEZE when frozen bytes were written to and no call has thrown that error yet;
   *   the memory is given back first
   */
  override release(allocation: Allocation): void {
    const record = guardedBy(allocation);
    const change = record.untold();
    this.detach(record, record.memory);
    record.inner.owner.release(record.inner);
    if (change !== undefined) throw change;
  }

  override departed(allocation: Allocation): void {
    const record = guardedBy(allocation);
    this.detach(record, record.memory);
    record.inner.owner.departed(record.inner);
  }

  override isSoleHolder(allocation: Allocation): boolean {
    const { inner } = guardedBy(allocation);
    return allocation.holders === 1 && inner.owner.isSoleHolder(inner);
  }

  /** @throws GuardError WRITTEN_AFTER_FREEZE when frozen bytes were written to; nothing is sent then */
  override parcel(allocation: Allocation, offset: number, length: number): Parcel {
    const record = guardedBy(allocation);
    const { inner } = record;
    record.check();
    const parcel = inner.owner.parcel(inner, inner.offset + offset, length);
    record.publish(offset, length);
    return parcel;
  }

  /** @throws GuardError WRITTEN_AFTER_FREEZE when frozen bytes were written to; no ticket is issued then */
  override issueTicket(allocation: Allocation, offset: number, length: number): Ticket {
    const record = guardedBy(allocation);
    const { inner } = record;
    record.check();
    inner.holders = record.holders;
    try {
      const ticket = inner.owner.issueTicket(inner, inner.offset + offset, length);
      record.publish(offset, length);
      return ticket;
    } finally {
      inner.holders = 1;
    }
  }

  /** Notes that a view was lent. No other allocation ever gets this memory, so a forgotten handle does not pin it. */
  override lend(allocation: Allocation): void {
    const record = guardedBy(allocation);
    record.isLent = true;
    if (record.trace.opening !== undefined) record.trace.opening.isLent = true;
  }

  /** Always makes fresh memory. The engine would reuse memory that another buffer spilled to. */
  override spillTo(used: number, byteCount: number): Allocation {
    return heapAllocation(grownMemory(used, byteCount));
  }

  /**
   * Makes the frozen bytes writable again, and returns the record to write through.
   * @throws GuardError WRITTEN_AFTER_FREEZE when they were already written to
   */
  thaw(record: GuardedRecord): Allocation {
    const { memory } = record;
    const writable = record.thaw();
    this.detach(record, memory);
    return writable;
  }

  /** Ends all views of the memory. If no view was lent, nothing can reach the memory and it need not be kept. */
  private detach({ isLent, allocated }: GuardedRecord, memory: Memory): void {
    if (isLent && !memory.isGone) this.quarantine.take(memory.bytes.buffer as ArrayBuffer, allocated);
  }
}

/** Narrows the type: a GuardOwner owns guarded records only. */
function guardedBy(allocation: Allocation): GuardedRecord {
  if (allocation instanceof GuardedRecord) return allocation;
  throw new TypeError('a guarded arena does not own this record');
}
