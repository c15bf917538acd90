import type { Site } from '../base/site.js';

/** Told where memory was allocated of which something is wrong. */
export type Finding = (allocated: Site) => void;

/** What memory is filled with that was given back. */
const RETIRED = 0xdd;

/** Memory that was given back, in a buffer that nobody else knows. */
class Retired {
  private readonly bytes: Uint8Array;
  private readonly allocated: Site;
  private readonly onWrite: Finding;

  constructor(bytes: Uint8Array, allocated: Site, onWrite: Finding) {
    this.bytes = bytes;
    this.allocated = allocated;
    this.onWrite = onWrite;
  }

  inspect(): void {
    if (isFilled(this.bytes, RETIRED)) return;
    this.bytes.fill(RETIRED);
    this.onWrite(this.allocated);
  }
}

/**
 * A system call that still works with a buffer knows its memory by address, and keeps no more than the old buffer object alive. So the
 * memory is kept until that object is collected. Counting bytes instead is not enough: a read from a pipe that nobody wrote to
 * for long then wrote into memory of others (seen on Node 20; Node 24 aborted). Of the module, for it must outlive every arena.
 */
const keeper = new FinalizationRegistry<Retired>((retired) => retired.inspect());

/** Memory that was given back and that something may still write to. */
export class Quarantine {
  private readonly onWrite: Finding;
  private readonly onFailure: Finding;
  private readonly kept = new Set<WeakRef<Retired>>();

  /**
   * @param onWrite told of memory that was written to after it was given back
   * @param onFailure told of a buffer that cannot be detached
   */
  constructor(onWrite: Finding, onFailure: Finding) {
    this.onWrite = onWrite;
    this.onFailure = onFailure;
  }

  /** Detaches `buffer`: every view of it has length 0 from now on. */
  take(buffer: ArrayBuffer, allocated: Site): void {
    const moved = detached(buffer);
    const bytes = new Uint8Array(moved).fill(RETIRED);
    if (moved === buffer) {
      this.onFailure(allocated);
      return;
    }
    const retired = new Retired(bytes, allocated, this.onWrite);
    keeper.register(buffer, retired);
    this.kept.add(new WeakRef(retired));
    if (this.kept.size > 2 * MOST_INSPECTED) this.forgetCollected();
  }

  /** Looks at what is still kept: whether something was written to it since. */
  inspect(): void {
    for (const reference of this.kept) reference.deref()?.inspect();
    this.forgetCollected();
  }

  private forgetCollected(): void {
    for (const reference of this.kept) if (reference.deref() === undefined) this.kept.delete(reference);
    // The collector looks at those that are dropped here.
    for (const reference of this.kept) {
      if (this.kept.size <= MOST_INSPECTED) break;
      this.kept.delete(reference);
    }
  }
}

const MOST_INSPECTED = 4096;

/** A loop: `every` calls a function for each byte, ten times as slow. */
function isFilled(bytes: Uint8Array, value: number): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== value) return false;
  return true;
}

/** The memory of `buffer` in another one; `buffer` itself where it cannot be detached. Node 20 has no `transfer`. */
function detached(buffer: ArrayBuffer): ArrayBuffer {
  const { transfer } = buffer as { transfer?: () => ArrayBuffer };
  try {
    const moved = transfer === undefined ? structuredClone(buffer, { transfer: [buffer] }) : transfer.call(buffer);
    // Node 20 copies what was marked as untransferable, without a word.
    return buffer.byteLength === 0 ? moved : buffer;
  } catch {
    return buffer;
  }
}
