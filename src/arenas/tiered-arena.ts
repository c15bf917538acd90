import { abortReason } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';
import { AllocError, type AllocErrorCode } from '../base/errors.js';
import type { ArenaMetrics } from '../engine/engine.js';
import type { ArenaListener } from '../engine/events.js';
import type { OpenAllocation } from '../engine/leaks.js';
import { heapAllocation, NO_SHELF, type Shelf } from '../handles/allocation.js';
import { ArenaBuffer } from '../handles/handles.js';
import { heapMemory } from '../memory/heap-memory.js';
import { inspectAs } from '../memory/inspect.js';
import type { Memory } from '../memory/memory.js';
import { checkWaitOptions, type WaitOptions } from '../waiting/wait-options.js';
import { AsyncBuddyArena, BuddyArena } from './buddy-arena.js';
import { AsyncFixedArena, FixedArena } from './fixed-arena.js';

/** Where a request goes that finds no slot in any tier. */
export interface TieredOptions<Fallback extends BuddyArena = BuddyArena> {
  /**
   * A buddy arena, or `'heap'` for memory that the garbage collector takes back. Default: none, so the request fails or
   * waits.
   */
  readonly fallback?: Fallback | 'heap' | undefined;
}

/** The sums over the tiers and the fallback arena, except for `allocationsFailed`. */
export interface TieredMetrics extends ArenaMetrics {
  /** Requests that no tier and no fallback served. */
  readonly allocationsFailed: number;
  /** Allocations that got a larger slot than they needed, because the tier that fits best was full. */
  readonly climbs: number;
  /** Allocations that the fallback served. */
  readonly fallbacks: number;
}

/**
 * Several fixed arenas, each for a size class. A request takes a slot of the smallest tier that holds it. When that
 * tier is full, it takes a slot of the next larger tier that is not, and at last the fallback.
 *
 * The tiers are arenas like any others. They have their own options, can be shared by threads, and can be given to the
 * adapters.
 */
export class TieredArena<Tier extends FixedArena = FixedArena, Fallback extends BuddyArena = BuddyArena> {
  /** The tiers, from the smallest slots to the largest. */
  readonly tiers: readonly Tier[];
  readonly fallback: Fallback | 'heap' | undefined;
  /** Bytes of the slots of each tier. */
  private readonly capacities: readonly number[];
  /** The shelf of each tier, and an empty one for requests that are larger than every slot. */
  private readonly shelves: readonly Shelf[];
  private climbs = 0;
  private fallbacks = 0;
  private failures = 0;

  static {
    inspectAs(TieredArena.prototype, function () {
      const tiers = this.tiers.map(({ slotCount, slotCapacity }) => `${slotCount} x ${slotCapacity}`);
      return `TieredArena(${tiers.join(', ')} bytes)`;
    });
  }

  /**
   * @param tiers one or more fixed arenas with slots of different sizes, in any order
   * @throws TypeError for what are no such arenas; RangeError for two of the same slot size
   */
  constructor(tiers: readonly Tier[], options: TieredOptions<Fallback> = {}) {
    if (!Array.isArray(tiers) || tiers.length === 0) {
      throw new TypeError(`tiers must be an array of fixed arenas, got ${describe(tiers)}`);
    }
    for (const tier of tiers) this.checkTier(tier);
    const sorted = [...tiers].sort((a, b) => a.slotCapacity - b.slotCapacity);
    for (const [index, { slotCapacity }] of sorted.entries()) {
      if (slotCapacity === sorted[index + 1]?.slotCapacity) {
        throw new RangeError(`the tiers must have slots of different sizes, two have ${slotCapacity} bytes`);
      }
    }
    const { fallback } = options;
    if (fallback !== undefined && fallback !== 'heap') this.checkFallback(fallback);
    this.tiers = Object.freeze(sorted);
    this.capacities = sorted.map(({ slotCapacity }) => slotCapacity);
    this.fallback = fallback;
    this.shelves = [...sorted.map(({ shelf }) => shelf), NO_SHELF];
  }

