import { checkInteger, describe } from '../base/check.js';
import { BuildError } from '../base/errors.js';
import type { BuilderMode, Placement, Sharing } from '../base/modes.js';
import { BuddyBlocks, MAX_ORDER } from '../blocks/buddy-blocks.js';
import { BuddyGeometry } from '../blocks/geometry.js';
import { Reservation } from '../blocks/reservation.js';
import { type ArenaMetrics, Engine } from '../engine/engine.js';
import type { OpenAllocation } from '../engine/leaks.js';
import type { Allocation } from '../handles/allocation.js';
import type { ArenaBuffer, Bytes } from '../handles/handles.js';
import type { RawRegion } from '../handles/raw-region.js';
import type { Ticket } from '../handles/tickets.js';
import { inspectAs } from '../memory/inspect.js';
import { fasten } from '../nets/nets.js';
import { type ArenaHandle, openHandle } from '../shared/arena-handle.js';
import { BUDDY } from '../shared/control.js';
import { SharedThread, type WatchedWorker } from '../shared/thread.js';
import { claimBlocking, LineFeeder } from '../shared/waiting.js';
import { NotifyWaiters } from '../waiting/notify-waiters.js';
import { WaitLine, type WaitMetrics } from '../waiting/wait-line.js';
import { checkTimeout, type WaitOptions } from '../waiting/wait-options.js';
import { type BuddyWaiter, checkStrategy } from '../waiting/wait-strategy.js';
import { alignedBacking, type BackingMemory, BuddyHint, backingMemory, ownMemory } from './backing.js';
import { boundDealloc, engineOptions, type Layout, shareLayout, takenOnce } from './layout.js';
import { ArenaOptions, PageSize, type SharedOptions } from './options.js';
import { Unfaulted } from './unfaulted.js';

/** Counters of a {@link BuddyArena}. */
export interface BuddyArenaMetrics extends ArenaMetrics {
  /** Times a block was split in two. */
  readonly splits: number;
  /** Times two free buddies became one block. */
  readonly coalesces: number;
  /** Bytes of the largest block that could be allocated now; 0 when none. */
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

/** Makes the layout and its shape for an alignment in bytes. */
type Plan = (alignment: number, placement: Placement) => { readonly layout: Layout; readonly geometry: BuddyGeometry };

/** What the metrics ask of who finds blocks. */
type BlockCounts = Pick<BuddyBlocks, 'splits' | 'coalesces' | 'largestFreeOrder'>;

/**
 * An arena of one region for requests of any size: each is rounded up to a power-of-two block, larger blocks are
 * split for it, and neighbours coalesce when they are released.
 */
export class BuddyArena {
  /** Bytes managed. */
  readonly totalSize: number;
  /** Bytes of the smallest block. */
  readonly minBlockSize: number;
  /** Order of the largest block: `minBlockSize * 2 ** maxOrder` bytes. */
  readonly maxOrder: number;
  /** @internal */
  protected readonly engine: Engine;
  private readonly blocks: BlockCounts;
  private readonly capsCapacity: boolean;

  static {
    inspectAs(BuddyArena.prototype, function () {
      return `BuddyArena(${this.metrics().bytesLive}/${this.totalSize} bytes in use)`;
    });
  }

  protected constructor(engine: Engine, blocks: BlockCounts, geometry: BuddyGeometry) {
    this.engine = engine;
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
    return BuddyArenaBuilder.over((alignment, placement) => {
      const aligned = geometry.withAlignment(Math.max(alignment, geometry.alignment));
      return { geometry: aligned, layout: ownLayout(aligned, placement) };
    });
  }

