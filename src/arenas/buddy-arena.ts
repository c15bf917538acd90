import { checkInteger, describe } from '../base/check.js';
import { BuildError } from '../base/errors.js';
import type { BuilderMode, Placement, Sharing } from '../base/modes.js';
import { BuddyBlocks, MAX_ORDER } from '../blocks/buddy-blocks.js';
import { BuddyGeometry } from '../blocks/geometry.js';
import { Reservation } from '../blocks/reservation.js';
import { type ArenaMetrics, Engine } from '../engine/engine.js';
import type { Allocation } from '../handles/allocation.js';
import type { ArenaBuffer, Bytes } from '../handles/handles.js';
import type { RawRegion } from '../handles/raw-region.js';
import type { Ticket } from '../handles/tickets.js';
import { inspectAs } from '../memory/inspect.js';
import { type ArenaHandle, type ArenaKindName, type HandleOf, openHandle } from '../shared/arena-handle.js';
import { BUDDY } from '../shared/control.js';
import { SharedThread, type WatchedWorker } from '../shared/thread.js';
import { claimBlocking } from '../shared/waiting.js';
import { NotifyWaiters } from '../waiting/notify-waiters.js';
import type { WaitLine, WaitMetrics } from '../waiting/wait-line.js';
import { checkTimeout, type WaitOptions } from '../waiting/wait-options.js';
import type { BuddyWaiter } from '../waiting/wait-strategy.js';
import { Arena, arenaInThread, type ThreadMembers } from './arena.js';
import { alignedBacking, type BackingMemory, BuddyHint, backingMemory, ownMemory } from './backing.js';
import { ArenaBuilder } from './builder.js';
import { boundDealloc, engineOptions, type Layout, takenOnce } from './layout.js';
import type { SharedOptions } from './options.js';

/** Counters of a {@link BuddyArena}. */
export interface BuddyArenaMetrics extends ArenaMetrics {
  /** How many times a block was split in two. */
  readonly splits: number;
  /** How many times two free buddies became one block. */
  readonly coalesces: number;
  /** Bytes of the largest block that could be allocated now; 0 when nothing is free. */
  readonly largestFreeBlock: number;
}

/** What a {@link BuddyArenaBuilder} builds. */
export type BuddyArenaOf<Mode extends BuilderMode, Shared extends Sharing = 'plain'> = Shared extends 'shared'
  ? SharedBuddyArenaOf<Mode>
  : Mode extends 'raw'
    ? RawBuddyArena
    : BuddyArena;

/** What attaching to a shared arena gives. */
export type SharedBuddyArenaOf<Mode extends BuilderMode> = Mode extends 'raw' ? RawSharedBuddyArena : SharedBuddyArena;

/** What `buildAsync()` gives. */
export type AsyncBuddyArenaOf<Shared extends Sharing> = Shared extends 'shared' ? SharedBuddyArena : AsyncBuddyArena;

/** A layout of buddy blocks, and their shape. */
interface BuddyLayout extends Layout {
  readonly geometry: BuddyGeometry;
}

/** Makes the layout of an arena for an alignment in bytes. */
type LayoutPlan = (alignment: number, placement: Placement) => BuddyLayout;

/** What the metrics need to know about the blocks. */
type BlockCounts = Pick<BuddyBlocks, 'splits' | 'coalesces' | 'largestFreeOrder'>;

/**
 * An arena of one region, for requests of any size. Each request is rounded up to a power-of-two block. Larger blocks
 * are split for it, and neighbours coalesce when they are released.
 */
export class BuddyArena extends Arena {
  /** Bytes managed. */
  readonly totalSize: number;
  /** Bytes of the smallest block. */
  readonly minBlockSize: number;
  /** Order of the largest block: `minBlockSize * 2 ** maxOrder` bytes. */
  readonly maxOrder: number;
  private readonly blocks: BlockCounts;
  private readonly capsCapacity: boolean;

  static {
    inspectAs(BuddyArena.prototype, function () {
      return `BuddyArena(${this.metrics().bytesLive}/${this.totalSize} bytes in use)`;
    });
  }

  protected constructor(engine: Engine, blocks: BlockCounts, geometry: BuddyGeometry) {
    super(engine);
    this.blocks = blocks;
    this.totalSize = geometry.totalSize;
    this.minBlockSize = geometry.minBlockSize;
    this.maxOrder = geometry.maxOrder;
    this.capsCapacity = geometry.capsCapacity;
  }

  /** @internal An arena of the class that this is called on. */
  static over(engine: Engine, blocks: BuddyBlocks, geometry: BuddyGeometry): BuddyArena {
    return new this(engine, blocks, geometry);
  }

