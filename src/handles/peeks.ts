import { checkInteger } from '../base/check.js';
import { BytesContent } from './content.js';

/**
 * The methods of `Bytes` that read a value at an index and consume nothing. They mirror the readers: `getU32At(i)`
 * reads what `getU32()` would after `advance(i)`. Each throws RangeError unless the value lies within the bytes.
 */
export abstract class BytesPeeks extends BytesContent {
  getU8At(index: number): number {
    return this.allocation.memory.bytes[this.place(index, 1)] as number;
  }

  getI8At(index: number): number {
    return ((this.allocation.memory.bytes[this.place(index, 1)] as number) << 24) >> 24;
  }

  getU16At(index: number): number {
    return this.allocation.memory.data.getUint16(this.place(index, 2));
  }

  getU16LeAt(index: number): number {
    return this.allocation.memory.data.getUint16(this.place(index, 2), true);
  }

  getI16At(index: number): number {
    return this.allocation.memory.data.getInt16(this.place(index, 2));
  }

  getI16LeAt(index: number): number {
    return this.allocation.memory.data.getInt16(this.place(index, 2), true);
  }

  getU32At(index: number): number {
    return this.allocation.memory.data.getUint32(this.place(index, 4));
  }

  getU32LeAt(index: number): number {
    return this.allocation.memory.data.getUint32(this.place(index, 4), true);
  }

  getI32At(index: number): number {
    return this.allocation.memory.data.getInt32(this.place(index, 4));
  }

  getI32LeAt(index: number): number {
    return this.allocation.memory.data.getInt32(this.place(index, 4), true);
  }

  getU64At(index: number): bigint {
    return this.allocation.memory.data.getBigUint64(this.place(index, 8));
  }

  getU64LeAt(index: number): bigint {
    return this.allocation.memory.data.getBigUint64(this.place(index, 8), true);
  }

  getI64At(index: number): bigint {
    return this.allocation.memory.data.getBigInt64(this.place(index, 8));
  }

  getI64LeAt(index: number): bigint {
    return this.allocation.memory.data.getBigInt64(this.place(index, 8), true);
  }

  getF32At(index: number): number {
    return this.allocation.memory.data.getFloat32(this.place(index, 4));
  }

  getF32LeAt(index: number): number {
    return this.allocation.memory.data.getFloat32(this.place(index, 4), true);
  }

  getF64At(index: number): number {
    return this.allocation.memory.data.getFloat64(this.place(index, 8));
  }

  getF64LeAt(index: number): number {
    return this.allocation.memory.data.getFloat64(this.place(index, 8), true);
  }

  /** The offset of `byteCount` bytes at `index`. */
  private place(index: number, byteCount: number): number {
    this.live();
    checkInteger(index, 'index', 0);
    if (index + byteCount > this.size) {
      throw new RangeError(`${byteCount} bytes at index ${index} requested, of ${this.size} bytes`);
    }
    return this.offset + index;
  }
}
