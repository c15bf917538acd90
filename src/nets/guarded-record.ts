import { GuardError } from '../base/errors.js';
import { callSite, type Site } from '../base/site.js';
import { Allocation, type AllocationOwner, isOnHeap } from '../handles/allocation.js';
import { equalBytes } from '../memory/compare.js';
import { Memory } from '../memory/memory.js';

/**
 * A record over memory of one allocation's own, which stands before the arena's record of its block. Whoever forgets the
 * one forgets the other, so the collector's backstop works as ever.
 */
export class GuardedRecord extends Allocation {
  /** The arena's record, or that of heap memory. It never learns of any view. */
  readonly inner: Allocation;
  readonly allocated: Site;
  /** What was frozen, as it was then: a copy, which tells which byte was written, and misses nothing, where a checksum might. */
  private frozen: Uint8Array | undefined = undefined;
  private frozenStart = 0;
  private frozenAt: Site | undefined = undefined;
  /** What of it lies in the arena's block too, for other threads. */
  private publishedStart = 0;
  private publishedEnd = 0;
  /** Whether its owner was told that frozen bytes were written. */
  private wasTold = false;
  /** Whether a view of the memory left the library. */
  isLent = false;

  constructor(owner: AllocationOwner, inner: Allocation, memory: Memory, allocated: Site) {
    super(owner, memory, inner.trace);
    this.inner = inner;
    this.allocated = allocated;
    this.holders = 1;
    this.limit = memory.byteLength;
  }

  /** Remembers `length` bytes at `start` as they are. */
  freeze(start: number, length: number): void {
    this.frozen = this.memory.view(start, start + length).slice();
    this.frozenStart = start;
    this.frozenAt = callSite();
    this.wasTold = false;
  }

  /**
   * The record to write by, over a copy: views of the frozen bytes end here.
   * @throws GuardError when frozen bytes were written already; they stay frozen then
   */
  thaw(): Allocation {
    this.check();
    const { inner } = this;
    const writable = isOnHeap(inner) ? inner : this;
    writable.moveTo(copyOf(this.memory));
    this.frozen = undefined;
    this.publishedEnd = this.publishedStart;
    return writable;
  }

  /** @throws GuardError when frozen bytes were written */
  check(): void {
    const change = this.change();
    if (change === undefined) return;
    this.wasTold = true;
    throw change;
  }

  /** As {@link change}, unless {@link check} threw it already. */
  untold(): GuardError | undefined {
    return this.wasTold ? undefined : this.change();
  }

  /** Notes that `length` bytes at `offset` lie in the arena's block. */
  arrived(offset: number, length: number): void {
    this.publishedStart = offset;
    this.publishedEnd = offset + length;
  }

  /** Copies bytes to where other threads find them, if they do not lie there: they may be reading them. */
  publish(offset: number, length: number): void {
    const { inner, memory } = this;
    const end = offset + length;
    if (offset >= this.publishedStart && end <= this.publishedEnd) return;
    inner.dirtyEnd = Math.max(inner.dirtyEnd, inner.offset + end);
    inner.memory.bytes.set(memory.view(offset, end), inner.offset + offset);
    this.arrived(offset, length);
  }

  /** The first frozen byte that was written, as an error. */
  change(): GuardError | undefined {
    const { frozen, frozenStart, memory } = this;
    if (frozen === undefined || memory.isGone) return undefined;
    const now = memory.view(frozenStart, frozenStart + frozen.length);
    if (equalBytes(frozen, now)) return undefined;
    const at = frozen.findIndex((byte, index) => byte !== now[index]);
    const froze = this.frozenAt === undefined ? '' : `\nfrozen\n${this.frozenAt.stack}`;
    return new GuardError(
      `byte ${at} of ${frozen.length} frozen bytes was ${frozen[at]} and is ${now[at]}: it was written after the freeze` +
        `\nallocated\n${this.allocated.stack}${froze}`,
    );
  }
}

function copyOf(memory: Memory): Memory {
  return new Memory(memory.bytes.slice());
}

/** Memory of `length` bytes for one allocation. What nobody wrote must not look like zeros by chance. */
export function guardedMemory(length: number, zeroes: boolean): Memory {
  const bytes = new Uint8Array(length);
  if (!zeroes) bytes.fill(UNWRITTEN);
  return new Memory(bytes);
}

const UNWRITTEN = 0xdb;
