import { type Allocation, type AllocationOwner, NOT_CLONEABLE, type Parcel } from '../handles/allocation.js';
import type { MemoryPressure } from '../handles/memory-pressure.js';
import type { Ticket } from '../handles/tickets.js';

/** An owner in front of an engine. It passes every call on; a safety net overrides the calls that it needs to see. */
export class PassingOwner implements AllocationOwner {
  readonly notCloneable: () => void = NOT_CLONEABLE;
  protected readonly engine: AllocationOwner;

  constructor(engine: AllocationOwner) {
    this.engine = engine;
  }

  get spills(): boolean {
    return this.engine.spills;
  }

  get pressure(): MemoryPressure | undefined {
    return this.engine.pressure;
  }

  get writable(): boolean {
    return this.engine.writable;
  }

  release(record: Allocation): void {
    this.engine.release(record);
  }

  departed(record: Allocation): void {
    this.engine.departed(record);
  }

  isSoleHolder(record: Allocation): boolean {
    return this.engine.isSoleHolder(record);
  }

  parcel(record: Allocation, offset: number, length: number): Parcel {
    return this.engine.parcel(record, offset, length);
  }

  issueTicket(record: Allocation, offset: number, length: number): Ticket {
    return this.engine.issueTicket(record, offset, length);
  }

  lend(record: Allocation): void {
    this.engine.lend(record);
  }

  countSpill(): void {
    this.engine.countSpill();
  }

  spillTo(used: number, byteCount: number): Allocation {
    return this.engine.spillTo(used, byteCount);
  }
}
