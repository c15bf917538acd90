import {
  byteLengthOf,
  checkInteger,
  checkNumber,
  checkString,
  refuseBigInt,
  refuseInteger,
  steady,
} from '../base/check.js';
import { BufferFullError, ReleasedError } from '../base/errors.js';
import { utf8Length, writeUtf8 } from '../memory/text.js';
import { type Allocation, SPENT as SPENT_ALLOCATION } from './allocation.js';
import type { ReadableBytes } from './content.js';
import { refuseIndices } from './conversions.js';
import { RareWriters } from './rare-writers.js';
import type { BytesView } from './view.js';

const SPENT = SPENT_ALLOCATION; // see handles.ts

/**
 * The writers that `ArenaBuffer` and `BytesMut` share.
 *
 * Integers and floats are written in network order (big endian), or little endian in the `Le` forms. Every writer
 * returns `this`. A writer that throws has changed nothing:
 * - `TypeError` for a value of the wrong type, `RangeError` for an integer that its field cannot hold;
 * - {@link BufferFullError} when the bytes do not fit and the buffer cannot grow;
 * - {@link ReleasedError} after the buffer was frozen or abandoned.
 *
 * The class has two fields and no more. Every allocation makes such an object, and its size is work for the collector.
 * Everything else is in the record, which is reused.
 */
export abstract class ByteWriter {
  /** @internal The allocation being written, or SPENT. */
  protected allocation: Allocation;
  /** @internal Offset of the next byte in the allocation's memory. */
  protected cursor: number;

  static {
    refuseIndices(ByteWriter.prototype, 'a buffer has no indices: freeze it first, and use the view of its bytes');
    // By the prototype and not by `extends`: a further `super()` takes a round trip 1.2 times as long (Node 20).
    Object.setPrototypeOf(ByteWriter.prototype, RareWriters.prototype);
  }

  protected constructor(allocation: Allocation, cursor: number) {
    this.allocation = allocation;
    this.cursor = cursor;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.cursor - this.live().start;
  }

  /** Number of bytes that the buffer can hold in its present memory. */
  get capacity(): number {
    const allocation = this.live();
    return allocation.limit - allocation.start;
  }

  /** Whether nothing has been written. */
  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Number of bytes that can still be written: `capacity - length`, or 2^53 - 1 when the buffer can grow. */
  remainingMut(): number {
    const allocation = this.live();
    return this.grows(allocation) ? Number.MAX_SAFE_INTEGER : allocation.limit - this.cursor;
  }

  /** Whether `byteCount` more bytes can be written. */
  willFit(byteCount: number): boolean {
    return checkInteger(byteCount, 'byteCount', 0) <= this.remainingMut();
  }

  /** Appends a copy of `source`. */
  putSlice(source: Uint8Array): this {
    const byteCount = byteLengthOf(source, 'source');
    const { allocation, cursor } = this;
    if (cursor + byteCount > allocation.limit) return this.putSliceInNewRoom(steady(source, 'source'));
    const room = allocation.room ?? allocation.ownRoom();
    // The room is also empty when its memory was detached.
    if (room.length === 0) return this.putSteady(steady(source, 'source'));
    try {
      room.set(source, cursor - allocation.offset);
    } catch {
      return this.putSteady(steady(source, 'source')); // another thread just made the source longer than the room
    }
    // The source grew, but still fitted: its first bytes count, and the rest is marked to be scrubbed.
    if (byteLengthOf(source, 'source') !== byteCount) allocation.dirtyEnd = allocation.limit;
    this.cursor = cursor + byteCount;
    return this;
  }

  /** Appends a copy of `source` if it fits. @returns whether it did */
  tryPutSlice(source: Uint8Array): boolean {
    const steadySource = steady(source, 'source');
    if (byteLengthOf(steadySource, 'source') > this.remainingMut()) return false;
    this.putSlice(steadySource);
    return true;
  }

  /** Appends `byteCount` bytes of `value` (0 to 255). */
  putBytes(value: number, byteCount: number): this {
    if (typeof value !== 'number' || (value & 0xff) !== value) refuseInteger(value, 'value', 0, 0xff);
    checkInteger(byteCount, 'byteCount', 0);
    const at = this.claim(byteCount);
    this.allocation.memory.fill(value, at, at + byteCount);
    this.cursor = at + byteCount;
    return this;
  }

  /** Appends `text` in UTF-8. A lone surrogate is written as U+FFFD. */
  putUtf8(text: string): this {
    checkString(text, 'text');
    const byteCount = utf8Length(text);
    const at = this.claim(byteCount);
    writeUtf8(this.allocation.memory, text, at, byteCount);
    this.cursor = at + byteCount;
    return this;
  }

  putU8(value: number): this {
    if (typeof value !== 'number' || (value & 0xff) !== value) refuseInteger(value, 'value', 0, 0xff);
    const at = this.claim(1);
    this.allocation.memory.bytes[at] = value;
    this.cursor = at + 1;
    return this;
  }

