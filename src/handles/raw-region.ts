import { checkInteger } from '../base/check.js';
import { RawFreezeError, ReleasedError } from '../base/errors.js';
import { inspectAs } from '../memory/inspect.js';
import { type Allocation, SPENT } from './allocation.js';
import { Bytes } from './handles.js';

/**
 * Direct access to one allocation, without a cursor. It is for layouts that are not written from front to back. The
 * caller knows which bytes were written. The other bytes have their old content, unless the arena's init policy is
 * `zero`. A region that is forgotten stays pinned.
 */
export class RawRegion {
  /** @internal */
  protected allocation: Allocation;

  static {
    inspectAs(RawRegion.prototype, function () {
      return this.allocation === SPENT ? 'RawRegion <released>' : `RawRegion(${this.capacity})`;
    });
  }

  protected constructor(allocation: Allocation) {
    this.allocation = allocation;
  }

  /**
   * @internal A region with the only handle on `allocation`. The caller may reach the memory without this object (by a
   * pointer in WebAssembly), so all of it counts as lent and as written from the start.
   */
  static over(allocation: Allocation): RawRegion {
    allocation.owner.lend(allocation);
    allocation.dirtyEnd = allocation.limit;
    return new RawRegion(allocation);
  }

  /** Visible bytes. */
  get capacity(): number {
    const allocation = this.live();
    return allocation.limit - allocation.offset;
  }

  /** The whole visible region, writable and borrowed. It is valid until the region is frozen or released. */
  get bytes(): Uint8Array {
    const allocation = this.live();
    return allocation.memory.view(allocation.offset, allocation.limit);
  }

  /** The buffer that the region lies in. Other allocations lie in it too: write only to your own region. */
  get memory(): ArrayBufferLike {
    return this.live().memory.bytes.buffer;
  }

  /** Start of the region in {@link memory}, in bytes. */
  get byteOffset(): number {
    const allocation = this.live();
    return allocation.memory.byteOffset + allocation.offset;
  }

  /**
   * The bytes of `[start, end)`, immutable from now on. The region is used up.
   * @throws RawFreezeError unless `0 <= start <= end <= capacity`; the region can still be used then
   */
  freeze(start: number, end: number): Bytes {
    const allocation = this.live();
    const capacity = allocation.limit - allocation.offset;
    checkInteger(start, 'start', 0);
    checkInteger(end, 'end', 0);
    if (start > end || end > capacity) throw new RawFreezeError(start, end, capacity);
    allocation.countFreeze();
    this.allocation = SPENT;
    if (start === end) {
      allocation.giveBack();
      return Bytes.empty;
    }
    return Bytes.over(allocation, allocation.offset + start, end - start);
  }

  /** Returns the memory without freezing. Does nothing on a region that was frozen or released. */
  release(): void {
    const allocation = this.allocation;
    if (allocation === SPENT) return;
    this.allocation = SPENT;
    allocation.giveBack();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** What JSON shows: never the memory. */
  toJSON(): { type: 'RawRegion'; capacity: number } {
    const { limit, offset } = this.allocation;
    return { type: 'RawRegion', capacity: Math.max(0, limit - offset) };
  }

  /** @internal */
  protected live(): Allocation {
    const allocation = this.allocation;
    if (allocation === SPENT) throw this.released();
    return allocation;
  }

  /** @internal The error for a region that is used up. */
  protected released(): ReleasedError {
    return new ReleasedError('RawRegion');
  }
}
