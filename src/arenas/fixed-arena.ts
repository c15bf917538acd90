import { checkInteger, describe } from '../base/check.js';
import { BuildError } from '../base/errors.js';
import type { BuilderMode, Placement, Sharing } from '../base/modes.js';
import { FreeBitmap, MAX_ENTRIES } from '../blocks/free-bitmap.js';
import { alignUp, checkSize } from '../blocks/geometry.js';
import type { ArenaMetrics, Engine } from '../engine/engine.js';
import { IsolatedEngine } from '../engine/isolated-engine.js';
import { SlotEngine } from '../engine/slot-engine.js';
import type { Allocation, Shelf } from '../handles/allocation.js';
import { ArenaBuffer, type Bytes } from '../handles/handles.js';
import type { RawRegion } from '../handles/raw-region.js';
import type { Ticket } from '../handles/tickets.js';
import { inspectAs } from '../memory/inspect.js';
import { type ArenaHandle, type ArenaKindName, type HandleOf, openHandle } from '../shared/arena-handle.js';
import { FIXED } from '../shared/control.js';
import { SharedThread, type WatchedWorker } from '../shared/thread.js';
import { claimBlocking } from '../shared/waiting.js';
import { NotifyWaiters } from '../waiting/notify-waiters.js';
import type { WaitLine, WaitMetrics } from '../waiting/wait-line.js';
import { checkTimeout, type WaitOptions } from '../waiting/wait-options.js';
import type { Waiter } from '../waiting/wait-strategy.js';
import { Arena, arenaInThread, type ThreadMembers } from './arena.js';
import { alignedBacking, type BackingMemory, backingMemory, ownMemory, SlotSpec } from './backing.js';
import { ArenaBuilder } from './builder.js';
import { boundDealloc, engineOptions, type Layout, takenOnce } from './layout.js';
import type { SharedOptions } from './options.js';

/** What a {@link FixedArenaBuilder} builds. */
export type FixedArenaOf<Mode extends BuilderMode, Shared extends Sharing = 'plain'> = Shared extends 'shared'
  ? SharedFixedArenaOf<Mode>
  : Mode extends 'raw'
    ? RawFixedArena
    : FixedArena;

/** What attaching to a shared arena gives. */
export type SharedFixedArenaOf<Mode extends BuilderMode> = Mode extends 'raw' ? RawSharedFixedArena : SharedFixedArena;

/** What `buildAsync()` gives. */
export type AsyncFixedArenaOf<Shared extends Sharing> = Shared extends 'shared' ? SharedFixedArena : AsyncFixedArena;

/**
 * An arena of slots of one size. It is the fast path, for work that one slot size covers.
 *
 * To claim or release a slot takes the same few operations for any number of slots, empty or full.
 */
export class FixedArena extends Arena {
  /** Number of slots. */
  readonly slotCount: number;
  /** Bytes of each slot. */
  readonly slotCapacity: number;
  /** @internal */
  readonly shelf: Shelf;

  static {
    inspectAs(FixedArena.prototype, function () {
      const used = this.metrics().bytesLive / this.slotCapacity;
      return `FixedArena(${used}/${this.slotCount} slots of ${this.slotCapacity} bytes in use)`;
    });
  }

  protected constructor(engine: Engine, slotCount: number, slotCapacity: number) {
    super(engine);
    this.slotCount = slotCount;
    this.slotCapacity = slotCapacity;
    this.shelf = engine.shelf;
  }

  /** @internal An arena of the class that this is called on. */
  static over(engine: Engine, { units, unit }: Layout): FixedArena {
    return new this(engine, units, unit);
  }

  /**
   * A builder for `slotCount` slots of `slotCapacity` bytes. The capacity is rounded up to the alignment.
   * @throws TypeError, RangeError unless both are positive integers
   */
  static withSlotCapacity(slotCount: number, slotCapacity: number): FixedArenaBuilder {
    checkInteger(slotCount, 'slotCount', 1);
    checkInteger(slotCapacity, 'slotCapacity', 1);
    return FixedArenaBuilder.over((alignment, placement) => ownLayout(slotCount, slotCapacity, alignment, placement));
  }

  /**
   * A builder for `slotCount` slots that hold at least `arenaCapacity` bytes together.
   * @throws TypeError, RangeError unless both are positive integers
   */
  static withArenaCapacity(slotCount: number, arenaCapacity: number): FixedArenaBuilder {
    checkInteger(slotCount, 'slotCount', 1);
    checkInteger(arenaCapacity, 'arenaCapacity', 1);
    return FixedArena.withSlotCapacity(slotCount, Math.ceil(arenaCapacity / slotCount));
  }

