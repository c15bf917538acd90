import { checkInteger, describe } from '../base/check.js';
import { BuildError } from '../base/errors.js';
import type { BuilderMode, Placement, Sharing } from '../base/modes.js';
import { FreeBitmap, MAX_ENTRIES } from '../blocks/free-bitmap.js';
import { alignUp, checkSize } from '../blocks/geometry.js';
import type { ArenaMetrics, Engine } from '../engine/engine.js';
import { IsolatedEngine } from '../engine/isolated-engine.js';
import type { OpenAllocation } from '../engine/leaks.js';
import { SlotEngine } from '../engine/slot-engine.js';
import type { Allocation } from '../handles/allocation.js';
import type { ArenaBuffer, Bytes } from '../handles/handles.js';
import type { RawRegion } from '../handles/raw-region.js';
import type { Ticket } from '../handles/tickets.js';
import { inspectAs } from '../memory/inspect.js';
import { fasten } from '../nets/nets.js';
import { type ArenaHandle, openHandle } from '../shared/arena-handle.js';
import { FIXED } from '../shared/control.js';
import { SharedThread, type WatchedWorker } from '../shared/thread.js';
import { claimBlocking, LineFeeder } from '../shared/waiting.js';
import { NotifyWaiters } from '../waiting/notify-waiters.js';
import { WaitLine, type WaitMetrics } from '../waiting/wait-line.js';
import { checkTimeout, type WaitOptions } from '../waiting/wait-options.js';
import { checkStrategy, type Waiter } from '../waiting/wait-strategy.js';
import { alignedBacking, type BackingMemory, backingMemory, ownMemory, SlotSpec } from './backing.js';
import { boundDealloc, engineOptions, type Layout, shareLayout, takenOnce } from './layout.js';
import { ArenaOptions, PageSize, type SharedOptions } from './options.js';
import { Unfaulted } from './unfaulted.js';

/** What a {@link FixedArenaBuilder} builds. */
export type FixedArenaOf<Mode extends BuilderMode, Shared extends Sharing = 'plain'> = Shared extends 'shared'
  ? SharedFixedArenaOf<Mode>
  : Mode extends 'raw'
    ? RawFixedArena
    : FixedArena;

/** What attaching to a shared arena gives. */
export type SharedFixedArenaOf<Mode extends BuilderMode> = Mode extends 'raw' ? RawSharedFixedArena : SharedFixedArena;

/**
 * An arena of equal slots: the fast path, for work that one slot size covers.
 *
 * Claiming and releasing a slot takes the same few operations however many slots there are and however full it is.
 */
export class FixedArena {
  /** Number of slots. */
  readonly slotCount: number;
  /** Bytes of each slot. */
  readonly slotCapacity: number;
  /** @internal */
  protected readonly engine: Engine;

  static {
    inspectAs(FixedArena.prototype, function () {
      const used = this.metrics().bytesLive / this.slotCapacity;
      return `FixedArena(${used}/${this.slotCount} slots of ${this.slotCapacity} bytes in use)`;
    });
  }

  protected constructor(engine: Engine, slotCount: number, slotCapacity: number) {
    this.engine = engine;
    this.slotCount = slotCount;
    this.slotCapacity = slotCapacity;
  }

  /** @internal An arena of the class that this is called on. */
  static over(engine: Engine, slotCount: number, slotCapacity: number): FixedArena {
    return new this(engine, slotCount, slotCapacity);
  }

  /**
   * A builder for `slotCount` slots of `slotCapacity` bytes, rounded up to the alignment.
   * @throws TypeError, RangeError unless both are positive integers
   */
  static withSlotCapacity(slotCount: number, slotCapacity: number): FixedArenaBuilder {
    checkInteger(slotCount, 'slotCount', 1);
    checkInteger(slotCapacity, 'slotCapacity', 1);
    return FixedArenaBuilder.over((alignment, placement) => ownLayout(slotCount, slotCapacity, alignment, placement));
  }

