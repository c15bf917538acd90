import { checkFunction, checkInteger, describe } from '../base/check.js';
import { environment } from '../base/environment.js';
import { BuildError } from '../base/errors.js';
import type { BuilderMode, Placement, Sharing } from '../base/modes.js';
import { checkAlignment } from '../blocks/geometry.js';
import { LeakDetection, type LeakListener } from '../engine/leaks.js';
import type { Nets } from '../nets/nets.js';
import { MAX_THREADS } from '../shared/control.js';
import type { Layout } from './layout.js';

/**
 * What memory holds when it is allocated: `uninit` whatever the last owner left, `zero` zeros. With `zero` an
 * allocation is scrubbed when it returns, before anybody else can claim it, as far as it was written.
 */
export type InitPolicy = 'uninit' | 'zero';
export const InitPolicy = { Uninit: 'uninit', Zero: 'zero' } as const;

/**
 * The stride, in bytes, at which pages are touched so that the first write to them does not have to wait for the
 * operating system (2 to 3 µs a page): `auto` where the platform tells, `unknown` for not at all.
 */
export type PageSize = 'unknown' | 'auto' | number;
export const PageSize = { Unknown: 'unknown', Auto: 'auto' } as const;

/** How many threads share an arena. */
export interface SharedOptions {
  /** How many can be attached at once, this one included: 1 to 1024. Each takes 4 bytes of address space for each slot or smallest block. */
  readonly maxThreads: number;
}

interface Touchable {
  touchPages(stride: number | undefined): void;
}

/** The options that both builders have, each of them checked when it is set. */
export abstract class ArenaOptions<Mode extends BuilderMode, Shared extends Sharing> {
  /** Say to the type checker what `spills`, `raw` and `maxThreads` do at run time. */
  declare protected readonly mode: Mode;
  declare protected readonly sharing: Shared;
  /** @internal */
  protected alignmentBytes = 1;
  /** @internal */
  protected zeroes = false;
  /** @internal */
  protected spills = false;
  /** @internal */
  protected raw = false;
  /** @internal How many threads share it; 0 for a plain arena. */
  protected maxThreads = 0;
  /** @internal */
  protected isolates = false;
  private page: PageSize | undefined;
  private detection: LeakDetection = LeakDetection.Off;
  private leakListener: LeakListener | undefined;
  private guards = false;

  /**
   * Slots or blocks start at multiples of `byteCount` in their buffer. Default 1.
   * @throws BuildError INVALID_ALIGNMENT unless a power of two
   */
  alignment(byteCount: number): this {
    this.alignmentBytes = checkAlignment(byteCount);
    return this;
  }

  /** What allocated memory holds. Default `uninit`. */
  initPolicy(policy: InitPolicy): this {
    if (policy !== InitPolicy.Uninit && policy !== InitPolicy.Zero) {
      throw refusedLiteral('policy', policy, `'uninit' or 'zero'`);
    }
    this.zeroes = policy === InitPolicy.Zero;
    return this;
  }

  /**
   * The page size in bytes for touching every page while building. Default `auto`; over memory of the caller's
   * nothing is ever touched while building, only by `Unfaulted.faultPages()` after a size was set here.
   */
  pageSize(size: PageSize): this {
    if (size !== PageSize.Auto && size !== PageSize.Unknown) {
      if (typeof size !== 'number') throw refusedLiteral('size', size, `'auto', 'unknown' or a number of bytes`);
      checkInteger(size, 'size', 1);
    }
    this.page = size;
    return this;
  }

  /**
   * Records where allocations are made, for leak reports and `openAllocations()`: of one in 8,192 (`sampled`, made for production:
   * 3 to 10 ns an allocation) or of every one (`full`: some 16 us each). Default `off`, which costs nothing.
   */
  leakDetection(level: LeakDetection): this {
    if (level !== LeakDetection.Off && level !== LeakDetection.Sampled && level !== LeakDetection.Full) {
      throw refusedLiteral('level', level, `'off', 'sampled' or 'full'`);
    }
    this.detection = level;
    return this;
  }

