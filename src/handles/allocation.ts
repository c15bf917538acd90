import { lengthOfView } from '../base/check.js';
import type { Opening } from '../base/site.js';
import { grownMemory } from '../memory/heap-memory.js';
import { Memory } from '../memory/memory.js';
import type { MemoryPressure } from './memory-pressure.js';
import type { Ticket } from './tickets.js';

/** Who an allocation goes back to, and who counts what happens to it. */
export interface AllocationOwner {
  /** {@link NOT_CLONEABLE}, in the first field, so that a clone fails before it copies any memory. */
  readonly notCloneable: () => void;
  /** Whether a buffer that is full moves to the heap instead of throwing. */
  readonly spills: boolean;
  /** Who can give memory back when somebody waits for it; undefined for memory that nobody waits for. */
  readonly pressure: MemoryPressure | undefined;
  /** Whether frozen bytes may become writable again when nobody else holds them. */
  readonly writable: boolean;
  /** Whether there is one handle on the allocation, in any thread. */
  isSoleHolder(allocation: Allocation): boolean;
  /** Takes the allocation back: its last holder is gone. */
  release(allocation: Allocation): void;
  /**
   * A ticket for `length` bytes at `offset`. It takes the only handle's reference over, or counts on its own where there are more.
   * @throws TypeError where other threads cannot have the memory; AllocError ARENA_FULL when too many are on their way
   */
  issueTicket(allocation: Allocation, offset: number, length: number): Ticket;
  /**
   * What other threads are told about `length` bytes at `offset`, and by which arena's means.
   * @throws TypeError where they cannot have the memory
   */
  parcel(allocation: Allocation, offset: number, length: number): Parcel;
  /** Forgets the allocation, whose last handle here went to another thread. */
  departed(allocation: Allocation): void;
  /** Notes that a view of the memory left the library, so that a forgotten allocation must be pinned. */
  lend(allocation: Allocation): void;
  countFreeze(): void;
  countSpill(): void;
  /**
   * Heap memory with one holder, for a buffer of `used` bytes that outgrew what it had here and needs room for `byteCount` more.
   * @throws RangeError when the machine has not that much
   */
  spillTo(used: number, byteCount: number): Allocation;
}

/**
 * `structuredClone` and `postMessage` would copy the memory of a whole arena and lose the handle. They refuse functions, and
 * their error shows the source text of this one.
 */
export const NOT_CLONEABLE: () => void = function useToTicketOrToUint8Array(): void {};

/** Bytes of a block, as another thread finds them. */
export interface Delivery {
  /** -1 for no bytes. */
  readonly block: number;
  /** Offset in the block, in bytes. */
  readonly start: number;
  readonly length: number;
}

/** What is sent, and the engine of the arena that it belongs to. */
export interface Parcel extends Delivery {
  readonly engine: AllocationOwner;
}

/**
 * What must outlive a control record: the block it stood for, and whether a view of that was lent. The collector's
 * registry holds the trace and hands it out when the record is gone.
 */
export class Trace {
  /** First unit and order of the block in the owner's BlockSource. */
  block = 0;
  order = 0;
  lent = false;
  /** What leak detection knows about the allocation; undefined where it was not watched. */
  opening: Opening | undefined = undefined;
}

/** No room of one's own. */
const NO_ROOM = new Uint8Array(0);

/**
 * The control record of one allocation: where it lies and how many handles hold it. All offsets are bytes in `memory`.
 *
 *     offset        start           cursor (in the buffer)      limit
 *     |-------------|===============|...........................|------|
 *     block         content         writable rest               visible end
 *
 * An arena makes a record once and uses it again and again. It refers to the record only while the block is free;
 * while it is in use the handles alone do. So the collector finding the record means that every handle was forgotten.
 */
export class Allocation {
  owner: AllocationOwner;
  memory: Memory;
  readonly trace: Trace;
  /** Number of handles. */
  holders = 0;
  offset = 0;
  start = 0;
  limit = 0;
  /** End of what may have been written since the claim, from `offset` on. */
  dirtyEnd = 0;
  /**
   * All of the visible room as a view of its own that is never lent: what is set through it cannot run over the end, whatever the source
   * does meanwhile. NO_ROOM where a record changes its place with each claim, undefined until it is needed.
   */
  room: Uint8Array | undefined = NO_ROOM;
  /** The view that was lent last, and where it begins. */
  private view: Uint8Array | undefined = undefined;
  private viewOffset = 0;

