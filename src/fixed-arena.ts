import type { Allocation } from './allocation.js';
import { alignedBacking, type BackingMemory, backingMemory, ownMemory, SlotSpec } from './backing.js';
import { checkInteger, describe } from './check.js';
import type { ArenaMetrics, Engine } from './engine.js';
import { BuildError } from './errors.js';
import { FreeBitmap, MAX_ENTRIES } from './free-bitmap.js';
import { alignUp, checkSize } from './geometry.js';
import { ArenaBuffer } from './handles.js';
import { inspectAs } from './inspect.js';
import { boundDealloc, engineOver, type Layout, takenOnce } from './layout.js';
import { NotifyWaiters } from './notify-waiters.js';
import { ArenaOptions, type BuilderMode, PageSize } from './options.js';
import { RawRegion } from './raw-region.js';
import { Unfaulted } from './unfaulted.js';
import { WaitLine, type WaitMetrics, type WaitOptions } from './wait-line.js';
import { checkStrategy, type Waiter } from './wait-strategy.js';

/** What a {@link FixedArenaBuilder} builds. */
export type FixedArenaOf<Mode extends BuilderMode> = Mode extends 'raw' ? RawFixedArena : FixedArena;

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
    return FixedArenaBuilder.over((alignment) => ownLayout(slotCount, slotCapacity, alignment));
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
      takenOnce((alignment) => {
        const { base, available } = alignedBacking(backing, alignment);
        const { slotCount, slotCapacity } = spec.resolve(available, alignment);
        checkSlotCount(slotCount);
        return { memory: backing, base, unit: slotCapacity, units: slotCount, owned: false, dealloc: bound };
      }),
    );
  }

  /**
   * A buffer over a free slot. With `length`, one that can hold that many bytes.
   * @throws AllocError ARENA_FULL, REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  allocate(length?: number): ArenaBuffer {
    return ArenaBuffer.over(this.engine.granted(this.claim(length)));
  }

  /**
   * As {@link allocate}, but undefined when no slot is free.
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED
   */
  tryAllocate(length?: number): ArenaBuffer | undefined {
    const slot = this.claim(length);
    return slot === undefined ? undefined : ArenaBuffer.over(slot);
  }

  /** The counters as they are now, frozen. */
  metrics(): FixedArenaMetrics {
    return Object.freeze(this.engine.metrics());
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
    return RawRegion.over(this.engine.granted(this.claim(length)));
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

/** Collects the options of a {@link FixedArena}. Options are checked when set, sizes when building. */
export class FixedArenaBuilder<Mode extends BuilderMode = 'standard'> extends ArenaOptions<Mode> {
  private readonly layout: (alignment: number) => Layout;

  private constructor(layout: (alignment: number) => Layout) {
    super();
    this.layout = layout;
  }

  /** @internal */
  static over(layout: (alignment: number) => Layout): FixedArenaBuilder {
    return new FixedArenaBuilder(layout);
  }

  /** A buffer that is full moves to the heap and returns its slot, instead of throwing `BufferFullError`. */
  autoSpill(this: FixedArenaBuilder<'standard'>): FixedArenaBuilder<'spill'> {
    this.setMode('spills');
    return this as FixedArenaBuilder<BuilderMode> as FixedArenaBuilder<'spill'>;
  }

  /** Adds `rawAllocate()`: memory without a cursor. */
  hazmatRawAccess(this: FixedArenaBuilder<'standard'>): FixedArenaBuilder<'raw'> {
    this.setMode('raw');
    return this as FixedArenaBuilder<BuilderMode> as FixedArenaBuilder<'raw'>;
  }

  /**
   * Builds the arena and touches its pages.
   * @throws BuildError SIZE_OVERFLOW, or for memory of the caller's SLOT_SIZE_EXCEEDS_BACKING, ZERO_USABLE_SLOTS,
   *   INVALID_BACKING when an arena was built over it already
   */
  build(): FixedArenaOf<Mode> {
    const layout = this.resolve();
    this.prefaultOwn(layout);
    return this.arenaOver(layout);
  }

  /** Builds the arena without touching its pages. @throws BuildError as {@link build} */
  buildUnfaulted(): Unfaulted<FixedArenaOf<Mode>> {
    const layout = this.resolve();
    const stride = this.pageStride(layout.owned ? PageSize.Auto : PageSize.Unknown);
    return Unfaulted.over(this.arenaOver(layout), layout, stride);
  }

  /** As {@link build}, an arena that can be waited for: `allocateAsync()`. Not with raw access. */
  buildAsync(this: FixedArenaBuilder<'standard' | 'spill'>): AsyncFixedArena {
    return this.asyncArena(new NotifyWaiters(), false);
  }

  /**
   * As {@link buildAsync}, with `waiters` to say who is served next. It is woken by every release that leaves a free block.
   * @throws TypeError unless it has `register` and `wake`
   */
  buildAsyncWith(this: FixedArenaBuilder<'standard' | 'spill'>, waiters: Waiter): AsyncFixedArena {
    return this.asyncArena(checkStrategy(waiters), true);
  }

  private asyncArena(waiters: Waiter, listensAlways: boolean): AsyncFixedArena {
    this.checkWaitable();
    const layout = this.resolve();
    this.prefaultOwn(layout);
    const engine = this.engineFor(layout);
    return AsyncFixedArena.waitingIn(new WaitLine(engine, waiters, listensAlways), engine, layout.units, layout.unit);
  }

  private resolve(): Layout {
    return this.layout(this.alignmentBytes);
  }

  private engineFor(layout: Layout): Engine {
    return engineOver(layout, FreeBitmap.full(layout.units), this.zeroes, this.spills);
  }

  private arenaOver(layout: Layout): FixedArenaOf<Mode> {
    const engine = this.engineFor(layout);
    const Arena = this.raw ? RawFixedArena : FixedArena;
    return Arena.over(engine, layout.units, layout.unit) as FixedArenaOf<Mode>;
  }
}

function checkSlotCount(slotCount: number): void {
  if (slotCount > MAX_ENTRIES) throw new BuildError('SIZE_OVERFLOW', `more than ${MAX_ENTRIES} slots`);
}

function ownLayout(slotCount: number, slotCapacity: number, alignment: number): Layout {
  checkSlotCount(slotCount);
  const unit = alignUp(slotCapacity, alignment);
  const total = checkSize(unit * slotCount);
  return { memory: ownMemory(total), base: 0, unit, units: slotCount, owned: true, dealloc: undefined };
}