  /**
   * Has `listener` told of every leak that the collector finds while the arena is referred to (or, of what is watched, whether it is or
   * not), in this thread. Its site is known where it was recorded. Without one there is a process
   * warning: one for each recorded site, and one for an arena whose pinned leaks have none. What it throws becomes an uncaught exception.
   */
  onLeak(listener: LeakListener): this {
    checkFunction(listener, 'listener');
    this.leakListener = listener;
    return this;
  }

  /**
   * For tests: every allocation has an ArrayBuffer of its own, detached when it is released, and frozen bytes that were written to are
   * reported (`GuardError`); every allocation is watched, as with `leakDetection('full')`. Some 80 us an allocation. Memory of the
   * caller's is not touched (one that threads share is copied into, for them). What was lent is kept until the program yields to the event
   * loop. Not over a WebAssembly.Memory, to which such memory has no address.
   */
  guarded(enabled = true): this {
    if (typeof enabled !== 'boolean') throw new TypeError(`enabled must be a boolean, got ${describe(enabled)}`);
    this.guards = enabled;
    return this;
  }

  /** @internal */
  protected get nets(): Nets {
    const { detection: leakDetection, leakListener: onLeak, guards: guarded, zeroes } = this;
    return { leakDetection, onLeak, guarded, zeroes };
  }

  /** @internal Whether the arena's memory is scrubbed. Guarded allocations never lie in it. */
  protected get scrubs(): boolean {
    return this.zeroes && !this.guards;
  }

  /** @internal Where the arena's own memory lies. */
  protected get placement(): Placement {
    if (this.maxThreads > 0) return 'shared';
    return this.isolates || this.guards ? 'apart' : 'together';
  }

  /** @internal @throws BuildError INCOMPATIBLE_OPTIONS */
  protected checkPlacement({ memory, owned }: Layout): void {
    if (this.isolates && (this.maxThreads > 0 || !owned)) {
      throw new BuildError('INCOMPATIBLE_OPTIONS', "isolated() excludes shared() and memory of the caller's");
    }
    if (this.guards && memory.mayMove) {
      throw new BuildError('INCOMPATIBLE_OPTIONS', 'a guarded arena cannot lie in a WebAssembly.Memory');
    }
  }

  /** @internal Bytes between touches, or undefined for no touching. */
  protected pageStride(byDefault: PageSize): number | undefined {
    const page = this.page ?? byDefault;
    if (page === PageSize.Unknown) return undefined;
    return page === PageSize.Auto ? environment.pageSize() : page;
  }

  /** @internal The arena with its pages touched: not those of the caller's memory, nor of slots that are made at their first use. */
  protected prefaulted<Arena extends Touchable>(arena: Arena, { owned }: Layout): Arena {
    if (owned && this.placement !== 'apart') arena.touchPages(this.pageStride(PageSize.Auto));
    return arena;
  }

  /** @internal @throws TypeError, RangeError for bad options */
  protected setShared(options: SharedOptions): void {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`options must be an object, got ${describe(options)}`);
    }
    this.maxThreads = checkInteger(options.maxThreads, 'maxThreads', 1, MAX_THREADS);
  }

  /** @internal @throws BuildError INCOMPATIBLE_OPTIONS when `autoSpill` and `hazmatRawAccess` meet. */
  protected setMode(option: 'spills' | 'raw'): void {
    if (this[option === 'raw' ? 'spills' : 'raw']) {
      throw new BuildError('INCOMPATIBLE_OPTIONS', 'autoSpill and hazmatRawAccess exclude each other');
    }
    this[option] = true;
  }

  /** @internal @throws BuildError INCOMPATIBLE_OPTIONS with raw access: raw regions cannot be waited for. */
  protected checkWaitable(): void {
    if (this.raw) throw new BuildError('INCOMPATIBLE_OPTIONS', 'an arena with raw access cannot be waited for');
  }
}

function refusedLiteral(name: string, value: unknown, expected: string): TypeError {
  const message = `${name} must be ${expected}, got ${typeof value === 'string' ? `'${value}'` : describe(value)}`;
  return new TypeError(message);
}