  putI8(value: number): this {
    if (typeof value !== 'number' || (value << 24) >> 24 !== value) refuseInteger(value, 'value', -0x80, 0x7f);
    const at = this.claim(1);
    this.allocation.memory.bytes[at] = value;
    this.cursor = at + 1;
    return this;
  }

  putU16(value: number): this {
    return this.writeU16(value, false);
  }

  putU16Le(value: number): this {
    return this.writeU16(value, true);
  }

  putI16(value: number): this {
    return this.writeI16(value, false);
  }

  putI16Le(value: number): this {
    return this.writeI16(value, true);
  }

  putU32(value: number): this {
    return this.writeU32(value, false);
  }

  putU32Le(value: number): this {
    return this.writeU32(value, true);
  }

  putI32(value: number): this {
    return this.writeI32(value, false);
  }

  putI32Le(value: number): this {
    return this.writeI32(value, true);
  }

  putU64(value: bigint): this {
    return this.writeU64(value, false);
  }

  putU64Le(value: bigint): this {
    return this.writeU64(value, true);
  }

  putI64(value: bigint): this {
    return this.writeI64(value, false);
  }

  putI64Le(value: bigint): this {
    return this.writeI64(value, true);
  }

  putF32(value: number): this {
    return this.writeF32(value, false);
  }

  putF32Le(value: number): this {
    return this.writeF32(value, true);
  }

  putF64(value: number): this {
    return this.writeF64(value, false);
  }

  putF64Le(value: number): this {
    return this.writeF64(value, true);
  }

  /**
   * Lends the writable rest of the buffer, so that `fs.read`, a socket or WebAssembly can write into it. Then call
   * {@link advanceMut} with the number of bytes written. The view is valid until the next call that writes, freezes or
   * abandons. It is empty when the buffer is full and cannot grow.
   */
  chunkMut(): Uint8Array {
    const allocation = this.live();
    if (this.cursor === allocation.limit && this.grows(allocation)) this.makeRoom(1);
    return this.lendRest(this.allocation);
  }

  /**
   * Counts the first `byteCount` bytes of {@link chunkMut} as written.
   * @throws BufferFullError when that is more than the capacity. Growing would not help: nobody wrote those bytes
   */
  advanceMut(byteCount: number): this {
    checkInteger(byteCount, 'byteCount', 0);
    const remaining = this.live().limit - this.cursor;
    if (byteCount > remaining) throw new BufferFullError(remaining, byteCount);
    this.cursor += byteCount;
    return this;
  }

  /** What JSON shows: never the memory. */
  toJSON(): { type: string; length: number } {
    const { allocation } = this;
    return { type: this.handleName(), length: allocation === SPENT ? 0 : this.cursor - allocation.start };
  }

  /** @internal Whether a full buffer moves to larger memory instead of throwing. */
  protected abstract grows(allocation: Allocation): boolean;

  /** @internal Moves the content to memory with `byteCount` free bytes, and appends `tail` if it is given. */
  protected abstract grow(allocation: Allocation, byteCount: number, tail: Uint8Array | undefined): void;

  /** @internal The name of the class, for errors. */
  protected abstract handleName(): string;

  /** @internal The allocation. @throws ReleasedError after the buffer was used up */
  protected live(): Allocation {
    const allocation = this.allocation;
    if (allocation === SPENT) throw this.released();
    return allocation;
  }

  /** @internal The error for a buffer that is used up. */
  protected released(): ReleasedError {
    return new ReleasedError(this.handleName());
  }

  /**
   * The slow way, for memory in which a source that grew would run over the end. It checks the source's buffer, which
   * costs 10 ns.
   */
  private putSteady(source: Uint8Array): this {
    const byteCount = byteLengthOf(source, 'source');
    const at = this.claim(byteCount);
    this.allocation.memory.bytes.set(source, at);
    this.cursor = at + byteCount;
    return this;
  }

  private putSliceInNewRoom(source: Uint8Array): this {
    const allocation = this.live();
    const byteCount = byteLengthOf(source, 'source');
    if (!this.grows(allocation)) throw new BufferFullError(allocation.limit - this.cursor, byteCount);
    // The source may lie in the old memory: copy it before that memory is returned, and perhaps scrubbed.
    this.grow(allocation, byteCount, source);
    return this;
  }

  private lendRest(allocation: Allocation): Uint8Array {
    const rest = allocation.lendView(this.cursor, allocation.limit - this.cursor);
    allocation.dirtyEnd = allocation.limit;
    return rest;
  }

  /** The offset where `byteCount` bytes can be written now. The caller moves the cursor when they are written. */
  private claim(byteCount: number): number {
    const at = this.cursor;
    return at + byteCount <= this.allocation.limit ? at : this.makeRoom(byteCount);
  }