  /**
   * A builder for one arena over `memory` of the caller's, which nobody else may use meanwhile. Building writes
   * nothing; bytes beyond the largest power-of-two shape are left alone.
   * @param memory a buffer (all of it), a view (its window) or a WebAssembly.Memory (as large as it is now; it may grow)
   * @param dealloc called once with `memory`, after `close()` and after the last handle is gone
   * @throws TypeError for arguments of other types, BuildError INVALID_BACKING when the memory is detached
   */
  static fromRaw<Source extends BackingMemory>(
    memory: Source,
    hint: BuddyHint,
    dealloc?: (memory: Source) => void,
  ): BuddyArenaBuilder {
    if (!(hint instanceof BuddyHint)) throw new TypeError(`hint must be a BuddyHint, got ${describe(hint)}`);
    const backing = backingMemory(memory);
    const bound = boundDealloc(memory, dealloc);
    const plan = (alignment: number): ReturnType<Plan> => {
      const { base, available } = alignedBacking(backing, alignment);
      const { totalSize, minBlockSize } = hint.resolve(available, alignment);
      const geometry = BuddyGeometry.exact(totalSize, minBlockSize).withAlignment(alignment);
      checkOrder(geometry);
      const units = totalSize / minBlockSize;
      return { geometry, layout: { memory: backing, base, unit: minBlockSize, units, owned: false, dealloc: bound } };
    };
    return BuddyArenaBuilder.over(takenOnce(backing, plan));
  }

  /**
   * The shared arena that `handle` is of, in this thread. Attaching it again in one thread gives the same arena.
   * @throws BuildError INVALID_HANDLE for what is none of this version, or damaged; TOO_MANY_THREADS; TypeError for no object
   */
  static attach<Mode extends BuilderMode>(handle: ArenaHandle<'buddy', Mode>): SharedBuddyArenaOf<Mode> {
    const { control, memory } = openHandle(handle, 'buddy');
    const known = SharedThread.arenaOf(control);
    if (known instanceof SharedBuddyArena) return known as SharedBuddyArenaOf<Mode>;
    return sharedBuddyArena(SharedThread.join(control, memory), new NotifyWaiters(), false) as SharedBuddyArenaOf<Mode>;
  }

  /**
   * A buffer over a block of at least `length` bytes.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError for no positive integer
   */
  allocate(length: number): ArenaBuffer {
    const { engine } = this;
    const record = engine.granted(this.claim(length));
    return engine.handles.buffer(record, engine.handles.site());
  }

  /**
   * As {@link allocate}, but undefined when no block is free.
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError for no positive integer
   */
  tryAllocate(length: number): ArenaBuffer | undefined {
    const block = this.claim(length);
    if (block === undefined) return undefined;
    const { handles } = this.engine;
    return handles.buffer(block, handles.site());
  }

  /** The counters as they are now, frozen. */
  metrics(): BuddyArenaMetrics {
    // First: in a shared arena this merges what is left open.
    const order = this.blocks.largestFreeOrder();
    const { splits, coalesces } = this.blocks;
    const largestFreeBlock = order < 0 ? 0 : this.minBlockSize * 2 ** order;
    return Object.freeze({ ...this.engine.metrics(), splits, coalesces, largestFreeBlock });
  }

  /**
   * What has not come back, the oldest first, as far as leak detection recorded it: nothing without, all with `full`. Of a shared arena,
   * what this thread holds.
   */
  openAllocations(): OpenAllocation[] {
    return this.engine.handles.openAllocations();
  }

  /** @internal What a guarded arena has to report. */
  violations(): readonly string[] {
    const { handles } = this.engine;
    handles.inspect();
    return handles.violations;
  }