  /** A builder for an arena of the given shape. @throws TypeError unless it is a {@link BuddyGeometry} */
  static builder(geometry: BuddyGeometry): BuddyArenaBuilder {
    if (!(geometry instanceof BuddyGeometry)) {
      throw new TypeError(`geometry must be a BuddyGeometry, got ${describe(geometry)}`);
    }
    return BuddyArenaBuilder.over((alignment, placement) =>
      ownLayout(geometry.withAlignment(Math.max(alignment, geometry.alignment)), placement),
    );
  }

  /**
   * A builder for one arena over memory that you provide. Nobody else may use the memory meanwhile. Building writes
   * nothing. Bytes beyond the largest power-of-two shape are left alone.
   * @param memory a buffer (all of it), a view (its window) or a WebAssembly.Memory (its size now; it may grow)
   * @param dealloc called once with `memory`, after `close()` and after the last handle is gone
   * @throws TypeError for arguments of other types; BuildError INVALID_BACKING when the memory is detached
   */
  static fromRaw<Source extends BackingMemory>(
    memory: Source,
    hint: BuddyHint,
    dealloc?: (memory: Source) => void,
  ): BuddyArenaBuilder {
    if (!(hint instanceof BuddyHint)) throw new TypeError(`hint must be a BuddyHint, got ${describe(hint)}`);
    const backing = backingMemory(memory);
    const bound = boundDealloc(memory, dealloc);
    return BuddyArenaBuilder.over(
      takenOnce(backing, (alignment) => {
        const { base, available } = alignedBacking(backing, alignment);
        const { totalSize, minBlockSize } = hint.resolve(available, alignment);
        const geometry = BuddyGeometry.exact(totalSize, minBlockSize).withAlignment(alignment);
        checkOrder(geometry);
        const units = totalSize / minBlockSize;
        return { memory: backing, base, unit: minBlockSize, units, owned: false, dealloc: bound, geometry };
      }),
    );
  }

  /**
   * The shared arena of `handle`, in this thread. A second call in the same thread returns the same arena.
   * @throws BuildError INVALID_HANDLE for a handle that is damaged or of another version; BuildError TOO_MANY_THREADS;
   *   TypeError for a value that is no object
   */
  static attach<Mode extends BuilderMode, Kind extends ArenaKindName>(
    handle: ArenaHandle<Kind, Mode> & HandleOf<'buddy', Kind>,
  ): SharedBuddyArenaOf<Mode> {
    const { control, memory } = openHandle(handle, 'buddy');
    const known = SharedThread.arenaOf(control);
    const arena =
      known instanceof SharedBuddyArena
        ? known
        : sharedBuddyArena(SharedThread.join(control, memory), new NotifyWaiters(), false);
    return arena as SharedBuddyArenaOf<Mode>;
  }

  /**
   * A buffer over a block of at least `length` bytes.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError unless `length` is a
   *   positive integer
   */
  allocate(length: number): ArenaBuffer {
    const { engine } = this;
    const record = engine.granted(this.claim(length), length);
    return engine.handles.buffer(record, engine.handles.site());
  }

  /**
   * As {@link allocate}, but undefined when no block is free.
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError unless `length` is a positive integer
   */
  tryAllocate(length: number): ArenaBuffer | undefined {
    const block = this.claim(length);
    if (block === undefined) return undefined;
    const { handles } = this.engine;
    return handles.buffer(block, handles.site());
  }

  /** @internal As {@link tryAllocate}, but a full arena does not count as a failure. @throws AllocError */
  allocateNow(length: number): ArenaBuffer | undefined {
    const { engine } = this;
    const order = this.orderFor(length);
    const record = engine.claimOrWait(order, this.capacityFor(length, order));
    return record && engine.handles.buffer(record, engine.handles.site());
  }

  override metrics(): BuddyArenaMetrics {
    // First: in a shared arena this merges the words that rest open.
    const order = this.blocks.largestFreeOrder();
    const { splits, coalesces } = this.blocks;
    const largestFreeBlock = order < 0 ? 0 : this.minBlockSize * 2 ** order;
    return Object.freeze({ ...this.engine.metrics(), splits, coalesces, largestFreeBlock });
  }

  /** @internal A claimed block, or undefined when none is free. */
  protected claim(length: number): Allocation | undefined {
    const order = this.orderFor(length);
    return this.engine.claim(order, this.capacityFor(length, order));
  }

  /** @internal A claimed block with raw access. */
  protected claimRegion(length: number): RawRegion {
    const { engine } = this;
    const record = engine.granted(this.claim(length), length);
    return engine.handles.region(record, engine.handles.site());
  }