  /**
   * A buffer with room for `length` bytes.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError unless `length` is a
   *   positive integer
   */
  allocate(length: number): ArenaBuffer {
    // The way through the tier took 24 ns, and this takes 18 (`choice/256/tiered`, least of 5, Node 20, one machine).
    const shelf = this.shelves[this.indexFor(length)] as Shelf;
    if (shelf.isDirect && shelf.count > 0 && Number.isSafeInteger(length) && length > 0) {
      return ArenaBuffer.over(shelf.take());
    }
    const buffer = this.allocateNow(length);
    if (buffer !== undefined) return buffer;
    throw this.refusal('ARENA_FULL', length);
  }

  /**
   * As {@link allocate}, but undefined when all that is large enough is full.
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError unless `length` is a positive integer
   */
  tryAllocate(length: number): ArenaBuffer | undefined {
    const buffer = this.allocateNow(length);
    if (buffer === undefined) this.failures++;
    return buffer;
  }

  /**
   * The smallest tier whose slots have room for `length` bytes; undefined when none has. Give it to an adapter that
   * reads chunks of that size.
   * @throws TypeError, RangeError unless `length` is a positive integer
   */
  tierFor(length: number): Tier | undefined {
    checkInteger(length, 'length', 1);
    return this.tiers[this.indexFor(length)];
  }

  metrics(): Readonly<TieredMetrics> {
    const arenas = this.arenas.map((arena) => arena.metrics());
    const sum = (name: keyof ArenaMetrics): number => arenas.reduce((total, metrics) => total + metrics[name], 0);
    return Object.freeze({
      allocationsOk: sum('allocationsOk'),
      allocationsFailed: this.failures,
      frees: sum('frees'),
      frozen: sum('frozen'),
      spills: sum('spills'),
      bytesReserved: sum('bytesReserved'),
      bytesLive: sum('bytesLive'),
      leaksReclaimed: sum('leaksReclaimed'),
      leaksPinned: sum('leaksPinned'),
      climbs: this.climbs,
      fallbacks: this.fallbacks,
    });
  }

  /** The allocations of all tiers and of the fallback that have not come back, the oldest first. */
  openAllocations(): OpenAllocation[] {
    return this.arenas.flatMap((arena) => arena.openAllocations()).sort((a, b) => b.age - a.age);
  }

  /** Calls `listener` for the events of all tiers and of the fallback. @returns a function that ends the listening */
  listen(listener: ArenaListener): () => void {
    const ends = this.arenas.map((arena) => arena.listen(listener));
    return () => {
      for (const end of ends) end();
    };
  }

  /** Closes all tiers and the fallback arena. */
  close(): void {
    for (const arena of this.arenas) arena.close();
  }

