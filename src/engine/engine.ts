import * as counters from '../base/counters.js';
import { throwLater } from '../base/environment.js';
import { AllocError, type AllocErrorCode, type AllocFacts } from '../base/errors.js';
import { shortLived } from '../base/short-lived.js';
import type { BlockSource, PinnedBlock } from '../blocks/block-source.js';
import {
  Allocation,
  type AllocationOwner,
  NO_SHELF,
  NOT_CLONEABLE,
  notShared,
  type Parcel,
  type Shelf,
  Trace,
} from '../handles/allocation.js';
import { MemoryPressure } from '../handles/memory-pressure.js';
import { SpillPool } from '../handles/spill-pool.js';
import type { Ticket } from '../handles/tickets.js';
import { type Memory, touchPages } from '../memory/memory.js';
import { ArenaEvents, type ArenaListener } from './events.js';
import { type HandleFactory, PLAIN_HANDLES } from './handle-factory.js';
import { type LeakListener, LeakReporter } from './leaks.js';

// V8 folds constants of this module into optimised code. It loads imported and exported ones, which would take 5 ns of
// the 26 ns of a round trip (Node 20).
const ALLOCATIONS_OK: number = counters.ALLOCATIONS_OK;
const ALLOCATIONS_FAILED: number = counters.ALLOCATIONS_FAILED;
const FROZEN: number = counters.FROZEN;
const SPILLS: number = counters.SPILLS;
const LEAKS_RECLAIMED: number = counters.LEAKS_RECLAIMED;
const LEAKS_PINNED: number = counters.LEAKS_PINNED;

/** Counters of an arena at one moment. Byte counts are sizes of whole slots or blocks, not of what was written. */
export interface ArenaMetrics {
  /** Allocations that were granted. */
  readonly allocationsOk: number;
  /** Allocations that were refused: the arena was full or closed, or the request was too large. */
  readonly allocationsFailed: number;
  /** Slots or blocks that came back in any way (release, abandon, spill, collector). */
  readonly frees: number;
  /** Arena-backed buffers and raw regions that were frozen. */
  readonly frozen: number;
  /** Buffers that moved to the heap. */
  readonly spills: number;
  /** Bytes that the arena manages. */
  readonly bytesReserved: number;
  /** Bytes of slots or blocks in use now, pinned ones included. */
  readonly bytesLive: number;
  /** Forgotten allocations that came back because the collector found them. Also counted in `frees`. */
  readonly leaksReclaimed: number;
  /** Forgotten allocations that stay in use for ever, because a view of their memory had been lent. */
  readonly leaksPinned: number;
}

export interface EngineOptions {
  readonly memory: Memory;
  readonly blocks: BlockSource;
  /** Size of a unit in bytes: the slot, or the smallest block. */
  readonly unit: number;
  readonly units: number;
  /** Offset of the first unit in the memory, in bytes. */
  readonly base: number;
  /** Whether memory is scrubbed when it comes back. */
  readonly zeroes: boolean;
  /**
   * Per unit: 1 once it was zeroed. Undefined without the zero policy, and over memory that is zero from the start.
   */
  readonly warmed: Uint8Array | undefined;
  readonly spills: boolean;
  /** Runs once, after `close()` and after the last allocation came back. Never runs when memory is pinned. */
  readonly dealloc: (() => void) | undefined;
}

/** What one thread of a shared arena did. */
export interface ThreadFigures {
  readonly threadId: number;
  readonly allocationsOk: number;
  readonly frees: number;
  /** Requests that wait now. */
  readonly waiting: number;
}

export type FreeVisitor = (block: number, order: number, record?: Allocation) => void;

/** @param freedOrder order of the free block that a release left, or -1 if it left none (kept aside, or pinned) */
export type ReleaseListener = (freedOrder: number) => void;

/**
 * Closed engines that still have to call `dealloc`. They stay alive until the collector finds the last forgotten
 * handle.
 */
const closing = new Set<Engine>();

/**
 * What every arena does around its {@link BlockSource}: control records, counters, scrubbing, closing, and the
 * collector as a backstop. There are as many records as blocks were ever in use at the same time.
 */
