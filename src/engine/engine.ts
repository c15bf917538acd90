import * as counters from '../base/counters.js';
import { throwLater } from '../base/environment.js';
import { AllocError } from '../base/errors.js';
import type { BlockSource, PinnedBlock } from '../blocks/block-source.js';
import { Allocation, type AllocationOwner, notShared, type Parcel, Trace } from '../handles/allocation.js';
import { SpillPool } from '../handles/spill-pool.js';
import type { Ticket } from '../handles/tickets.js';
import type { Memory } from '../memory/memory.js';
import { touchPages } from '../memory/prefault.js';
import { type HandleFactory, PLAIN_HANDLES } from './handle-factory.js';
import { type LeakListener, LeakReporter } from './leaks.js';

// Constants of this module are folded into optimised code; imported and exported ones are loaded: 5 ns of a round trip's 26 (Node 20).
const ALLOCATIONS_OK: number = counters.ALLOCATIONS_OK;
const ALLOCATIONS_FAILED: number = counters.ALLOCATIONS_FAILED;
const FROZEN: number = counters.FROZEN;
const SPILLS: number = counters.SPILLS;
const LEAKS_RECLAIMED: number = counters.LEAKS_RECLAIMED;
const LEAKS_PINNED: number = counters.LEAKS_PINNED;

/** Counters of an arena at one moment. Byte counts are of whole slots or blocks, not of bytes written. */
export interface ArenaMetrics {
  /** Allocations that were granted. */
  readonly allocationsOk: number;
  /** Allocations that were refused: full, too large or closed. */
  readonly allocationsFailed: number;
  /** Slots or blocks that came back, by whatever way (release, abandon, spill, collector). */
  readonly frees: number;
  /** Arena-backed buffers and raw regions that were frozen. */
  readonly frozen: number;
  /** Buffers that moved to the heap. */
  readonly spills: number;
  /** Bytes the arena manages. */
  readonly bytesReserved: number;
  /** Bytes of slots or blocks in use now, pinned ones included. */
  readonly bytesLive: number;
  /** Forgotten allocations that the collector's word gave back. Also counted in `frees`. */
  readonly leaksReclaimed: number;
  /** Forgotten allocations that stay in use for ever, because a view of their memory had been lent. */
  readonly leaksPinned: number;
}

export interface EngineOptions {
  readonly memory: Memory;
  readonly blocks: BlockSource;
  /** Bytes of a unit: the slot, or the smallest block. */
  readonly unit: number;
  readonly units: number;
  /** Offset of the first unit in the memory, in bytes. */
  readonly base: number;
  /** Whether memory is scrubbed when it returns. */
  readonly zeroes: boolean;
  /** Per unit: 1 once it was zeroed. Only where memory that was never allocated is not zero and must be. */
  readonly warmed: Uint8Array | undefined;
  readonly spills: boolean;
  /** Runs once, after `close()` and after the last allocation came back. Never where memory is pinned. */
  readonly dealloc: (() => void) | undefined;
}

/** @param freedOrder of the free block that the release left, or -1 where it left none (kept aside, or pinned) */
export type ReleaseListener = (freedOrder: number) => void;

/** Closed engines that owe a `dealloc`: kept alive until their last forgotten handle was found by the collector. */
const closing = new Set<Engine>();

/**
 * What every arena does around its {@link BlockSource}: control records, counters, scrubbing, closing, and the
 * collector's backstop. There are as many records as blocks were ever in use at once.
 */
export class Engine implements AllocationOwner {
  readonly spills: boolean;
  readonly writable = true;
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

  /** Records of free blocks, `pooled` of them; entries above are cleared so that the array holds none in use. */
  private readonly pool: (Allocation | undefined)[] = [];
  private pooled = 0;
  protected readonly registry: FinalizationRegistry<Trace> = new FinalizationRegistry<Trace>((trace) =>
    this.recover(trace),
  );

