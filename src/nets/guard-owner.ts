import { type Allocation, type AllocationOwner, heapAllocation, type Parcel } from '../handles/allocation.js';
import type { Ticket } from '../handles/tickets.js';
import { grownMemory } from '../memory/heap-memory.js';
import type { Memory } from '../memory/memory.js';
import { GuardedRecord } from './guarded-record.js';
import { PassingOwner } from './passing-owner.js';
import type { Quarantine } from './quarantine.js';

/**
 * Owns guarded records: checks and detaches what comes back, and has the arena do the rest with its own record. The bytes of a
 * shared arena lie here until they leave the thread.
 */
export class GuardOwner extends PassingOwner {
  private readonly quarantine: Quarantine;

  constructor(engine: AllocationOwner, quarantine: Quarantine) {
    super(engine);
    this.quarantine = quarantine;
  }

  /** @throws GuardError when frozen bytes were written, after everything was given back */
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

  /** @throws GuardError when frozen bytes were written: nothing was sent then */
  override parcel(allocation: Allocation, offset: number, length: number): Parcel {
    const record = guardedBy(allocation);
    const { inner } = record;
    record.check();
    const parcel = inner.owner.parcel(inner, inner.offset + offset, length);
    record.publish(offset, length);
    return parcel;
  }

  /** @throws GuardError when frozen bytes were written: no ticket was issued then */
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

  /** The memory is never another's: forgetting it while it is lent harms nobody, and nothing is pinned. */
  override lend(allocation: Allocation): void {
    const record = guardedBy(allocation);
    record.isLent = true;
    if (record.trace.opening !== undefined) record.trace.opening.isLent = true;
  }

  /** Never memory that was somebody else's. */
  override spillTo(used: number, byteCount: number): Allocation {
    return heapAllocation(grownMemory(used, byteCount));
  }

  /** The record to write by, when its frozen bytes may be written again. @throws GuardError when they were already */
  thaw(record: GuardedRecord): Allocation {
    const { memory } = record;
    const writable = record.thaw();
    this.detach(record, memory);
    return writable;
  }

  /** Ends all views of the memory. Where none was lent nobody can reach it, and it need not be kept for anybody. */
  private detach({ isLent, allocated }: GuardedRecord, memory: Memory): void {
    if (isLent && !memory.isGone) this.quarantine.take(memory.bytes.buffer as ArrayBuffer, allocated);
  }
}

/** The guard is the owner of guarded records alone. */
function guardedBy(allocation: Allocation): GuardedRecord {
  if (allocation instanceof GuardedRecord) return allocation;
  throw new TypeError('a guarded arena does not own this record');
}