  /** Takes no new allocations from now on. Live handles stay valid. Doing it again does nothing. */
  close(): void {
    this.engine.close();
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.engine.closed;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What JSON shows: the metrics, never the memory. */
  toJSON(): BuddyArenaMetrics {
    return this.metrics();
  }

  /** @internal @param stride bytes between touches, or undefined for none */
  touchPages(stride: number | undefined): void {
    if (stride !== undefined) this.engine.touchPages(stride);
  }

  /** @internal A claimed block, or undefined when none is free. */
  protected claim(length: number): Allocation | undefined {
    const order = this.orderFor(length);
    return this.engine.claim(order, this.capacityFor(length, order));
  }

  /** @internal Order of the smallest block that holds `length` bytes. */
  protected orderFor(length: number): number {
    if (!(Number.isSafeInteger(length) && length > 0)) checkInteger(length, 'length', 1);
    if (length > this.totalSize) throw this.engine.refusal('REQUEST_TOO_LARGE');
    // Number of bits of the last unit's index: exact, as dividing by a power of two rounds nothing.
    return 32 - Math.clz32((length - 1) / this.minBlockSize);
  }

  /** @internal Visible bytes of a block of `order` that was asked for `length` bytes. */
  protected capacityFor(length: number, order: number): number {
    return this.capsCapacity ? length : this.minBlockSize * (1 << order);
  }
}

/** A {@link BuddyArena} built with `hazmatRawAccess()`. */
export class RawBuddyArena extends BuddyArena {
  /**
   * A block of at least `length` bytes with raw access.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError for no positive integer
   */
  rawAllocate(length: number): RawRegion {
    const { engine } = this;
    const record = engine.granted(this.claim(length));
    return engine.handles.region(record, engine.handles.site());
  }
}

/** A {@link BuddyArena} built with `buildAsync()`: one can wait for its blocks. */
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
   * A buffer over a block of at least `length` bytes, as soon as one is free. Requests of one size class are served in the
   * order of their coming; docs/waiting.md says how the classes compete.
   *
   * Rejects with AllocError REQUEST_TOO_LARGE (at once) or ARENA_CLOSED (also when it is closed meanwhile), the reason
   * of an aborted signal, a DOMException named TimeoutError, or TypeError or RangeError for bad arguments. The promise
   * does not keep a program running that has nothing else to do; a timeout does.
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

  /** As {@link BuddyArena.close}; those who wait are rejected with ARENA_CLOSED. */
  override close(): void {
    super.close();
    this.line.close();
  }
}

/** Counters of an {@link AsyncBuddyArena}. */
export interface AsyncBuddyArenaMetrics extends BuddyArenaMetrics, Readonly<WaitMetrics> {
  /** Bytes kept aside for a large request that waits: neither live nor to be had by others. */
  readonly bytesSetAside: number;
}

/** A {@link BuddyArena} of which every attached thread has an object of its own: one budget, and no lock. */
export class SharedBuddyArena extends AsyncBuddyArena {
  /** @internal This thread's part of it. */
  readonly thread: SharedThread;

  /** @internal */
  constructor(thread: SharedThread, line: WaitLine) {
    const { plan } = thread.tools.control;
    const { unit, units, alignment, capsCapacity } = plan;
    super(thread.engine, thread.engine, BuddyGeometry.of(unit * units, unit, alignment, capsCapacity), line);
    this.thread = thread;
  }

  /** What {@link reclaim} of another thread knows this thread by: the runtime's id where it has one. */
  get threadId(): number {
    return this.thread.threadId;
  }

  /** What another thread needs to attach; can be posted. @throws BuildError INVALID_HANDLE after {@link detach} */
  handle(): ArenaHandle<'buddy'> {
    return this.thread.handle() as ArenaHandle<'buddy'>;
  }

  /**
   * As {@link allocate}, but this thread sleeps until a block is free: for workers.
   * @param timeout ms, 0 to 2^31 - 1; without one it waits as long as it takes
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; a DOMException named TimeoutError; TypeError where the thread must not block
   */
  allocateBlocking(length: number, timeout?: number): ArenaBuffer {
    const order = this.orderFor(length);
    checkTimeout(timeout);
    const capacity = this.capacityFor(length, order);
    const { engine, sleeper } = this.thread;
    const record = claimBlocking(engine, sleeper, order, capacity, timeout);
    return engine.handles.buffer(record, engine.handles.site());
  }