  private makeRoom(byteCount: number): number {
    // A loop, because growing returns memory, and a custom waiter strategy that is woken by that may write to this
    // buffer.
    for (let allocation = this.live(); this.cursor + byteCount > allocation.limit; allocation = this.live()) {
      if (!this.grows(allocation)) throw new BufferFullError(allocation.limit - this.cursor, byteCount);
      this.grow(allocation, byteCount, undefined);
    }
    return this.cursor;
  }

  private writeU16(value: number, littleEndian: boolean): this {
    if (typeof value !== 'number' || (value & 0xffff) !== value) refuseInteger(value, 'value', 0, 0xffff);
    const at = this.claim(2);
    this.allocation.memory.data.setUint16(at, value, littleEndian);
    this.cursor = at + 2;
    return this;
  }

  private writeI16(value: number, littleEndian: boolean): this {
    if (typeof value !== 'number' || (value << 16) >> 16 !== value) refuseInteger(value, 'value', -0x8000, 0x7fff);
    const at = this.claim(2);
    this.allocation.memory.data.setInt16(at, value, littleEndian);
    this.cursor = at + 2;
    return this;
  }

  private writeU32(value: number, littleEndian: boolean): this {
    if (typeof value !== 'number' || value >>> 0 !== value) refuseInteger(value, 'value', 0, 0xffff_ffff);
    const at = this.claim(4);
    this.allocation.memory.data.setUint32(at, value, littleEndian);
    this.cursor = at + 4;
    return this;
  }

  private writeI32(value: number, littleEndian: boolean): this {
    if (typeof value !== 'number' || (value | 0) !== value) refuseInteger(value, 'value', -0x8000_0000, 0x7fff_ffff);
    const at = this.claim(4);
    this.allocation.memory.data.setInt32(at, value, littleEndian);
    this.cursor = at + 4;
    return this;
  }

  private writeU64(value: bigint, littleEndian: boolean): this {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
      refuseBigInt(value, 'value', 0n, 2n ** 64n - 1n);
    }
    const at = this.claim(8);
    this.allocation.memory.data.setBigUint64(at, value, littleEndian);
    this.cursor = at + 8;
    return this;
  }

  private writeI64(value: bigint, littleEndian: boolean): this {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) {
      refuseBigInt(value, 'value', -(2n ** 63n), 2n ** 63n - 1n);
    }
    const at = this.claim(8);
    this.allocation.memory.data.setBigInt64(at, value, littleEndian);
    this.cursor = at + 8;
    return this;
  }

  private writeF32(value: number, littleEndian: boolean): this {
    checkNumber(value, 'value');
    const at = this.claim(4);
    this.allocation.memory.data.setFloat32(at, value, littleEndian);
    this.cursor = at + 4;
    return this;
  }

  private writeF64(value: number, littleEndian: boolean): this {
    checkNumber(value, 'value');
    const at = this.claim(8);
    this.allocation.memory.data.setFloat64(at, value, littleEndian);
    this.cursor = at + 8;
    return this;
  }
}

// The methods of RareWriters. The linter's rule against this is off for this file: the static block above gives the
// class what the interface promises.
export interface ByteWriter {
  /** Appends an unsigned integer of `byteCount` bytes, 1 to 6. */
  putUint(value: number, byteCount: number): this;
  putUintLe(value: number, byteCount: number): this;
  /** Appends a signed integer (two's complement) of `byteCount` bytes, 1 to 6. */
  putInt(value: number, byteCount: number): this;
  putIntLe(value: number, byteCount: number): this;
  /** Appends `value` (0 to 2^64 - 1) as a variable-length integer of Protocol Buffers, in 1 to 10 bytes. */
  putVarint(value: number | bigint): this;
  /** Appends `value` (-2^63 to 2^63 - 1) as a variable-length integer in zigzag form, in 1 to 10 bytes. */
  putZigzag(value: number | bigint): this;
  /**
   * Appends a copy of `bytes`, or of all pieces of a list, without lending a view.
   * @throws TypeError for other values; the pieces of a list before a bad one are written then
   */
  put(bytes: ReadableBytes | Iterable<ReadableBytes>): this;
  /**
   * Overwrites `byteCount` bytes (1 to 6) at index `at` of the content with an unsigned integer, for example with a
   * length that is known only at the end.
   * @throws RangeError unless the bytes are already written
   */
  setUint(at: number, value: number, byteCount: number): this;
  setUintLe(at: number, value: number, byteCount: number): this;
  setU8(at: number, value: number): this;
  setU16(at: number, value: number): this;
  setU16Le(at: number, value: number): this;
  setU32(at: number, value: number): this;
  setU32Le(at: number, value: number): this;
  /** The bytes written so far, as a borrowed view. It is valid until the next call that writes, freezes or abandons. */
  readonly written: BytesView;
}