  constructor(owner: AllocationOwner, memory: Memory, trace: Trace) {
    this.owner = owner;
    this.memory = memory;
    this.trace = trace;
  }

  /**
   * A view of `length` bytes at `offset` that leaves the library. The last one is kept, also for the next owner: all clones
   * share it, and where a slot is read into, frozen whole and used again, none is made any more (24 to 45 ns, 120 bytes).
   */
  lendView(offset: number, length: number): Uint8Array {
    let { view } = this;
    // One of another length lies in a buffer that was detached, as when a WebAssembly.Memory grew. What it says itself is not asked: the
    // program has had it, and may have made it lie to the next owner.
    if (view === undefined || this.viewOffset !== offset || lengthOfView(view) !== length) {
      view = this.memory.view(offset, offset + length);
      if (!this.memory.canResize) this.view = view;
      this.viewOffset = offset;
    }
    this.owner.lend(this);
    return view;
  }

  /** The `length` bytes at `offset`, to be read in this call. Never what was lent, which the program may have changed. */
  content(offset: number, length: number): Uint8Array {
    const room = this.room ?? this.ownRoom();
    return room.length === length && offset === this.offset ? room : this.memory.view(offset, offset + length);
  }

  /** The {@link room}, made where it is not there yet. */
  ownRoom(): Uint8Array {
    const { memory, offset } = this;
    this.room ??= memory.mayMove || memory.canResize ? NO_ROOM : memory.view(offset, this.limit);
    return this.room;
  }

  /** Goes on in `memory`, on the heap. */
  moveTo(memory: Memory): void {
    this.memory = memory;
    this.limit = memory.byteLength;
    this.room = memory.bytes;
    this.view = undefined;
  }
}

/** Heap memory is the collector's: nothing is given back or counted, but by who keeps some for later. */
export class HeapOwner implements AllocationOwner {
  readonly notCloneable: () => void = NOT_CLONEABLE;
  readonly spills = true;
  readonly pressure = undefined;
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

  countFreeze(): void {}

  countSpill(): void {}

  spillTo(used: number, byteCount: number): Allocation {
    return heapAllocation(grownMemory(used, byteCount));
  }
}

/** The error for bytes that only this thread can have. */
export function notShared(): TypeError {
  return new TypeError('only bytes in the memory of a shared arena can be given to another thread; these are not');
}

const HEAP = new HeapOwner(true);
/** Of memory that the caller may still use. */
const WRAPPED = new HeapOwner(false);

const NO_TRACE = new Trace();

/** An allocation over heap memory of the library's own, with one holder. */
export function heapAllocation(memory: Memory): Allocation {
  return heldBy(HEAP, memory);
}

/** An allocation over memory of the caller's, with one holder. */
export function wrappedAllocation(memory: Memory): Allocation {
  return heldBy(WRAPPED, memory);
}

/** An allocation over all of `memory`, with one holder. */
export function heldBy(owner: AllocationOwner, memory: Memory): Allocation {
  const allocation = new Allocation(owner, memory, NO_TRACE);
  allocation.holders = 1;
  allocation.limit = memory.byteLength;
  allocation.room = undefined;
  return allocation;
}

/** Whether the memory belongs to the heap instead of an arena. */
export function isOnHeap(allocation: Allocation): boolean {
  return allocation.owner instanceof HeapOwner;
}

// A small integer, so that the `holders` field of all allocations stays one.
const PLENTY = 2 ** 29;

/** What every empty `Bytes` holds: no memory. Its count is refilled, never trusted. */
export const EMPTY: Allocation = heapAllocation(new Memory(new Uint8Array(0)));
EMPTY.holders = PLENTY;

/**
 * What a handle holds after it gave its allocation up. The limit lies before any cursor, so that the bounds test of a
 * write is the released test too.
 */
export const SPENT: Allocation = heapAllocation(EMPTY.memory);
SPENT.limit = -1;