  /**
   * A builder for `slotCount` slots that together hold at least `arenaCapacity` bytes.
   * @throws TypeError, RangeError unless both are positive integers
   */
  static withArenaCapacity(slotCount: number, arenaCapacity: number): FixedArenaBuilder {
    checkInteger(slotCount, 'slotCount', 1);
    checkInteger(arenaCapacity, 'arenaCapacity', 1);
    return FixedArena.withSlotCapacity(slotCount, Math.ceil(arenaCapacity / slotCount));
  }

  /**
   * A builder for one arena over `memory` of the caller's, which nobody else may use meanwhile. Building writes
   * nothing; bytes that make no whole aligned slot are left alone.
   * @param memory a buffer (all of it), a view (its window) or a WebAssembly.Memory (as large as it is now; it may grow)
   * @param dealloc called once with `memory`, after `close()` and after the last handle is gone
   * @throws TypeError for arguments of other types, BuildError INVALID_BACKING when the memory is detached
   */
  static fromRaw<Source extends BackingMemory>(
    memory: Source,
    spec: SlotSpec,
    dealloc?: (memory: Source) => void,
  ): FixedArenaBuilder {
    if (!(spec instanceof SlotSpec)) throw new TypeError(`spec must be a SlotSpec, got ${describe(spec)}`);
    const backing = backingMemory(memory);
    const bound = boundDealloc(memory, dealloc);
    return FixedArenaBuilder.over(
      takenOnce(backing, (alignment) => {
        const { base, available } = alignedBacking(backing, alignment);
        const { slotCount, slotCapacity } = spec.resolve(available, alignment);
        checkSlotCount(slotCount);
        return { memory: backing, base, unit: slotCapacity, units: slotCount, owned: false, dealloc: bound };
      }),
    );
  }

  /**
   * The shared arena that `handle` is of, in this thread. Attaching it again in one thread gives the same arena.
   * @throws BuildError INVALID_HANDLE for what is none of this version, or damaged; TOO_MANY_THREADS; TypeError for no object
   */
  static attach<Mode extends BuilderMode>(handle: ArenaHandle<'fixed', Mode>): SharedFixedArenaOf<Mode> {
    const { control, memory } = openHandle(handle, 'fixed');
    const known = SharedThread.arenaOf(control);
    if (known instanceof SharedFixedArena) return known as SharedFixedArenaOf<Mode>;
    return sharedFixedArena(SharedThread.join(control, memory), new NotifyWaiters(), false) as SharedFixedArenaOf<Mode>;
  }

  /**
   * A buffer over a free slot. With `length`, one that can hold that many bytes.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  allocate(length?: number): ArenaBuffer {
    const { engine } = this;
    const record = engine.granted(this.claim(length));
    return engine.handles.buffer(record, engine.handles.site());
  }

  /**
   * As {@link allocate}, but undefined when no slot is free.
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  tryAllocate(length?: number): ArenaBuffer | undefined {
    const slot = this.claim(length);
    if (slot === undefined) return undefined;
    const { handles } = this.engine;
    return handles.buffer(slot, handles.site());
  }

  /** The counters as they are now, frozen. */
  metrics(): FixedArenaMetrics {
    return Object.freeze(this.engine.metrics());
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
  toJSON(): FixedArenaMetrics {
    return this.metrics();
  }

  /** @internal @param stride bytes between touches, or undefined for none */
  touchPages(stride: number | undefined): void {
    if (stride !== undefined) this.engine.touchPages(stride);
  }

  /** @internal A claimed slot, or undefined when none is free. */
  protected claim(length: number | undefined): Allocation | undefined {
    if (length !== undefined) this.checkLength(length);
    return this.engine.claim(0, this.slotCapacity);
  }

  /** @internal */
  protected checkLength(length: number): void {
    if (!(Number.isSafeInteger(length) && length > 0)) checkInteger(length, 'length', 1);
    if (length > this.slotCapacity) throw this.engine.refusal('REQUEST_TOO_LARGE');
  }
}

/** Counters of a {@link FixedArena}. */
export type FixedArenaMetrics = Readonly<ArenaMetrics>;

/** A {@link FixedArena} built with `hazmatRawAccess()`. */
export class RawFixedArena extends FixedArena {
  /**
   * A free slot with raw access.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  rawAllocate(length?: number): RawRegion {
    const { engine } = this;
    const record = engine.granted(this.claim(length));
    return engine.handles.region(record, engine.handles.site());
  }
}

/** A {@link FixedArena} built with `buildAsync()`: one can wait for its slots. */
export class AsyncFixedArena extends FixedArena {
  /** @internal */
  readonly line: WaitLine;