export class Engine implements AllocationOwner {
  readonly notCloneable: () => void = NOT_CLONEABLE;
  readonly spills: boolean;
  readonly writable = true;
  readonly pressure: MemoryPressure = new MemoryPressure();
  readonly bytesReserved: number;
  protected readonly memory: Memory;
  protected blocks: BlockSource;
  protected readonly unit: number;
  protected readonly base: number;
  protected readonly zeroes: boolean;
  protected readonly warmed: Uint8Array | undefined;
  protected counters: Float64Array;
  /** Units and blocks in use, pinned ones included. */
  private usedUnits = 0;
  private usedBlocks = 0;

  /**
   * The first `pooled` entries are records of free blocks. The rest is cleared, so that no record in use is held here.
   */
  private readonly pool: (Allocation | undefined)[] = [];
  private pooled = 0;
  protected readonly registry: FinalizationRegistry<Trace> = new FinalizationRegistry<Trace>((trace) =>
    this.recover(trace),
  );

  protected isClosed = false;
  /** Called after every release. It is nearly always undefined: a release then costs one comparison more. */
  protected afterRelease: ReleaseListener | undefined;
  private readonly pinned: PinnedBlock[] = [];
  private reporter: LeakReporter = new LeakReporter(undefined);
  /** Makes the handles of granted blocks. */
  handles: HandleFactory = PLAIN_HANDLES;
  readonly shelf: Shelf = NO_SHELF;
  readonly events: ArenaEvents = new ArenaEvents(() => this.arena);
  /** What events name as their arena. */
  arena: object | undefined = undefined;
  private dealloc: (() => void) | undefined;
  private readonly spillPool: SpillPool;

  constructor(options: EngineOptions, own: Float64Array = new Float64Array(counters.COUNTERS)) {
    this.counters = own;
    this.memory = options.memory;
    this.blocks = options.blocks;
    this.unit = options.unit;
    this.base = options.base;
    this.bytesReserved = options.unit * options.units;
    this.zeroes = options.zeroes;
    this.warmed = options.warmed;
    this.spills = options.spills;
    this.afterRelease = undefined;
    this.dealloc = options.dealloc;
    // Memory in the pool keeps the bytes of its last owner, which the zero policy forbids.
    this.spillPool = new SpillPool(options.spills && !options.zeroes);
  }

  /**
   * Claims a block of `order` with `capacity` visible bytes. Returns undefined when the arena is full.
   * @throws AllocError ARENA_CLOSED after `close()`.
   */
  claim(order: number, capacity: number): Allocation | undefined {
    if (this.isClosed) throw this.refusal('ARENA_CLOSED');
    const block = this.blocks.claim(order);
    if (block >= 0) return this.grant(block, order, capacity);
    this.countFailure('ARENA_FULL', capacity);
    return undefined;
  }

  /** As {@link claim}, for a request that can wait: an arena that is full does not count as a failure yet. */
  claimOrWait(order: number, capacity: number): Allocation | undefined {
    if (this.isClosed) throw this.refusal('ARENA_CLOSED');
    const block = this.blocks.claim(order);
    return block < 0 ? undefined : this.grant(block, order, capacity);
  }

  private grant(block: number, order: number, capacity: number): Allocation {
    const record = this.recordOf(block, order, capacity);
    this.count(ALLOCATIONS_OK);
    this.usedUnits += 1 << order;
    this.usedBlocks++;
    if (this.warmed !== undefined) this.warm(this.warmed, block, order);
    return record;
  }

  /** A record with one holder, for a block in use. */
  protected recordOf(block: number, order: number, capacity: number): Allocation {
    const record = this.takeRecord();
    const offset = this.base + block * this.unit;
    record.trace.block = block;
    record.trace.order = order;
    record.holders = 1;
    record.offset = offset;
    record.start = offset;
    record.limit = offset + capacity;
    record.dirtyEnd = offset;
    return record;
  }

  /**
   * Returns the record that {@link claim} returned for a request of `requested` bytes.
   * @throws AllocError ARENA_FULL when it returned none
   */
  granted(record: Allocation | undefined, requested: number): Allocation {
    if (record === undefined) throw new AllocError('ARENA_FULL', { facts: this.facts(requested) });
    return record;
  }

