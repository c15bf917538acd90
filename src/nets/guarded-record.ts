import { GuardError } from '../base/errors.js';
import { callSite, type Site } from '../base/site.js';
import { Allocation, type AllocationOwner, isOnHeap } from '../handles/allocation.js';
import { Memory } from '../memory/memory.js';
import { equalBytes } from '../memory/search.js';

/**
 * The control record of a guarded allocation, which has its own memory. It stands in front of the arena's record of
 * the block. A program that forgets this record also forgets the arena's record, so the collector's backstop works as
 * usual.
 */
export class GuardedRecord extends Allocation {
  /** The arena's record, or the record of heap memory. It is never told that a view was lent. */
  readonly inner: Allocation;
  readonly allocated: Site;
  /** A copy of the bytes as they were frozen. It shows which byte was written to; a checksum could miss a write. */
  private frozen: Uint8Array | undefined = undefined;
  private frozenStart = 0;
  private frozenAt: Site | undefined = undefined;
  /** The range of bytes that also lies in the arena's block, for other threads. */
  private publishedStart = 0;
  private publishedEnd = 0;
  /** Whether an error was already thrown because frozen bytes were written to. */
  private wasTold = false;
  /** Whether a view of the memory left the library. */
  isLent = false;

  constructor(owner: AllocationOwner, inner: Allocation, memory: Memory, allocated: Site) {
    super(owner, memory, inner.trace, inner.counters);
    this.inner = inner;
    this.allocated = allocated;
    this.holders = 1;
    this.limit = memory.byteLength;
  }

  /** Remembers the content of `length` bytes at `start`. */
  freeze(start: number, length: number): void {
    this.frozen = this.memory.view(start, start + length).slice();
    this.frozenStart = start;
    this.frozenAt = callSite();
    this.wasTold = false;
  }

  /**
   * Makes the frozen bytes writable again, and returns the record to write through. That record moves to a copy of the
   * memory: views of the frozen bytes do not reach it.
   * @throws GuardError WRITTEN_AFTER_FREEZE when the frozen bytes were already written to; they stay frozen then
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

  /** @throws GuardError WRITTEN_AFTER_FREEZE when frozen bytes were written to */
  check(): void {
    const change = this.change();
    if (change === undefined) return;
    this.wasTold = true;
    throw change;
  }

  /** Like {@link change}, but undefined if {@link check} already threw the error. */
  untold(): GuardError | undefined {
    return this.wasTold ? undefined : this.change();
  }

  /** Notes that `length` bytes at `offset` also lie in the arena's block. */
  arrived(offset: number, length: number): void {
    this.publishedStart = offset;
    this.publishedEnd = offset + length;
  }

  /**
   * Copies bytes into the arena's block, where other threads find them. Bytes that already lie there are not copied
   * again, because other threads may be reading them.
   */
  publish(offset: number, length: number): void {
    const { inner, memory } = this;
    const end = offset + length;
    if (offset >= this.publishedStart && end <= this.publishedEnd) return;
    inner.dirtyEnd = Math.max(inner.dirtyEnd, inner.offset + end);
    inner.memory.bytes.set(memory.view(offset, end), inner.offset + offset);
    this.arrived(offset, length);
  }

  /** Returns an error that names the first frozen byte that was written to, or undefined if there is none. */
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

/**
 * Makes memory of `length` bytes for one allocation. Without `zeroes` it is filled with another value: bytes that were
 * never written must not look like zeros by chance.
 */
export function guardedMemory(length: number, zeroes: boolean): Memory {
  const bytes = new Uint8Array(length);
  if (!zeroes) bytes.fill(UNWRITTEN);
  return new Memory(bytes);
}

const UNWRITTEN = 0xdb;