  /** Whether all tiers are closed. */
  get isClosed(): boolean {
    return this.tiers.every(({ isClosed }) => isClosed);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What JSON shows: the metrics, never the memory. */
  toJSON(): Readonly<TieredMetrics> {
    return this.metrics();
  }

  /** @internal A buffer, or undefined when all that is large enough is full. */
  protected allocateNow(length: number): ArenaBuffer | undefined {
    if (!(Number.isSafeInteger(length) && length > 0)) checkInteger(length, 'length', 1);
    const { tiers } = this;
    const best = this.indexFor(length);
    for (let index = best; index < tiers.length; index++) {
      const buffer = tiers[index]?.allocateNow(length);
      if (buffer === undefined) continue;
      if (index > best) this.climbs++;
      return buffer;
    }
    return this.fallBack(length);
  }

  /** @internal The tier that fits best; the number of tiers for a request that is larger than every slot. */
  protected indexFor(length: number): number {
    const { capacities } = this;
    // A few comparisons: programs have two to eight size classes (`choice/tiered`).
    let index = 0;
    while (index < capacities.length && (capacities[index] as number) < length) index++;
    return index;
  }

  /** @internal */
  protected refusal(code: AllocErrorCode, requested: number): AllocError {
    this.failures++;
    const { bytesReserved: capacity, bytesLive: live } = this.metrics();
    return new AllocError(code, { facts: { requested, capacity, live, largestFreeBlock: this.largestFree } });
  }

  /** @internal */
  protected checkTier(tier: unknown): void {
    if (!(tier instanceof FixedArena)) throw new TypeError(`a tier must be a FixedArena, got ${describe(tier)}`);
  }

  /** @internal */
  protected checkFallback(fallback: unknown): void {
    if (!(fallback instanceof BuddyArena)) {
      throw new TypeError(`fallback must be a BuddyArena or 'heap', got ${describe(fallback)}`);
    }
  }

  private get arenas(): readonly (FixedArena | BuddyArena)[] {
    const { tiers, fallback } = this;
    return fallback === undefined || fallback === 'heap' ? tiers : [...tiers, fallback];
  }

  /** @throws AllocError REQUEST_TOO_LARGE when the runtime does not have that much */
  private heapMemory(length: number): Memory {
    try {
      return heapMemory(length, length);
    } catch {
      throw this.refusal('REQUEST_TOO_LARGE', length);
    }
  }

  /** Bytes of the largest slot that is free. */
  private get largestFree(): number {
    const free = this.tiers.findLast((tier) => tier.metrics().bytesLive < tier.metrics().bytesReserved);
    return free?.slotCapacity ?? 0;
  }

  private fallBack(length: number): ArenaBuffer | undefined {
    const { fallback, tiers } = this;
    if (fallback === 'heap') {
      const buffer = ArenaBuffer.over(heapAllocation(this.heapMemory(length)));
      this.fallbacks++;
      return buffer;
    }
    if (fallback !== undefined && length <= fallback.totalSize) {
      const buffer = fallback.allocateNow(length);
      if (buffer !== undefined) this.fallbacks++;
      return buffer;
    }
    if (length > (tiers.at(-1)?.slotCapacity ?? 0)) throw this.refusal('REQUEST_TOO_LARGE', length);
    return undefined;
  }
}

/** A {@link TieredArena} whose requests can wait. Its tiers and its fallback arena were built with `buildAsync()`. */
export class AsyncTieredArena extends TieredArena<AsyncFixedArena, AsyncBuddyArena> {
  /**
   * As {@link allocate}, but waits when all that is large enough is full: for a slot of the tier that fits best, or for
   * the fallback arena when the request is larger than every slot.
   *
   * Rejects with AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; the reason of an aborted signal; a DOMException named
   * `TimeoutError`; TypeError or RangeError for bad arguments.
   */
  async allocateAsync(length: number, options?: WaitOptions): Promise<ArenaBuffer> {
    const { signal } = checkWaitOptions(options);
    if (signal?.aborted) throw abortReason(signal);
    const buffer = this.allocateNow(length);
    if (buffer !== undefined) return buffer;
    const tier = this.tiers[this.indexFor(length)];
    if (tier !== undefined) return tier.allocateAsync(length, options);
    const { fallback } = this;
    if (fallback === undefined || fallback === 'heap') throw this.refusal('REQUEST_TOO_LARGE', length);
    return fallback.allocateAsync(length, options);
  }

  protected override checkTier(tier: unknown): void {
    if (!(tier instanceof AsyncFixedArena)) {
      throw new TypeError(`a tier must be a FixedArena built with buildAsync(), got ${describe(tier)}`);
    }
  }

  protected override checkFallback(fallback: unknown): void {
    if (!(fallback instanceof AsyncBuddyArena)) {
      throw new TypeError(
        `fallback must be a BuddyArena built with buildAsync(), or 'heap', got ${describe(fallback)}`,
      );
    }
  }
}