  protected constructor(engine: Engine, slotCount: number, slotCapacity: number, line: WaitLine) {
    super(engine, slotCount, slotCapacity);
    this.line = line;
  }

  /** @internal */
  static waitingIn(line: WaitLine, engine: Engine, slotCount: number, slotCapacity: number): AsyncFixedArena {
    return new AsyncFixedArena(engine, slotCount, slotCapacity, line);
  }

  /**
   * A buffer over a slot, as soon as one is free; first come, first served.
   *
   * Rejects with AllocError REQUEST_TOO_LARGE (at once) or ARENA_CLOSED (also when it is closed meanwhile), the reason
   * of an aborted signal, a DOMException named TimeoutError, or TypeError or RangeError for bad arguments. The promise
   * does not keep a program running that has nothing else to do; a timeout does.
   */
  allocateAsync(options?: WaitOptions): Promise<ArenaBuffer>;
  /** As above, for a buffer that can hold `length` bytes. */
  allocateAsync(length: number | undefined, options?: WaitOptions): Promise<ArenaBuffer>;
  allocateAsync(first?: number | WaitOptions, second?: WaitOptions): Promise<ArenaBuffer> {
    const [length, options] = typeof first === 'object' ? [undefined, first] : [first, second];
    try {
      if (length !== undefined) this.checkLength(length);
      return this.line.allocate(0, this.slotCapacity, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  override metrics(): AsyncFixedArenaMetrics {
    return Object.freeze({ ...super.metrics(), ...this.line.metrics() });
  }

  /** As {@link FixedArena.close}; those who wait are rejected with ARENA_CLOSED. */
  override close(): void {
    super.close();
    this.line.close();
  }
}

/** Counters of an {@link AsyncFixedArena}. */
export type AsyncFixedArenaMetrics = FixedArenaMetrics & Readonly<WaitMetrics>;

/** A {@link FixedArena} of which every attached thread has an object of its own: one budget, and no lock. */
export class SharedFixedArena extends AsyncFixedArena {
  /** @internal This thread's part of it. */
  readonly thread: SharedThread;

  /** @internal */
  constructor(thread: SharedThread, line: WaitLine) {
    const { plan } = thread.tools.control;
    super(thread.engine, plan.units, plan.unit, line);
    this.thread = thread;
  }

  /** What {@link reclaim} of another thread knows this thread by: the runtime's id where it has one. */
  get threadId(): number {
    return this.thread.threadId;
  }

  /** What another thread needs to attach; can be posted. @throws BuildError INVALID_HANDLE after {@link detach} */
  handle(): ArenaHandle<'fixed'> {
    return this.thread.handle() as ArenaHandle<'fixed'>;
  }

  /**
   * As {@link allocate}, but this thread sleeps until a slot is free: for workers.
   * @param timeout ms, 0 to 2^31 - 1; without one it waits as long as it takes
   * @throws AllocError ARENA_CLOSED; a DOMException named TimeoutError; TypeError where the thread must not block
   */
  allocateBlocking(timeout?: number): ArenaBuffer {
    checkTimeout(timeout);
    const { engine, sleeper } = this.thread;
    const record = claimBlocking(engine, sleeper, 0, this.slotCapacity, timeout);
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

/** A {@link SharedFixedArena} built with `hazmatRawAccess()`. */
export class RawSharedFixedArena extends SharedFixedArena {
  /**
   * A free slot with raw access.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  rawAllocate(length?: number): RawRegion {
    const { engine } = this;
    const record = engine.granted(this.claim(length));
    return engine.handles.region(record, engine.handles.site());
  }
}

function sharedFixedArena(thread: SharedThread, waiters: Waiter, listensAlways: boolean): SharedFixedArena {
  const line = new WaitLine(thread.engine, waiters, listensAlways);
  line.askOf(new LineFeeder(thread.engine, line, thread.sleeper));
  const Arena = thread.tools.control.plan.raw ? RawSharedFixedArena : SharedFixedArena;
  const arena = new Arena(thread, line);
  thread.register(arena);
  return arena;
}

/** Makes the layout of an arena for an alignment in bytes. */
type LayoutPlan = (alignment: number, placement: Placement) => Layout;

/** Collects the options of a {@link FixedArena}. Options are checked when set, sizes when building. */
export class FixedArenaBuilder<
  Mode extends BuilderMode = 'standard',
  Shared extends Sharing = 'plain',
> extends ArenaOptions<Mode, Shared> {
  private readonly layout: LayoutPlan;

  private constructor(layout: LayoutPlan) {
    super();
    this.layout = layout;
  }

  /** @internal */
  static over(layout: LayoutPlan): FixedArenaBuilder {
    return new FixedArenaBuilder(layout);
  }

  /**
   * Puts all memory and all state of the arena into SharedArrayBuffers, for other threads to `attach` to.
   * @throws TypeError, RangeError unless `maxThreads` is an integer from 1 to 1024
   */
  shared(options: SharedOptions): FixedArenaBuilder<Mode, 'shared'> {
    this.setShared(options);
    return this as FixedArenaBuilder<Mode, Sharing> as FixedArenaBuilder<Mode, 'shared'>;
  }

  /**
   * Makes every slot an ArrayBuffer of its own, at its first use, and keeps it for reuse. A view keeps its buffer alive, so the
   * collector knows exactly when nobody can use a forgotten slot any more: it is always reclaimed, with a new buffer, and never
   * pinned. About 0.6 KB more memory for each slot that was used. With `shared()` or `fromRaw` building
   * throws INCOMPATIBLE_OPTIONS.
   *
   * `build()` touches no page; `buildUnfaulted().faultPages()` makes and touches all slots. When the runtime has no memory for a new
   * slot, `allocate` and `allocateAsync` fail with ARENA_FULL and its error as the `cause`, and `tryAllocate` finds none.
   */
  isolated(): this {
    this.isolates = true;
    return this;
  }

  /** A buffer that is full moves to the heap and returns its slot, instead of throwing `BufferFullError`. */
  autoSpill(this: FixedArenaBuilder<'standard', Shared>): FixedArenaBuilder<'spill', Shared> {
    this.setMode('spills');
    return this as FixedArenaBuilder<BuilderMode, Shared> as FixedArenaBuilder<'spill', Shared>;
  }

  /** Adds `rawAllocate()`: memory without a cursor. */
  hazmatRawAccess(this: FixedArenaBuilder<'standard', Shared>): FixedArenaBuilder<'raw', Shared> {
    this.setMode('raw');
    return this as FixedArenaBuilder<BuilderMode, Shared> as FixedArenaBuilder<'raw', Shared>;
  }

  /**
   * Builds the arena and touches its pages.
   * @throws BuildError SIZE_OVERFLOW, or for memory of the caller's SLOT_SIZE_EXCEEDS_BACKING, ZERO_USABLE_SLOTS,
   *   INVALID_BACKING when an arena was built over it already
   */
  build(): FixedArenaOf<Mode, Shared> {
    const layout = this.resolve();
    return this.prefaulted(this.arenaOver(layout), layout);
  }

  /** Builds the arena without touching its pages. @throws BuildError as {@link build} */
  buildUnfaulted(): Unfaulted<FixedArenaOf<Mode, Shared>> {
    const layout = this.resolve();
    const stride = this.pageStride(layout.owned ? PageSize.Auto : PageSize.Unknown);
    const arena = this.arenaOver(layout);
    return Unfaulted.over(arena, () => arena.touchPages(stride));
  }

  /** As {@link build}, an arena that can be waited for: `allocateAsync()`. Not with raw access. */
  buildAsync(this: FixedArenaBuilder<'standard' | 'spill', Shared>): AsyncFixedArenaOf<Shared> {
    return this.asyncArena(new NotifyWaiters(), false);
  }

  /**
   * As {@link buildAsync}, with `waiters` to say who is served next. It is woken by every release that leaves a free block.
   * @throws TypeError unless it has `register` and `wake`
   */
  buildAsyncWith(this: FixedArenaBuilder<'standard' | 'spill', Shared>, waiters: Waiter): AsyncFixedArenaOf<Shared> {
    return this.asyncArena(checkStrategy(waiters), true);
  }

  private asyncArena(waiters: Waiter, listensAlways: boolean): AsyncFixedArenaOf<Shared> {
    this.checkWaitable();
    const layout = this.resolve();
    const arena = this.waitingArena(layout, waiters, listensAlways);
    return this.prefaulted(arena, layout) as AsyncFixedArenaOf<Shared>;
  }

  private waitingArena(layout: Layout, waiters: Waiter, listensAlways: boolean): AsyncFixedArena {
    if (this.maxThreads > 0) return sharedFixedArena(this.share(layout), waiters, listensAlways);
    const engine = this.engineFor(layout);
    return AsyncFixedArena.waitingIn(new WaitLine(engine, waiters, listensAlways), engine, layout.units, layout.unit);
  }

  private resolve(): Layout {
    const layout = this.layout(this.alignmentBytes, this.placement);
    this.checkPlacement(layout);
    return layout;
  }

  private engineFor(layout: Layout): Engine {
    const options = engineOptions(layout, FreeBitmap.full(layout.units), this.scrubs, this.spills);
    // Guarded allocations have memory of their own anyway.
    const engine = this.isolates && !this.nets.guarded ? new IsolatedEngine(options) : new SlotEngine(options);
    fasten(engine, this.nets);
    return engine;
  }

  private share(layout: Layout): SharedThread {
    const { zeroes, spills, raw, maxThreads, alignmentBytes: alignment } = this;
    const { onLeak, leakDetection, guarded } = this.nets;
    const shape = { kind: FIXED, maxOrder: 0, alignment, capsCapacity: false } as const;
    return shareLayout(layout, { ...shape, maxThreads, zeroes, spills, raw, leakDetection, guarded }, onLeak);
  }

  private arenaOver(layout: Layout): FixedArenaOf<Mode, Shared> {
    return this.plainOrShared(layout) as FixedArenaOf<Mode, Shared>;
  }

  private plainOrShared(layout: Layout): FixedArena {
    if (this.maxThreads > 0) return sharedFixedArena(this.share(layout), new NotifyWaiters(), false);
    const engine = this.engineFor(layout);
    const Arena = this.raw ? RawFixedArena : FixedArena;
    return Arena.over(engine, layout.units, layout.unit);
  }
}

/** What `buildAsync()` gives. */
export type AsyncFixedArenaOf<Shared extends Sharing> = Shared extends 'shared' ? SharedFixedArena : AsyncFixedArena;

function checkSlotCount(slotCount: number): void {
  if (slotCount > MAX_ENTRIES) throw new BuildError('SIZE_OVERFLOW', `more than ${MAX_ENTRIES} slots`);
}

function ownLayout(slotCount: number, slotCapacity: number, alignment: number, placement: Placement): Layout {
  checkSlotCount(slotCount);
  const unit = alignUp(slotCapacity, alignment);
  const total = checkSize(unit * slotCount);
  return { memory: ownMemory(total, placement), base: 0, unit, units: slotCount, owned: true, dealloc: undefined };
}