  /**
   * The bytes that `toTicket()` was called on, perhaps in another thread; the ticket is used up.
   * @throws TypeError for what is no ticket of this arena; ReleasedError for one that was redeemed, or revoked by {@link reclaim};
   *   AllocError ARENA_CLOSED after {@link detach}
   */
  redeem(ticket: Ticket): Bytes {
    return this.thread.redeem(ticket);
  }

  /**
   * Returns all that a dead thread held of the arena: its allocations, what it was about to send, and its open tickets. The thread
   * must have ended; reclaiming a live one corrupts what it does.
   * @returns how many allocations it held; 0 for a thread that was not attached
   * @throws TypeError, RangeError unless it is the id of another thread
   */
  reclaim(threadId: number): number {
    return this.thread.reclaim(threadId);
  }

  /**
   * Reclaims what `worker` holds as soon as it exits, however it does. To be called while it runs. Not on Deno, where an exit is no
   * proof that the worker has ended: there it only warns.
   * @throws TypeError, RangeError unless it is a running worker
   */
  watch(worker: WatchedWorker): void {
    this.thread.watch(worker);
  }

  /**
   * Leaves the arena in this thread: nothing can be allocated, sent, received or redeemed here any more, and who waits here is rejected
   * with ARENA_CLOSED. Live handles stay valid; when the last is released the arena can be attached by another thread.
   */
  detach(): void {
    this.thread.detach(() => this.line.close());
  }
}

/** A {@link SharedBuddyArena} built with `hazmatRawAccess()`. */
export class RawSharedBuddyArena extends SharedBuddyArena {
  /**
   * A block of at least `length` bytes with raw access.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED; TypeError, RangeError for no positive integer
   */
  rawAllocate(length: number): RawRegion {
    const { engine } = this;
    const record = engine.granted(this.claim(length));
    return engine.handles.region(record, engine.handles.site());
  }
}

function sharedBuddyArena(thread: SharedThread, waiters: BuddyWaiter, listensAlways: boolean): SharedBuddyArena {
  const line = new WaitLine(thread.engine, waiters, listensAlways);
  line.askOf(new LineFeeder(thread.engine, line, thread.sleeper));
  const Arena = thread.tools.control.plan.raw ? RawSharedBuddyArena : SharedBuddyArena;
  const arena = new Arena(thread, line);
  thread.register(arena);
  return arena;
}

/** Collects the options of a {@link BuddyArena}. Options are checked when set, sizes when building. */
export class BuddyArenaBuilder<
  Mode extends BuilderMode = 'standard',
  Shared extends Sharing = 'plain',
> extends ArenaOptions<Mode, Shared> {
  private readonly plan: Plan;

  private constructor(plan: Plan) {
    super();
    this.plan = plan;
  }

  /** @internal */
  static over(plan: Plan): BuddyArenaBuilder {
    return new BuddyArenaBuilder(plan);
  }

  /**
   * Puts all memory and all state of the arena into SharedArrayBuffers, for other threads to `attach` to.
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

  /**
   * Builds the arena and touches its pages.
   * @throws BuildError SIZE_OVERFLOW, INVALID_GEOMETRY when the alignment exceeds the blocks of an `exact` shape; for
   *   memory of the caller's ZERO_USABLE_SLOTS, INVALID_BACKING when an arena was built over it already
   */
  build(): BuddyArenaOf<Mode, Shared> {
    const { layout, geometry } = this.resolve();
    return this.prefaulted(this.arenaOver(layout, geometry), layout);
  }

  /** Builds the arena without touching its pages. @throws BuildError as {@link build} */
  buildUnfaulted(): Unfaulted<BuddyArenaOf<Mode, Shared>> {
    const { layout, geometry } = this.resolve();
    const stride = this.pageStride(layout.owned ? PageSize.Auto : PageSize.Unknown);
    const arena = this.arenaOver(layout, geometry);
    return Unfaulted.over(arena, () => arena.touchPages(stride));
  }

  /** As {@link build}, an arena that can be waited for: `allocateAsync(length)`. Not with raw access. */
  buildAsync(this: BuddyArenaBuilder<'standard' | 'spill', Shared>): AsyncBuddyArenaOf<Shared> {
    return this.asyncArena(new NotifyWaiters(), false);
  }

  /**
   * As {@link buildAsync}, with `waiters` to say who is served next. It is woken by every release that leaves a free block.
   * @throws TypeError unless it has `register` and `wake`
   */
  buildAsyncWith(
    this: BuddyArenaBuilder<'standard' | 'spill', Shared>,
    waiters: BuddyWaiter,
  ): AsyncBuddyArenaOf<Shared> {
    return this.asyncArena(checkStrategy(waiters), true);
  }

  private asyncArena(waiters: BuddyWaiter, listensAlways: boolean): AsyncBuddyArenaOf<Shared> {
    this.checkWaitable();
    const { layout, geometry } = this.resolve();
    const arena = this.waitingArena(layout, geometry, waiters, listensAlways);
    return this.prefaulted(arena, layout) as AsyncBuddyArenaOf<Shared>;
  }

  private waitingArena(
    layout: Layout,
    geometry: BuddyGeometry,
    waiters: BuddyWaiter,
    listensAlways: boolean,
  ): AsyncBuddyArena {
    if (this.maxThreads > 0) return sharedBuddyArena(this.share(layout, geometry), waiters, listensAlways);
    const blocks = new BuddyBlocks(geometry.maxOrder);
    const engine = this.engineFor(layout, blocks);
    const line = new WaitLine(engine, waiters, listensAlways, (order) =>
      Reservation.best(blocks, order, geometry.maxOrder, engine.pinnedBlocks),
    );
    return AsyncBuddyArena.waitingIn(line, engine, blocks, geometry);
  }

  private engineFor(layout: Layout, blocks: BuddyBlocks): Engine {
    const engine = new Engine(engineOptions(layout, blocks, this.scrubs, this.spills));
    fasten(engine, this.nets);
    return engine;
  }

  private resolve(): ReturnType<Plan> {
    const plan = this.plan(this.alignmentBytes, this.placement);
    this.checkPlacement(plan.layout);
    return plan;
  }

  private share(layout: Layout, { maxOrder, alignment, capsCapacity }: BuddyGeometry): SharedThread {
    const { zeroes, spills, raw, maxThreads } = this;
    const { onLeak, leakDetection, guarded } = this.nets;
    const shape = { kind: BUDDY, maxOrder, alignment, capsCapacity } as const;
    return shareLayout(layout, { ...shape, maxThreads, zeroes, spills, raw, leakDetection, guarded }, onLeak);
  }

  private arenaOver(layout: Layout, geometry: BuddyGeometry): BuddyArenaOf<Mode, Shared> {
    return this.plainOrShared(layout, geometry) as BuddyArenaOf<Mode, Shared>;
  }

  private plainOrShared(layout: Layout, geometry: BuddyGeometry): BuddyArena {
    if (this.maxThreads > 0) return sharedBuddyArena(this.share(layout, geometry), new NotifyWaiters(), false);
    const blocks = new BuddyBlocks(geometry.maxOrder);
    const engine = this.engineFor(layout, blocks);
    const Arena = this.raw ? RawBuddyArena : BuddyArena;
    return Arena.over(engine, blocks, geometry);
  }
}

function checkOrder({ maxOrder, minBlockSize }: BuddyGeometry): void {
  if (maxOrder > MAX_ORDER) {
    throw new BuildError('SIZE_OVERFLOW', `more than ${2 ** MAX_ORDER} blocks of ${minBlockSize} bytes`);
  }
}

function ownLayout(geometry: BuddyGeometry, placement: Placement): Layout {
  checkOrder(geometry);
  const { totalSize, minBlockSize } = geometry;
  const memory = ownMemory(totalSize, placement);
  return { memory, base: 0, unit: minBlockSize, units: totalSize / minBlockSize, owned: true, dealloc: undefined };
}
