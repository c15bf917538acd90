import { type Allocation, SPENT } from './allocation.js';
import { checkInteger } from './check.js';
import { ReleasedError } from './errors.js';

/**
 * The readers of `Bytes`: each returns a value at the front and moves past it, as the writers of a buffer mirrored.
 *
 * Multi-byte values are read in network order (big endian), or little endian by the `Le` forms. A reader throws
 * `RangeError` when fewer bytes are left than it needs, {@link ReleasedError} after release, and moves nothing then.
 */
export abstract class ByteReader {
  /** @internal The allocation held, or SPENT. */
  protected allocation: Allocation;
  /** @internal Offset of the first byte in the allocation's memory. */
  protected offset: number;
  /** @internal Bytes; -1 once released, so that no read fits. */
  protected size: number;

  protected constructor(allocation: Allocation, offset: number, size: number) {
    this.allocation = allocation;
    this.offset = offset;
    this.size = size;
  }

  getU8(): number {
    return this.allocation.memory.bytes[this.take(1)] as number;
  }

  getI8(): number {
    return ((this.allocation.memory.bytes[this.take(1)] as number) << 24) >> 24;
  }

  getU16(): number {
    return this.allocation.memory.data.getUint16(this.take(2));
  }

  getU16Le(): number {
    return this.allocation.memory.data.getUint16(this.take(2), true);
  }

  getI16(): number {
    return this.allocation.memory.data.getInt16(this.take(2));
  }

  getI16Le(): number {
    return this.allocation.memory.data.getInt16(this.take(2), true);
  }

  getU32(): number {
    return this.allocation.memory.data.getUint32(this.take(4));
  }

  getU32Le(): number {
    return this.allocation.memory.data.getUint32(this.take(4), true);
  }

  getI32(): number {
    return this.allocation.memory.data.getInt32(this.take(4));
  }

  getI32Le(): number {
    return this.allocation.memory.data.getInt32(this.take(4), true);
  }

  getU64(): bigint {
    return this.allocation.memory.data.getBigUint64(this.take(8));
  }

  getU64Le(): bigint {
    return this.allocation.memory.data.getBigUint64(this.take(8), true);
  }

  getI64(): bigint {
    return this.allocation.memory.data.getBigInt64(this.take(8));
  }

  getI64Le(): bigint {
    return this.allocation.memory.data.getBigInt64(this.take(8), true);
  }

  getF32(): number {
    return this.allocation.memory.data.getFloat32(this.take(4));
  }

  getF32Le(): number {
    return this.allocation.memory.data.getFloat32(this.take(4), true);
  }

  getF64(): number {
    return this.allocation.memory.data.getFloat64(this.take(8));
  }

  getF64Le(): number {
    return this.allocation.memory.data.getFloat64(this.take(8), true);
  }

  /** Drops the first `byteCount` bytes from this handle. @throws RangeError beyond the end. */
  advance(byteCount: number): void {
    this.live();
    checkInteger(byteCount, 'byteCount', 0, this.size);
    this.take(byteCount);
  }

  /** What JSON shows: never the memory. */
  toJSON(): { type: 'Bytes'; length: number } {
    return { type: 'Bytes', length: Math.max(0, this.size) };
  }

  /** @internal The allocation. @throws ReleasedError where there is none any more. */
  protected live(): Allocation {
    const allocation = this.allocation;
    if (allocation === SPENT) throw new ReleasedError('Bytes');
    return allocation;
  }

  /** Moves past `byteCount` bytes; their offset. */
  private take(byteCount: number): number {
    const at = this.offset;
    if (byteCount > this.size) this.refuse(byteCount);
    this.offset = at + byteCount;
    this.size -= byteCount;
    return at;
  }

  private refuse(byteCount: number): never {
    this.live();
    throw new RangeError(`${byteCount} bytes requested, ${this.size} bytes left to read`);
  }
}