  /** Counts a request that can never be granted, and returns its error. @param requested bytes, for REQUEST_TOO_LARGE */
  refusal(code: 'REQUEST_TOO_LARGE' | 'ARENA_CLOSED', requested?: number): AllocError {
    this.countFailure(code, requested);
    return requested === undefined ? new AllocError(code) : new AllocError(code, { facts: this.facts(requested) });
  }

  /** The figures of an error about a request of `requested` bytes. */
  facts(requested: number): AllocFacts {
    const order = this.largestFreeOrder();
    const { bytesReserved: capacity, bytesLive: live } = this.metrics();
    return { requested, capacity, live, largestFreeBlock: order < 0 ? 0 : this.unit * 2 ** order };
  }

  release(record: Allocation): void {
    const { trace } = record;
    trace.lent = false;
    if (this.zeroes && record.dirtyEnd > record.offset) record.memory.zero(record.offset, record.dirtyEnd);
    const freedOrder = this.giveBack(trace.block, trace.order);
    this.keepRecord(record);
    if (this.afterRelease !== undefined) this.afterRelease(freedOrder);
  }

  isSoleHolder(record: Allocation): boolean {
    return record.holders === 1;
  }

  parcel(_record: Allocation, _offset: number, _length: number): Parcel {
    throw notShared();
  }

  issueTicket(_record: Allocation, _offset: number, _length: number): Ticket {
    throw notShared();
  }

  departed(_record: Allocation): void {}

  lend(record: Allocation): void {
    record.trace.lent = true;
  }

  countSpill(): void {
    this.count(SPILLS);
    if (this.events.areHeard('spill')) this.events.tell({ type: 'spill' });
  }

  spillTo(used: number, byteCount: number): Allocation {
    return this.spillPool.spillTo(used, byteCount);
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Refuses new allocations from now on. Live handles stay valid. Closing twice changes nothing. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.afterRelease = shortLived(() => this.finishClosing());
    this.spillPool.close();
    if (this.dealloc !== undefined) closing.add(this);
    this.events.tell({ type: 'close' });
    this.finishClosing();
  }

  /** Calls `listener` after every release, until the arena is closed. It must not throw. */
  onRelease(listener: ReleaseListener | undefined): void {
    if (!this.isClosed) this.afterRelease = listener;
  }

  /** Calls `listener` for every event of this thread. @returns a function that ends the listening */
  listen(listener: ArenaListener): () => void {
    return this.events.add(listener);
  }

  /** Reports every leak that the collector finds to `listener`, or warns of it when `listener` is undefined. */
  onLeak(listener: LeakListener | undefined): void {
    this.reporter = new LeakReporter(listener);
  }

  /** Makes the handles of granted blocks with `handles` from now on. */
  useHandles(handles: HandleFactory): void {
    this.handles = handles;
  }

  /** Claims and releases blocks through `blocks` from now on. It must know all blocks that are in use. */
  useBlocks(blocks: BlockSource): void {
    this.blocks = blocks;
  }

  /** Touches a byte of every page without changing it. @param stride bytes between touches */
  touchPages(stride: number): void {
    const { bytes } = this.memory;
    // The arena has no memory when every allocation has a buffer of its own.
    touchPages(bytes, this.base, Math.min(this.base + this.bytesReserved, bytes.length), stride);
  }

  /**
   * Calls `visit` for each free block, with its record if it keeps one.
   * @returns false if the blocks cannot be listed: in a shared arena, and while a region is set aside
   */
  visitFree(visit: FreeVisitor): boolean {
    if (this.blocks.visitFree === undefined) return false;
    this.blocks.visitFree(visit);
    return true;
  }

  /** The threads that share the arena. Empty for an arena of one thread. */
  threads(): readonly ThreadFigures[] {
    return [];
  }

  /** The blocks that never come back. */
  get pinnedBlocks(): readonly PinnedBlock[] {
    return this.pinned;
  }

  largestFreeOrder(): number {
    return this.blocks.largestFreeOrder();
  }

