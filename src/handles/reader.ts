import { checkInteger, windowOf } from '../base/check.js';
import { compareBytes, equalBytes, indexOfBytes } from '../memory/compare.js';
import { decodeText, type TextEncoding } from '../memory/text.js';
import type { Allocation } from './allocation.js';
import { refuseIndices, toPrimitive } from './conversions.js';
import type { BytesView } from './view.js';

/** What can be read from bytes: the public methods of {@link BytesReader}. */
export interface ReadableBytes extends Pick<BytesReader, keyof BytesReader> {}

/**
 * The methods of `Bytes` that read its content. `Bytes` has them by its prototype, not by `extends`: see there.
 *
 * The readers (`get*`) mirror a buffer's writers. Each returns the value at the front and moves past it. Values are in
 * network order (big endian), or little endian in the `Le` forms. A reader that needs more bytes than are left throws
 * `RangeError` and moves nothing. Reading to the end keeps the memory until release.
 */
export abstract class BytesReader implements Iterable<number> {
  /** @internal */
  declare protected readonly allocation: Allocation;
  /** @internal Offset of the first byte in the allocation's memory. */
  declare protected offset: number;
  /** @internal Bytes; -1 once released, so that no read fits. */
  declare protected size: number;

  /** @internal The allocation. @throws ReleasedError after release */
  protected abstract live(): Allocation;

  static {
    refuseIndices(BytesReader.prototype, 'Bytes have no indices: use at(index), view or toUint8Array()');
  }

  /** Number of bytes in this handle. */
  abstract get length(): number;

  abstract get view(): BytesView;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** The byte at `index`. @throws RangeError outside `[0, length)`. */
  at(index: number): number {
    const { memory } = this.live();
    checkInteger(index, 'index', 0);
    if (index >= this.size) throw new RangeError(`index ${index} in Bytes of length ${this.size}`);
    return memory.bytes[this.offset + index] as number;
  }

  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
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

  /** Drops the first `byteCount` bytes from this handle. @throws RangeError when there are fewer */
  advance(byteCount: number): void {
    this.live();
    checkInteger(byteCount, 'byteCount', 0, this.size);
    this.take(byteCount);
  }

  /** Whether `other` holds the same bytes. */
  equals(other: ReadableBytes | Uint8Array): boolean {
    return equalBytes(this.content(), windowOver(other));
  }

  /**
   * -1, 0 or 1: whether this sorts before `other`, equals it, or sorts after it. Bytes are compared in order; a prefix
   * sorts first.
   */
  compare(other: ReadableBytes | Uint8Array): -1 | 0 | 1 {
    return compareBytes(this.content(), windowOver(other));
  }

  /** Index of the first `needle` (a byte or a run of bytes) at or after `from`, or -1. */
  indexOf(needle: number | ReadableBytes | Uint8Array, from = 0): number {
    const own = this.content();
    checkInteger(from, 'from', 0, this.size);
    if (typeof needle === 'number') return own.indexOf(checkInteger(needle, 'needle', 0, 0xff), from);
    return indexOfBytes(own, windowOver(needle), from);
  }

  /** The bytes as text. Malformed UTF-8 becomes U+FFFD. */
  toString(encoding: TextEncoding = 'utf8'): string {
    return decodeText(this.content(), encoding, this.allocation.memory.shared);
  }

  /** The {@link view}. `Buffer.from(bytes)` copies it. */
  valueOf(): BytesView {
    return this.view;
  }

  /**
   * Text, for template literals and the like.
   * @throws TypeError for bytes that are not UTF-8, and where a number is asked for
   */
  [Symbol.toPrimitive](hint: string): string {
    return toPrimitive(hint, 'Bytes', () => this.toUint8Array());
  }

  /** A copy on the heap. */
  toUint8Array(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.content());
  }

  /** What JSON shows: never the memory. */
  toJSON(): { type: 'Bytes'; length: number } {
    return { type: 'Bytes', length: Math.max(0, this.size) };
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

  /** @internal The bytes for the length of one call, without lending them. */
  protected content(): Uint8Array {
    return this.live().memory.view(this.offset, this.offset + this.size);
  }

  /** @internal */
  static contentOf(source: ReadableBytes): Uint8Array {
    return (source as BytesReader).content();
  }
}

/** The content of bytes for the length of one call, without lending it. */
export function contentOf(source: ReadableBytes): Uint8Array {
  return BytesReader.contentOf(source);
}

function windowOver(source: unknown): Uint8Array {
  return source instanceof BytesReader ? contentOf(source) : windowOf(source, 'other');
}
