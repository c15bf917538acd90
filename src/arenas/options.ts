import { checkFunction, checkInteger, describe } from '../base/check.js';
import { environment } from '../base/environment.js';
import { BuildError } from '../base/errors.js';
import type { BuilderMode, Placement, Sharing } from '../base/modes.js';
import { checkAlignment } from '../blocks/geometry.js';
import { LeakDetection, type LeakListener } from '../engine/leaks.js';
import type { Nets } from '../nets/nets.js';
import { MAX_THREADS } from '../shared/control.js';
import { DEFAULT_STALL } from '../waiting/stall-watch.js';
import { LONGEST_TIMEOUT } from '../waiting/wait-options.js';
import type { Layout } from './layout.js';

/**
 * The content of memory when it is allocated. With `uninit` it is what the last owner left. With `zero` it is zeros: an
 * allocation is scrubbed when it returns, before anybody else can claim it. Only the written part is scrubbed.
 */
export type InitPolicy = 'uninit' | 'zero';
export const InitPolicy = { Uninit: 'uninit', Zero: 'zero' } as const;

/**
 * The stride in bytes at which `build()` touches pages, so that the first write to a page does not wait for the
 * operating system (2 to 3 µs a page). `auto` asks the platform; `unknown` touches nothing.
 */
export type PageSize = 'unknown' | 'auto' | number;
export const PageSize = { Unknown: 'unknown', Auto: 'auto' } as const;

/** Options of `shared()`. */
export interface SharedOptions {
  /**
   * The most threads that are attached at once, this one included: 1 to 1024. Each takes 4 bytes of address space for
   * each slot or smallest block.
   */
  readonly maxThreads: number;
}

interface Touchable {
  touchPages(stride: number | undefined): void;
}

/** The options that both builders have. Each is checked when it is set. */
export abstract class ArenaOptions<Mode extends BuilderMode, Shared extends Sharing> {
  /** For the type checker: what `spills`, `raw` and `maxThreads` say at run time. */
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
  /** @internal The most threads that share the arena; 0 for a plain arena. */
  protected maxThreads = 0;
  /** @internal */
  protected isolates = false;
  /** @internal */
  protected stallAfter: number = DEFAULT_STALL;
  private page: PageSize | undefined;
  private detection: LeakDetection = LeakDetection.Off;
  private leakListener: LeakListener | undefined;
  private guards = false;

  /**
   * Slots or blocks start at multiples of `byteCount` in their buffer. Default 1.
   * @throws BuildError INVALID_ALIGNMENT unless it is a power of two
   */
  alignment(byteCount: number): this {
    this.alignmentBytes = checkAlignment(byteCount);
    return this;
  }

  /** The content of allocated memory. Default `uninit`. */
  initPolicy(policy: InitPolicy): this {
    if (policy !== InitPolicy.Uninit && policy !== InitPolicy.Zero) {
      throw refusedLiteral('policy', policy, `'uninit' or 'zero'`);
    }
    this.zeroes = policy === InitPolicy.Zero;
    return this;
  }

  /**
   * The page size in bytes at which building touches every page. Default `auto`. Building never touches memory that you
   * provide; `Unfaulted.faultPages()` does, if you set a size here.
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
   * Records where allocations are made, for leak reports and `openAllocations()`. `sampled` records one in 8,192 and is
   * made for production (1 to 3 ns for each allocation). `full` records all (some 10 us each). Default `off`, which
   * costs nothing.
   */
  leakDetection(level: LeakDetection): this {
    if (level !== LeakDetection.Off && level !== LeakDetection.Sampled && level !== LeakDetection.Full) {
      throw refusedLiteral('level', level, `'off', 'sampled' or 'full'`);
    }
    this.detection = level;
    return this;
  }

  /**
   * Calls `listener` for every leak of this thread that the collector finds, as long as the program refers to the
   * arena. Leaks of watched allocations are reported without that condition. The site is known if it was recorded.
   * Without a listener there are process warnings: one for each recorded site, and one for an arena whose pinned leaks
   * have no site. An error of the listener becomes an uncaught exception.
   */
  onLeak(listener: LeakListener): this {
    checkFunction(listener, 'listener');
    this.leakListener = listener;
    return this;
  }

  /**
   * The mode for tests. Every allocation has an ArrayBuffer of its own, which is detached at release if a view was
   * lent. A write to frozen bytes is reported (`GuardError`). Every allocation is watched, as with
   * `leakDetection('full')`. An allocation takes some 50 us. Memory that you provide is not touched, except that a
   * shared arena copies bytes there for the other threads. Lent memory is kept until the program yields to the event
   * loop. It excludes a WebAssembly.Memory, where such memory has no address.
   */
  guarded(enabled = true): this {
    if (typeof enabled !== 'boolean') throw new TypeError(`enabled must be a boolean, got ${describe(enabled)}`);
    this.guards = enabled;
    return this;
  }

  /**
   * How long requests of `allocateAsync` may wait, in ms, while no memory comes back, before a process warning with the code
   * `ARENA_STALLED` says so, once for each arena. Default 10,000; `false` turns the warning off.
   * @throws TypeError, RangeError unless it is false or a positive integer up to 2^31 - 1
   */
  warnOnStall(after: number | false): this {
    this.stallAfter = after === false ? 0 : checkInteger(after, 'after', 1, LONGEST_TIMEOUT);
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

  /** @internal The kind of memory that the arena makes. */
  protected get placement(): Placement {
    if (this.maxThreads > 0) return 'shared';
    return this.isolates || this.guards ? 'apart' : 'together';
  }

  /** @internal @throws BuildError INCOMPATIBLE_OPTIONS */
  protected checkPlacement({ memory, owned }: Layout): void {
    if (this.isolates && (this.maxThreads > 0 || !owned)) {
      throw new BuildError('INCOMPATIBLE_OPTIONS', 'isolated() excludes shared() and memory that you provide');
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

  /**
   * @internal The arena with its pages touched. Memory of the caller, and slots that are made at first use, are left
   *   alone.
   */
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

  /** @internal @throws BuildError INCOMPATIBLE_OPTIONS when `autoSpill` and `hazmatRawAccess` are both set */
  protected setMode(option: 'spills' | 'raw'): void {
    if (this[option === 'raw' ? 'spills' : 'raw']) {
      throw new BuildError('INCOMPATIBLE_OPTIONS', 'autoSpill and hazmatRawAccess exclude each other');
    }
    this[option] = true;
  }

  /** @internal @throws BuildError INCOMPATIBLE_OPTIONS with raw access, because raw regions cannot be waited for */
  protected checkWaitable(): void {
    if (this.raw) throw new BuildError('INCOMPATIBLE_OPTIONS', 'an arena with raw access cannot be waited for');
  }
}

function refusedLiteral(name: string, value: unknown, expected: string): TypeError {
  const message = `${name} must be ${expected}, got ${typeof value === 'string' ? `'${value}'` : describe(value)}`;
  return new TypeError(message);
}