  /** @internal Order of the smallest block that holds `length` bytes. */
  protected orderFor(length: number): number {
    if (!(Number.isSafeInteger(length) && length > 0)) checkInteger(length, 'length', 1);
    if (length > this.totalSize) throw this.engine.refusal('REQUEST_TOO_LARGE', length);
    // The number of bits in the index of the last unit. It is exact: a division by a power of two rounds nothing.
    return 32 - Math.clz32((length - 1) / this.minBlockSize);
  }

  /** @internal Visible bytes of a block of `order` after a request for `length` bytes. */
  protected capacityFor(length: number, order: number): number {
    return this.capsCapacity ? length : this.minBlockSize * (1 << order);
  }
}

/** A {@link BuddyArena} built with `hazmatRawAccess()`. */
export class RawBuddyArena extends BuddyArena {
  /**
   * A block of at least `length` bytes with raw access.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError unless `length` is a
   *   positive integer
   */
  rawAllocate(length: number): RawRegion {
    return this.claimRegion(length);
  }
}

/** A {@link BuddyArena} built with `buildAsync()`: a program can wait for its blocks. */
export class AsyncBuddyArena extends BuddyArena {
  /** @internal */
  readonly line: WaitLine;

  protected constructor(engine: Engine, blocks: BlockCounts, geometry: BuddyGeometry, line: WaitLine) {
    super(engine, blocks, geometry);
    this.line = line;
  }

  /** @internal */
  static waitingIn(line: WaitLine, engine: Engine, blocks: BuddyBlocks, geometry: BuddyGeometry): AsyncBuddyArena {
    return new AsyncBuddyArena(engine, blocks, geometry, line);
  }