  protected isClosed = false;
  /** What follows every release: one comparison where nothing does, which is nearly always. */
  protected afterRelease: ReleaseListener | undefined;
  private readonly pinned: PinnedBlock[] = [];
  private reporter: LeakReporter = new LeakReporter(undefined);
  /** Makes the handles of what was granted. */
  handles: HandleFactory = PLAIN_HANDLES;
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
    // Kept memory is as its last owner left it, which the zero policy forbids.
    this.spillPool = new SpillPool(options.spills && !options.zeroes);
  }

  /**
   * Claims a block of `order` of which `capacity` bytes are visible. Undefined when the arena is full.
   * @throws AllocError ARENA_CLOSED after `close()`.
   */
  claim(order: number, capacity: number): Allocation | undefined {
    if (this.isClosed) throw this.refusal('ARENA_CLOSED');
    const block = this.blocks.claim(order);
    if (block >= 0) return this.grant(block, order, capacity);
    this.count(ALLOCATIONS_FAILED);
    return undefined;
  }

  /** As {@link claim}, for a request that waits if it must: finding nothing is no failure yet. */
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

  /** A record with one holder for a block in use. */
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

  /** The record that {@link claim} answered with. @throws AllocError ARENA_FULL where there is none. */
  granted(record: Allocation | undefined): Allocation {
    if (record === undefined) throw new AllocError('ARENA_FULL');
    return record;
  }

  /** Counts a request that is never granted, and makes its error. */
  refusal(code: 'REQUEST_TOO_LARGE' | 'ARENA_CLOSED'): AllocError {
    this.count(ALLOCATIONS_FAILED);
    return new AllocError(code);
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

  countFreeze(): void {
    this.count(FROZEN);
  }

  countSpill(): void {
    this.count(SPILLS);
  }

  spillTo(used: number, byteCount: number): Allocation {
    return this.spillPool.spillTo(used, byteCount);
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Refuses new allocations from now on. What is live stays valid. Closing twice changes nothing. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.afterRelease = () => this.finishClosing();
    this.spillPool.close();
    if (this.dealloc !== undefined) closing.add(this);
    this.finishClosing();
  }

  /** Calls `listener` after every release, until the arena is closed. It must not throw. */
  onRelease(listener: ReleaseListener | undefined): void {
    if (!this.isClosed) this.afterRelease = listener;
  }

  /** Has every leak that the collector finds told to `onLeak` instead of warning of it. */
  onLeak(listener: LeakListener | undefined): void {
    this.reporter = new LeakReporter(listener);
  }

  /** Finds and returns blocks by `blocks` from now on, which knows of all that are in use. */
  useBlocks(blocks: BlockSource): void {
    this.blocks = blocks;
  }

  /** Touches a byte of every page, without changing it. @param stride bytes between touches */
  touchPages(stride: number): void {
    const { bytes } = this.memory;
    // Where allocations have memory of their own the arena has none.
    touchPages(bytes, this.base, Math.min(this.base + this.bytesReserved, bytes.length), stride);
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
      // Not counted: one counter less in every round trip.
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

  /** Units of those. */
  protected get liveUnits(): number {
    return this.usedUnits;
  }

  protected count(counter: number): void {
    this.counters[counter] = (this.counters[counter] as number) + 1;
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

  /** Keeps the record of a block that is not this thread's any more, for the next one. */
  protected keepRecord(record: Allocation): void {
    this.pool[this.pooled++] = record;
  }

  private makeRecord(): Allocation {
    const trace = new Trace();
    const record = new Allocation(this, this.memory, trace);
    // Once in a record's life: registering costs 250 to 350 ns on V8, more than ten allocations.
    this.registry.register(record, trace);
    return record;
  }

  /** The collector took a record in use, so every handle of its allocation was forgotten. */
  protected recover(trace: Trace): void {
    const { block, order, lent } = trace;
    let freedOrder = -1;
    if (lent) {
      // Somebody may still use a view of it (a socket, a pending fs.write); nobody can tell, so it is never used again.
      this.count(LEAKS_PINNED);
      this.pinned.push({ block, order });
    } else {
      this.count(LEAKS_RECLAIMED);
      freedOrder = this.recoverBlock(block, order);
    }
    const opening = this.handles.lost(trace);
    if (this.afterRelease !== undefined) this.afterRelease(freedOrder);
    this.reporter.report(opening, this.unit * (1 << order), lent);
  }

  /** Gives back what a forgotten record stood for: how far it was written is gone with it. */
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
    // Pinned memory may still be read by somebody: such an arena never gives its memory up.
    if (live > 0 || dealloc === undefined) return;
    try {
      dealloc();
    } catch (error) {
      throwLater(error);
    }
  }
}
