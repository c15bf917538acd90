import type { Site } from '../base/site.js';

/** Called when something is wrong with memory that was given back. It gets the site of the allocation. */
export type Finding = (allocated: Site) => void;

/** The byte that fills memory after it was given back. */
const RETIRED = 0xdd;

/** Memory that was given back, in a buffer that no program code can reach. */
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
 * A pending system call knows the memory of its buffer by address, and keeps only the old buffer object alive. So the
 * memory is kept until that object is collected. It is not enough to count bytes instead: when nothing arrived in a
 * pipe for a long time, a read from it then wrote into memory of others (seen on Node 20; Node 24 aborted). The
 * registry belongs to the module because it must outlive every arena.
 */
const keeper = new FinalizationRegistry<Retired>((retired) => retired.inspect());

/** Keeps memory that was given back and that a system call may still write to. */
export class Quarantine {
  private readonly onWrite: Finding;
  private readonly onFailure: Finding;
  private readonly kept = new Set<WeakRef<Retired>>();

  /**
   * @param onWrite called when memory was written to after it was given back
   * @param onFailure called when a buffer cannot be detached
   */
  constructor(onWrite: Finding, onFailure: Finding) {
    this.onWrite = onWrite;
    this.onFailure = onFailure;
  }

  /** Detaches `buffer` and keeps its memory. Every view of `buffer` has length 0 from now on. */
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

  /** Checks whether any memory that is still kept was written to. */
  inspect(): void {
    for (const reference of this.kept) reference.deref()?.inspect();
    this.forgetCollected();
  }

  private forgetCollected(): void {
    for (const reference of this.kept) if (reference.deref() === undefined) this.kept.delete(reference);
    // The memory dropped here is still inspected once, when the collector takes its old buffer.
    for (const reference of this.kept) {
      if (this.kept.size <= MOST_INSPECTED) break;
      this.kept.delete(reference);
    }
  }
}

const MOST_INSPECTED = 4096;

/** A loop, because `every` calls a function for each byte, which is ten times slower. */
function isFilled(bytes: Uint8Array, value: number): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== value) return false;
  return true;
}

/** Moves the memory of `buffer` to a new buffer, or returns `buffer` if that fails. Node 20 has no `transfer`. */
function detached(buffer: ArrayBuffer): ArrayBuffer {
  const { transfer } = buffer as { transfer?: () => ArrayBuffer };
  try {
    const moved = transfer === undefined ? structuredClone(buffer, { transfer: [buffer] }) : transfer.call(buffer);
    // Node 20 silently copies a buffer that was marked as untransferable.
    return buffer.byteLength === 0 ? moved : buffer;
  } catch {
    return buffer;
  }
}