  metrics(): ArenaMetrics {
    const counters = this.counters;
    const allocationsOk = counters[ALLOCATIONS_OK] as number;
    return {
      allocationsOk,
      allocationsFailed: counters[ALLOCATIONS_FAILED] as number,
      // Derived, not counted: that saves a counter in every round trip.
      frees: allocationsOk - this.liveBlocks,
      frozen: counters[FROZEN] as number,
      spills: counters[SPILLS] as number,
      bytesReserved: this.bytesReserved,
      bytesLive: this.liveUnits * this.unit,
      leaksReclaimed: counters[LEAKS_RECLAIMED] as number,
      leaksPinned: counters[LEAKS_PINNED] as number,
    };
  }

  /** Blocks in use, pinned ones included. */
  protected get liveBlocks(): number {
    return this.usedBlocks;
  }

  /** Units in use, pinned ones included. */
  protected get liveUnits(): number {
    return this.usedUnits;
  }

  protected count(counter: number): void {
    this.counters[counter] = (this.counters[counter] as number) + 1;
  }

  /** Counts a request that was refused. @param requested bytes */
  protected countFailure(code: AllocErrorCode, requested: number | undefined): void {
    this.count(ALLOCATIONS_FAILED);
    if (this.events.areHeard('failure')) this.events.tell({ type: 'failure', code, requested });
  }

  protected giveBack(block: number, order: number): number {
    this.usedUnits -= 1 << order;
    this.usedBlocks--;
    return this.blocks.release(block, order);
  }

  private takeRecord(): Allocation {
    const pooled = this.pooled;
    if (pooled === 0) return this.makeRecord();
    const record = this.pool[pooled - 1] as Allocation;
    this.pool[pooled - 1] = undefined;
    this.pooled = pooled - 1;
    return record;
  }

  /** Keeps a record for the next claim. Its block no longer belongs to this thread. */
  protected keepRecord(record: Allocation): void {
    this.pool[this.pooled++] = record;
  }

  private makeRecord(): Allocation {
    const trace = new Trace();
    const record = new Allocation(this, this.memory, trace, this.counters);
    // Once in the life of a record: registering takes 250 to 350 ns on V8, more than ten allocations.
    this.registry.register(record, trace);
    return record;
  }

  /** Runs when the collector took a record in use. Every handle of the allocation of `trace` was forgotten. */
  protected recover(trace: Trace): void {
    const { block, order, lent } = trace;
    let freedOrder = -1;
    if (lent) {
      // A view of the block may still be in use (by a socket, or a pending fs.write). The library cannot know, so the
      // block is never used again.
      this.count(LEAKS_PINNED);
      this.pinned.push({ block, order });
    } else {
      this.count(LEAKS_RECLAIMED);
      freedOrder = this.recoverBlock(block, order);
    }
    const opening = this.handles.lost(trace);
    if (this.afterRelease !== undefined) this.afterRelease(freedOrder);
    this.reporter.report(opening, this.unit * (1 << order), lent, (leak) => this.events.tell({ type: 'leak', leak }));
  }

  /** Returns the block of a forgotten record. How far the block was written is unknown: all of it is scrubbed. */
  protected recoverBlock(block: number, order: number): number {
    const offset = this.base + block * this.unit;
    if (this.zeroes) this.memory.zero(offset, offset + this.unit * (1 << order));
    return this.giveBack(block, order);
  }

  protected warm(warmed: Uint8Array, block: number, order: number): void {
    const end = block + (1 << order);
    for (let unit = block; unit < end; unit++) {
      if (warmed[unit] !== 0) continue;
      const offset = this.base + unit * this.unit;
      this.memory.zero(offset, offset + this.unit);
      warmed[unit] = 1;
    }
  }

  private finishClosing(): void {
    const live = this.liveBlocks;
    if (live > (this.counters[LEAKS_PINNED] as number)) return;
    closing.delete(this);
    const dealloc = this.dealloc;
    this.dealloc = undefined;
    // Pinned memory may still be read through a view: an arena with pinned blocks never gives its memory up.
    if (live > 0 || dealloc === undefined) return;
    try {
      dealloc();
    } catch (error) {
      throwLater(error);
    }
  }
}