  /**
   * A builder for one arena over memory that you provide. Nobody else may use the memory meanwhile. Building writes
   * nothing. Bytes that do not make a whole aligned slot are left alone.
   * @param memory a buffer (all of it), a view (its window) or a WebAssembly.Memory (its size now; it may grow)
   * @param dealloc called once with `memory`, after `close()` and after the last handle is gone
   * @throws TypeError for arguments of other types; BuildError INVALID_BACKING when the memory is detached
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
   * The shared arena of `handle`, in this thread. A second call in the same thread returns the same arena.
   * @throws BuildError INVALID_HANDLE for a handle that is damaged or of another version; BuildError TOO_MANY_THREADS;
   *   TypeError for a value that is no object
   */
  static attach<Mode extends BuilderMode, Kind extends ArenaKindName>(
    handle: ArenaHandle<Kind, Mode> & HandleOf<'fixed', Kind>,
  ): SharedFixedArenaOf<Mode> {
    const { control, memory } = openHandle(handle, 'fixed');
    const known = SharedThread.arenaOf(control);
    const arena =
      known instanceof SharedFixedArena
        ? known
        : sharedFixedArena(SharedThread.join(control, memory), new NotifyWaiters(), false);
    return arena as SharedFixedArenaOf<Mode>;
  }

  /**
   * A buffer over a free slot. With `length`, it has room for that many bytes.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  allocate(length?: number): ArenaBuffer {
    const { shelf } = this;
    if (length === undefined && shelf.isDirect && shelf.count > 0) return ArenaBuffer.over(shelf.take());
    return this.allocateByEngine(length);
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

  /** @internal As {@link tryAllocate}, but a full arena does not count as a failure. @throws AllocError */
  allocateNow(length: number): ArenaBuffer | undefined {
    const { shelf, engine } = this;
    this.checkLength(length);
    if (shelf.isDirect && shelf.count > 0) return ArenaBuffer.over(shelf.take());
    const record = engine.claimOrWait(0, this.slotCapacity);
    return record && engine.handles.buffer(record, engine.handles.site());
  }

  override metrics(): FixedArenaMetrics {
    return Object.freeze(this.engine.metrics());
  }

  /**
   * Apart from {@link allocate}, where it would use up what V8 is willing to inline: a round trip took 23.5 ns, and takes
   * 14.5 so (`net/1/plain`, Node 20, one machine).
   */
  private allocateByEngine(length: number | undefined): ArenaBuffer {
    const { engine } = this;
    const record = engine.granted(this.claim(length), length ?? this.slotCapacity);
    return engine.handles.buffer(record, engine.handles.site());
  }

  /** @internal A claimed slot, or undefined when none is free. */
  protected claim(length: number | undefined): Allocation | undefined {
    if (length !== undefined) this.checkLength(length);
    return this.engine.claim(0, this.slotCapacity);
  }

  /** @internal A claimed slot with raw access. */
  protected claimRegion(length: number | undefined): RawRegion {
    const { engine } = this;
    const record = engine.granted(this.claim(length), length ?? this.slotCapacity);
    return engine.handles.region(record, engine.handles.site());
  }

  /** @internal */
  protected checkLength(length: number): void {
    if (!(Number.isSafeInteger(length) && length > 0)) checkInteger(length, 'length', 1);
    if (length > this.slotCapacity) throw this.engine.refusal('REQUEST_TOO_LARGE', length);
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
    return this.claimRegion(length);
  }
}

/** A {@link FixedArena} built with `buildAsync()`: a program can wait for its slots. */
export class AsyncFixedArena extends FixedArena {
  /** @internal */
  readonly line: WaitLine;

  protected constructor(engine: Engine, slotCount: number, slotCapacity: number, line: WaitLine) {
    super(engine, slotCount, slotCapacity);
    this.line = line;
  }

  /** @internal */
  static waitingIn(line: WaitLine, engine: Engine, { units, unit }: Layout): AsyncFixedArena {
    return new AsyncFixedArena(engine, units, unit, line);
  }

  /**
   * A buffer over a slot, as soon as one is free. Requests are served in the order of arrival.
   *
   * Rejects with AllocError REQUEST_TOO_LARGE at once; with AllocError ARENA_CLOSED, also when the arena is closed
   * during the wait; with the reason of an aborted signal; with a DOMException named TimeoutError; with TypeError or
   * RangeError for bad arguments. The promise alone does not keep the process running; a timeout does.
   */
  allocateAsync(options?: WaitOptions): Promise<ArenaBuffer>;
  /** As above, for a buffer with room for `length` bytes. */
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

  /** As {@link FixedArena.close}. Requests that wait are rejected with ARENA_CLOSED. */
  override close(): void {
    super.close();
    this.line.close();
  }
}

/** Counters of an {@link AsyncFixedArena}. */
export type AsyncFixedArenaMetrics = FixedArenaMetrics & Readonly<WaitMetrics>;

/**
 * A {@link FixedArena} that several threads share, on one budget and without locks. Each thread has an object of its
 * own.
 */
export class SharedFixedArena extends AsyncFixedArena implements ThreadMembers {
  /** @internal This thread's part of the arena. */
  readonly thread: SharedThread;

  /** @internal */
  constructor(thread: SharedThread, line: WaitLine) {
    const { plan } = thread.tools.control;
    super(thread.engine, plan.units, plan.unit, line);
    this.thread = thread;
  }

