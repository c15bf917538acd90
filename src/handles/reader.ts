import { checkInteger } from '../base/check.js';
import { decodeText } from '../memory/text.js';
import { readVarint, readVarint64, unzigzag } from '../memory/varint.js';
import { BytesPeeks } from './peeks.js';

/** The methods that `Bytes` gets from {@link BytesReader} and the classes below it. */
export interface BytesMethods extends Pick<BytesReader, keyof BytesReader> {}

/**
 * The methods of `Bytes` that read values off the front. `Bytes` has them by its prototype, not by `extends`: see
 * there.
 *
 * The readers (`get*`) mirror a buffer's writers. Each returns the value at the front and moves past it. Values are in
 * network order (big endian), or little endian in the `Le` forms. A reader that needs more bytes than are left throws
 * `RangeError` and moves nothing; {@link canRead} asks before. Reading to the end keeps the memory until release.
 */
export abstract class BytesReader extends BytesPeeks {
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

  /** An unsigned integer of `byteCount` bytes, 1 to 6. */
  getUint(byteCount: number): number {
    const { bytes } = this.allocation.memory; // first: it throws for memory that is gone, and nothing may move then
    const at = this.take(checkInteger(byteCount, 'byteCount', 1, 6));
    let value = 0;
    for (let index = 0; index < byteCount; index++) value = value * 256 + (bytes[at + index] as number);
    return value;
  }

  getUintLe(byteCount: number): number {
    const { bytes } = this.allocation.memory;
    const at = this.take(checkInteger(byteCount, 'byteCount', 1, 6));
    let value = 0;
    for (let index = byteCount - 1; index >= 0; index--) value = value * 256 + (bytes[at + index] as number);
    return value;
  }

  /** A signed integer (two's complement) of `byteCount` bytes, 1 to 6. */
  getInt(byteCount: number): number {
    return signed(this.getUint(byteCount), byteCount);
  }

  getIntLe(byteCount: number): number {
    return signed(this.getUintLe(byteCount), byteCount);
  }

  /**
   * A variable-length integer as in Protocol Buffers (base 128, the low groups first).
   * @throws RangeError when it is cut off, longer than 10 bytes, or larger than 2^53 - 1
   */
  getVarint(): number {
    return this.takeVarint(readVarint);
  }

  /** As {@link getVarint}, for values up to 2^64 - 1. */
  getVarint64(): bigint {
    return this.takeVarint(readVarint64);
  }

  /** A signed variable-length integer in zigzag form, as `sint64` of Protocol Buffers. @throws as {@link getVarint} */
  getZigzag(): number {
    return unzigzag(this.getVarint());
  }

  /** The next `byteCount` bytes as text in UTF-8. Malformed UTF-8 becomes U+FFFD. */
  getUtf8(byteCount: number): string {
    checkInteger(byteCount, 'byteCount', 0);
    const { memory } = this.live();
    if (byteCount > this.size) this.refuse(byteCount);
    const text = memory.view(this.offset, this.offset + byteCount);
    this.take(byteCount);
    return decodeText(text, 'utf8', memory.shared);
  }

  /** Whether at least `byteCount` bytes are left. */
  canRead(byteCount: number): boolean {
    return checkInteger(byteCount, 'byteCount', 0) <= this.length;
  }

  /** Drops the first `byteCount` bytes from this handle. @throws RangeError when there are fewer */
  advance(byteCount: number): void {
    this.live();
    checkInteger(byteCount, 'byteCount', 0, this.size);
    this.take(byteCount);
  }

  /** Moves past `byteCount` bytes. @returns the offset of the first one */
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

  private takeVarint<Value>(read: (bytes: Uint8Array) => { readonly value: Value; readonly length: number }): Value {
    const { value, length } = read(this.content());
    this.take(length);
    return value;
  }
}

function signed(value: number, byteCount: number): number {
  const range = 256 ** byteCount;
  return value >= range / 2 ? value - range : value;
}
