import { lengthOfView } from '../base/check.js';
import * as counters from '../base/counters.js';
import type { Opening } from '../base/site.js';
import { grownMemory } from '../memory/heap-memory.js';
import { Memory } from '../memory/memory.js';
import type { MemoryPressure } from './memory-pressure.js';
import type { Ticket } from './tickets.js';

/** Takes allocations back, and counts what happens to them. */
export interface AllocationOwner {
  /** {@link NOT_CLONEABLE}, in the first field, so that a clone fails before it copies any memory. */
  readonly notCloneable: () => void;
  /** Whether a full buffer moves to the heap instead of throwing. */
  readonly spills: boolean;
  /** Asks holders of spare memory for it when a request waits; undefined for memory that nobody waits for. */
  readonly pressure: MemoryPressure | undefined;
  /** Whether frozen bytes may become writable again when there is one handle on them. */
  readonly writable: boolean;
  /** Whether there is exactly one handle on the allocation, in all threads together. */
  isSoleHolder(allocation: Allocation): boolean;
  /** Takes the allocation back after its last handle was given up. */
  release(allocation: Allocation): void;
  /**
   * A ticket for `length` bytes at `offset`. It takes over the reference of the only handle, or counts as one more.
   * @throws TypeError when other threads cannot have the memory; AllocError ARENA_FULL when too many tickets are on
   *   their way
   */
  issueTicket(allocation: Allocation, offset: number, length: number): Ticket;
  /**
   * The description of `length` bytes at `offset` for other threads, and the engine that can send it.
   * @throws TypeError when other threads cannot have the memory
   */
  parcel(allocation: Allocation, offset: number, length: number): Parcel;
  /** Drops the allocation after its last handle in this thread went to another thread. */
  departed(allocation: Allocation): void;
  /** Notes that a view of the memory left the library, so that a forgotten allocation must be pinned. */
  lend(allocation: Allocation): void;
  countSpill(): void;
  /**
   * Heap memory with one holder, for a buffer of `used` bytes that needs room for `byteCount` more.
   * @throws RangeError when the machine does not have that much
   */
  spillTo(used: number, byteCount: number): Allocation;
}

/**
 * `structuredClone` and `postMessage` would copy the memory of a whole arena and lose the handle. They refuse
 * functions, and their error shows the source text of this one.
 */
export const NOT_CLONEABLE: () => void = function useToTicketOrToUint8Array(): void {};

/** The place of bytes in a block, as another thread finds them. */
export interface Delivery {
  /** -1 for no bytes. */
  readonly block: number;
  /** Offset in the block, in bytes. */
  readonly start: number;
  readonly length: number;
}

/** Bytes to be sent, and the engine of their arena. */
export interface Parcel extends Delivery {
  readonly engine: AllocationOwner;
}

/**
 * The facts that outlive a control record: its block, and whether a view of the block was lent. The
 * FinalizationRegistry holds the trace and hands it out when the collector has taken the record.
 */
export class Trace {
  /** First unit and order of the block in the owner's BlockSource. */
  block = 0;
  order = 0;
  lent = false;
  /** What leak detection knows about the allocation; undefined when it is not watched. */
  opening: Opening | undefined = undefined;
}

const ALLOCATIONS_OK: number = counters.ALLOCATIONS_OK; // see engine.ts
const FROZEN: number = counters.FROZEN;

/**
 * The records of a fixed arena's free slots. While nobody needs to know of it, slots come and go here, and not through
 * their owner: calls of an owner's methods are slow in a program that uses several kinds of arenas, because V8 has to
 * look up which class it has met. There is one class of shelves (`round-trip/0/fixed-mixed`).
 */
export class Shelf {
  /** Whether slots come and go here. Otherwise ask the owner. */
  isDirect = false;
  /** How many records are free. */
  count = 0;
  /** The first `count` entries. The last to come back is on top. The rest is cleared, so that no record in use is held. */
  private readonly records: (Allocation | undefined)[] = [];
  private readonly counters: Float64Array;

  constructor(counters: Float64Array) {
    this.counters = counters;
  }

  /** Claims the slot on top. There must be one. */
  take(): Allocation {
    const record = this.pop();
    const { counters: counts } = this;
    const { offset } = record;
    record.holders = 1;
    record.start = offset;
    record.dirtyEnd = offset;
    counts[ALLOCATIONS_OK] = (counts[ALLOCATIONS_OK] as number) + 1;
    return record;
  }

  /** Takes the record on top out. There must be one. */
  pop(): Allocation {
    const top = --this.count;
    const record = this.records[top] as Allocation;
    this.records[top] = undefined;
    return record;
  }

  put(record: Allocation): void {
    record.trace.lent = false;
    this.records[this.count++] = record;
  }

  /** Calls `visit` for each free record. */
  visit(visit: (record: Allocation) => void): void {
    for (let index = 0; index < this.count; index++) visit(this.records[index] as Allocation);
  }
}

/** The shelf of memory that has none. */
export const NO_SHELF: Shelf = new Shelf(new Float64Array(0));

/** For a record that keeps no room. */
const NO_ROOM = new Uint8Array(0);

/**
 * The control record of one allocation: where it lies and how many handles hold it. All offsets are bytes in `memory`.
 *
 *     offset        start           cursor (in the buffer)      limit
 *     |-------------|===============|...........................|------|
 *     block         content         writable rest               visible end
 *
 * An arena makes a record once and reuses it. The arena refers to it only while the block is free. While the block is
 * in use, only handles refer to it. So when the collector finds a record, every handle on it was forgotten.
 */