  get threadId(): number {
    return this.thread.threadId;
  }

  /** What another thread needs to attach. It can be posted. @throws BuildError INVALID_HANDLE after {@link detach} */
  handle(): ArenaHandle<'fixed'> {
    return this.thread.handle() as ArenaHandle<'fixed'>;
  }

  /**
   * As {@link allocate}, but this thread sleeps until a slot is free. For workers.
   * @param timeout ms, 0 to 2^31 - 1; the default is to wait for ever
   * @throws AllocError ARENA_CLOSED; a DOMException named TimeoutError; TypeError where the thread must not block
   */
  allocateBlocking(timeout?: number): ArenaBuffer {
    checkTimeout(timeout);
    const { engine, sleeper } = this.thread;
    const record = claimBlocking(engine, sleeper, 0, this.slotCapacity, timeout);
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

/** A {@link SharedFixedArena} built with `hazmatRawAccess()`. */
export class RawSharedFixedArena extends SharedFixedArena {
  /**
   * A free slot with raw access.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  rawAllocate(length?: number): RawRegion {
    return this.claimRegion(length);
  }
}

function sharedFixedArena(thread: SharedThread, waiters: Waiter, listensAlways: boolean): SharedFixedArena {
  const Shared = thread.tools.control.plan.raw ? RawSharedFixedArena : SharedFixedArena;
  return arenaInThread(Shared, thread, waiters, listensAlways);
}

/** Makes the layout of an arena for an alignment in bytes. */
type LayoutPlan = (alignment: number, placement: Placement) => Layout;

/** Collects the options of a {@link FixedArena}. An option is checked when it is set; sizes are checked by `build`. */
export class FixedArenaBuilder<
  Mode extends BuilderMode = 'standard',
  Shared extends Sharing = 'plain',
> extends ArenaBuilder<Mode, Shared, Layout, Waiter, FixedArenaOf<Mode, Shared>, AsyncFixedArenaOf<Shared>> {
  /** @internal */
  static over(plan: LayoutPlan): FixedArenaBuilder {
    return new FixedArenaBuilder(plan);
  }

  /**
   * Puts all memory and all state of the arena into SharedArrayBuffers, so that other threads can attach to it.
   * @throws TypeError, RangeError unless `maxThreads` is an integer from 1 to 1024
   */
  shared(options: SharedOptions): FixedArenaBuilder<Mode, 'shared'> {
    this.setShared(options);
    return this as FixedArenaBuilder<Mode, Sharing> as FixedArenaBuilder<Mode, 'shared'>;
  }

  /**
   * Gives every slot an ArrayBuffer of its own, made at the slot's first use and kept for reuse. Every view keeps that
   * buffer alive, so the collector knows when nobody can reach a forgotten slot any more. The slot is then always
   * reclaimed, with a new buffer, and never pinned. Each slot in use costs about 0.6 KB more. `shared()` and `fromRaw`
   * exclude it: `build` throws INCOMPATIBLE_OPTIONS.
   *
   * `build()` touches no page. `buildUnfaulted().faultPages()` makes and touches all slots. When the runtime has no
   * memory for a new slot, `allocate` and `allocateAsync` fail with ARENA_FULL and the runtime's error as its `cause`;
   * `tryAllocate` returns undefined.
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

  /** @internal */
  protected override plainArena(layout: Layout): FixedArena {
    return (this.raw ? RawFixedArena : FixedArena).over(this.engineFor(layout), layout);
  }

  /** @internal */
  protected override waitingArena(layout: Layout, waiters: Waiter, listensAlways: boolean): AsyncFixedArena {
    const engine = this.engineFor(layout);
    return AsyncFixedArena.waitingIn(this.lineFor(engine, waiters, listensAlways), engine, layout);
  }

  /** @internal */
  protected override sharedArena(layout: Layout, waiters: Waiter, listensAlways: boolean): SharedFixedArena {
    const traits = { kind: FIXED, maxOrder: 0, alignment: this.alignmentBytes, capsCapacity: false } as const;
    return sharedFixedArena(this.share(layout, traits), waiters, listensAlways);
  }

  private engineFor(layout: Layout): Engine {
    const options = engineOptions(layout, FreeBitmap.full(layout.units), this.scrubs, this.spills);
    // Guarded allocations have memory of their own anyway.
    const isolates = this.isolates && !this.nets.guarded;
    return this.withNets(isolates ? new IsolatedEngine(options) : new SlotEngine(options));
  }
}

function checkSlotCount(slotCount: number): void {
  if (slotCount > MAX_ENTRIES) throw new BuildError('SIZE_OVERFLOW', `more than ${MAX_ENTRIES} slots`);
}

function ownLayout(slotCount: number, slotCapacity: number, alignment: number, placement: Placement): Layout {
  checkSlotCount(slotCount);
  const unit = alignUp(slotCapacity, alignment);
  const total = checkSize(unit * slotCount);
  return { memory: ownMemory(total, placement), base: 0, unit, units: slotCount, owned: true, dealloc: undefined };
}