  /**
   * A buffer over a block of at least `length` bytes, as soon as one is free. Requests of one size class are served in
   * the order of arrival. docs/waiting.md says how the classes compete.
   *
   * Rejects with AllocError REQUEST_TOO_LARGE at once; with AllocError ARENA_CLOSED, also when the arena is closed
   * during the wait; with the reason of an aborted signal; with a DOMException named TimeoutError; with TypeError or
   * RangeError for bad arguments. The promise alone does not keep the process running; a timeout does.
   */
  allocateAsync(length: number, options?: WaitOptions): Promise<ArenaBuffer> {
    try {
      const order = this.orderFor(length);
      return this.line.allocate(order, this.capacityFor(length, order), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  override metrics(): AsyncBuddyArenaMetrics {
    const bytesSetAside = this.line.reservedUnits * this.minBlockSize;
    return Object.freeze({ ...super.metrics(), ...this.line.metrics(), bytesSetAside });
  }

  /** As {@link BuddyArena.close}. Requests that wait are rejected with ARENA_CLOSED. */
  override close(): void {
    super.close();
    this.line.close();
  }
}

/** Counters of an {@link AsyncBuddyArena}. */
export interface AsyncBuddyArenaMetrics extends BuddyArenaMetrics, Readonly<WaitMetrics> {
  /** Bytes set aside for a large request that waits. They are not live, and nobody else can have them. */
  readonly bytesSetAside: number;
}

/**
 * A {@link BuddyArena} that several threads share, on one budget and without locks. Each thread has an object of its
 * own.
 */
export class SharedBuddyArena extends AsyncBuddyArena implements ThreadMembers {
  /** @internal This thread's part of the arena. */
  readonly thread: SharedThread;

  /** @internal */
  constructor(thread: SharedThread, line: WaitLine) {
    const { plan } = thread.tools.control;
    const { unit, units, alignment, capsCapacity } = plan;
    super(thread.engine, thread.engine, BuddyGeometry.of(unit * units, unit, alignment, capsCapacity), line);
    this.thread = thread;
  }

  get threadId(): number {
    return this.thread.threadId;
  }

  /** What another thread needs to attach. It can be posted. @throws BuildError INVALID_HANDLE after {@link detach} */
  handle(): ArenaHandle<'buddy'> {
    return this.thread.handle() as ArenaHandle<'buddy'>;
  }

  /**
   * As {@link allocate}, but this thread sleeps until a block is free. For workers.
   * @param timeout ms, 0 to 2^31 - 1; the default is to wait for ever
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; a DOMException named TimeoutError; TypeError where the thread
   *   must not block
   */
  allocateBlocking(length: number, timeout?: number): ArenaBuffer {
    const order = this.orderFor(length);
    checkTimeout(timeout);
    const capacity = this.capacityFor(length, order);
    const { engine, sleeper } = this.thread;
    const record = claimBlocking(engine, sleeper, order, capacity, timeout);
    return engine.handles.buffer(record, engine.handles.site());
  }

  redeem(ticket: Ticket): Bytes {
    return this.thread.redeem(ticket);
  }

  reclaim(threadId: number): number {
    return this.thread.reclaim(threadId);
  }

  watch(worker: WatchedWorker): void {
    this.thread.watch(worker);
  }

  detach(): void {
    this.thread.detach(() => this.line.close());
  }
}

/** A {@link SharedBuddyArena} built with `hazmatRawAccess()`. */
export class RawSharedBuddyArena extends SharedBuddyArena {
  /**
   * A block of at least `length` bytes with raw access.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError unless `length` is a
   *   positive integer
   */
  rawAllocate(length: number): RawRegion {
    return this.claimRegion(length);
  }
}

function sharedBuddyArena(thread: SharedThread, waiters: BuddyWaiter, listensAlways: boolean): SharedBuddyArena {
  const Shared = thread.tools.control.plan.raw ? RawSharedBuddyArena : SharedBuddyArena;
  return arenaInThread(Shared, thread, waiters, listensAlways);
}

/** Collects the options of a {@link BuddyArena}. An option is checked when it is set; sizes are checked by `build`. */
export class BuddyArenaBuilder<
  Mode extends BuilderMode = 'standard',
  Shared extends Sharing = 'plain',
> extends ArenaBuilder<Mode, Shared, BuddyLayout, BuddyWaiter, BuddyArenaOf<Mode, Shared>, AsyncBuddyArenaOf<Shared>> {
  /** @internal */
  static over(plan: LayoutPlan): BuddyArenaBuilder {
    return new BuddyArenaBuilder(plan);
  }

  /**
   * Puts all memory and all state of the arena into SharedArrayBuffers, so that other threads can attach to it.
   * @throws TypeError, RangeError unless `maxThreads` is an integer from 1 to 1024
   */
  shared(options: SharedOptions): BuddyArenaBuilder<Mode, 'shared'> {
    this.setShared(options);
    return this as BuddyArenaBuilder<Mode, Sharing> as BuddyArenaBuilder<Mode, 'shared'>;
  }

  /** A buffer that is full moves to the heap and returns its block, instead of throwing `BufferFullError`. */
  autoSpill(this: BuddyArenaBuilder<'standard', Shared>): BuddyArenaBuilder<'spill', Shared> {
    this.setMode('spills');
    return this as BuddyArenaBuilder<BuilderMode, Shared> as BuddyArenaBuilder<'spill', Shared>;
  }

  /** Adds `rawAllocate(length)`: memory without a cursor. */
  hazmatRawAccess(this: BuddyArenaBuilder<'standard', Shared>): BuddyArenaBuilder<'raw', Shared> {
    this.setMode('raw');
    return this as BuddyArenaBuilder<BuilderMode, Shared> as BuddyArenaBuilder<'raw', Shared>;
  }

  /** @internal */
  protected override plainArena(layout: BuddyLayout): BuddyArena {
    const blocks = new BuddyBlocks(layout.geometry.maxOrder);
    return (this.raw ? RawBuddyArena : BuddyArena).over(this.engineFor(layout, blocks), blocks, layout.geometry);
  }

  /** @internal */
  protected override waitingArena(layout: BuddyLayout, waiters: BuddyWaiter, listensAlways: boolean): AsyncBuddyArena {
    const { geometry } = layout;
    const blocks = new BuddyBlocks(geometry.maxOrder);
    const engine = this.engineFor(layout, blocks);
    const line = this.lineFor(engine, waiters, listensAlways, (order) =>
      Reservation.best(blocks, order, geometry.maxOrder, engine.pinnedBlocks),
    );
    return AsyncBuddyArena.waitingIn(line, engine, blocks, geometry);
  }

  /** @internal */
  protected override sharedArena(layout: BuddyLayout, waiters: BuddyWaiter, listensAlways: boolean): SharedBuddyArena {
    const { maxOrder, alignment, capsCapacity } = layout.geometry;
    const thread = this.share(layout, { kind: BUDDY, maxOrder, alignment, capsCapacity });
    return sharedBuddyArena(thread, waiters, listensAlways);
  }

  private engineFor(layout: Layout, blocks: BuddyBlocks): Engine {
    return this.withNets(new Engine(engineOptions(layout, blocks, this.scrubs, this.spills)));
  }
}

function checkOrder({ maxOrder, minBlockSize }: BuddyGeometry): void {
  if (maxOrder > MAX_ORDER) {
    throw new BuildError('SIZE_OVERFLOW', `more than ${2 ** MAX_ORDER} blocks of ${minBlockSize} bytes`);
  }
}

function ownLayout(geometry: BuddyGeometry, placement: Placement): BuddyLayout {
  checkOrder(geometry);
  const { totalSize, minBlockSize: unit } = geometry;
  const memory = ownMemory(totalSize, placement);
  return { memory, base: 0, unit, units: totalSize / unit, owned: true, dealloc: undefined, geometry };
}