export class Allocation {
  owner: AllocationOwner;
  memory: Memory;
  readonly trace: Trace;
  /** Where the record goes when its slot comes free, if that is direct. */
  shelf: Shelf = NO_SHELF;
  /** Number of handles. */
  holders = 0;
  offset = 0;
  start = 0;
  limit = 0;
  /** The end of the part, from `offset` on, that may have been written since the claim. */
  dirtyEnd = 0;
  /**
   * A view of the whole visible room that is never lent. A `set` through it cannot run over the end, whatever its
   * source does. It is undefined until it is needed, and NO_ROOM for records that change their place with each claim.
   */
  room: Uint8Array | undefined = NO_ROOM;
  /** The view that was lent last, and its offset. */
  private view: Uint8Array | undefined = undefined;
  private viewOffset = 0;
  /** Where freezes are counted. */
  readonly counters: Float64Array;

  constructor(owner: AllocationOwner, memory: Memory, trace: Trace, counts: Float64Array) {
    this.owner = owner;
    this.memory = memory;
    this.trace = trace;
    this.counters = counts;
  }

  /**
   * A view of `length` bytes at `offset` that leaves the library. The record keeps the last one, also for the next
   * owner. So all clones share one view, and a slot that is read into and frozen again and again makes no new one (24
   * to 45 ns, 120 bytes).
   */
  lendView(offset: number, length: number): Uint8Array {
    let { view } = this;
    // A view whose length changed lies in a buffer that was detached, as when a WebAssembly.Memory grew. Its own
    // `length` is not asked: the program had the view, and may have redefined that property. For an empty view, the
    // length does not tell whether its buffer was detached.
    if (view === undefined || this.viewOffset !== offset || length === 0 || lengthOfView(view) !== length) {
      view = this.memory.view(offset, offset + length);
      if (!this.memory.canResize) this.view = view;
      this.viewOffset = offset;
    }
    if (this.shelf.isDirect) this.trace.lent = true;
    else this.owner.lend(this);
    return view;
  }

  /** The `length` bytes at `offset`, for this call only. Never a lent view, which the program may have changed. */
  content(offset: number, length: number): Uint8Array {
    const room = this.room ?? this.ownRoom();
    return room.length === length && offset === this.offset ? room : this.memory.view(offset, offset + length);
  }

  /** The {@link room}, made at its first use. */
  ownRoom(): Uint8Array {
    const { memory, offset } = this;
    this.room ??= memory.mayMove || memory.canResize ? NO_ROOM : memory.view(offset, this.limit);
    return this.room;
  }

  /** Takes the allocation back after its last handle was given up. */
  giveBack(): void {
    const { shelf } = this;
    if (shelf.isDirect) shelf.put(this);
    else this.owner.release(this);
  }

  countFreeze(): void {
    const { counters: counts } = this;
    counts[FROZEN] = (counts[FROZEN] as number) + 1;
  }

  /** Moves the allocation to `memory`, on the heap. */
  moveTo(memory: Memory): void {
    this.memory = memory;
    this.limit = memory.byteLength;
    this.room = memory.bytes;
    this.view = undefined;
  }
}

/** The owner of heap memory. The collector takes it, so nothing is returned or counted; a subclass may keep some. */
export class HeapOwner implements AllocationOwner {
  readonly notCloneable: () => void = NOT_CLONEABLE;
  readonly spills = true;
  readonly pressure: MemoryPressure | undefined = undefined;
  readonly writable: boolean;

  constructor(writable: boolean) {
    this.writable = writable;
  }

  isSoleHolder(allocation: Allocation): boolean {
    return allocation.holders === 1;
  }

  release(allocation: Allocation): void {
    if (allocation === EMPTY) allocation.holders = PLENTY;
  }

  issueTicket(): never {
    throw notShared();
  }

  parcel(): never {
    throw notShared();
  }

  departed(): void {}

  lend(): void {}

  countSpill(): void {}

  spillTo(used: number, byteCount: number): Allocation {
    return heapAllocation(grownMemory(used, byteCount));
  }
}

/** The error for bytes that cannot leave this thread. */
export function notShared(): TypeError {
  return new TypeError('only bytes in the memory of a shared arena can be given to another thread; these are not');
}

const HEAP = new HeapOwner(true);
/** The owner of memory that the caller may still use. */
const WRAPPED = new HeapOwner(false);

const NO_TRACE = new Trace();

/** For memory whose freezes nobody counts. */
export const UNCOUNTED: Float64Array = new Float64Array(counters.COUNTERS);

/** An allocation over the library's own heap memory, with one holder. */
export function heapAllocation(memory: Memory): Allocation {
  return heldBy(HEAP, memory);
}

/** An allocation over the caller's memory, with one holder. */
export function wrappedAllocation(memory: Memory): Allocation {
  return heldBy(WRAPPED, memory);
}

/** An allocation over all of `memory`, with one holder. */
export function heldBy(owner: AllocationOwner, memory: Memory): Allocation {
  const allocation = new Allocation(owner, memory, NO_TRACE, UNCOUNTED);
  allocation.holders = 1;
  allocation.limit = memory.byteLength;
  allocation.room = undefined;
  return allocation;
}

/** Whether the memory is on the heap and not in an arena. */
export function isOnHeap(allocation: Allocation): boolean {
  return allocation.owner instanceof HeapOwner;
}

// A small integer: V8 keeps the `holders` field of all allocations in that form then.
const PLENTY = 2 ** 29;

/** The allocation of every empty `Bytes`. It has no memory. Its count is refilled, and never trusted. */
export const EMPTY: Allocation = heapAllocation(new Memory(new Uint8Array(0)));
EMPTY.holders = PLENTY;

/**
 * The allocation of a handle that was given up. Its limit lies before any cursor, so the bounds test of a write is also
 * the test for a released handle.
 */
export const SPENT: Allocation = heapAllocation(EMPTY.memory);
SPENT.limit = -1;
