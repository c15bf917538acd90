import { checkInteger, describe, windowOf } from '../base/check.js';
import { compareBytes, equalBytes, FEW_BYTES, indexOfBytes, indexOfFew, lastIndexOfBytes } from '../memory/search.js';
import { decodeText, encodeText, type TextEncoding } from '../memory/text.js';
import type { Allocation } from './allocation.js';
import { refuseIndices, toPrimitive } from './conversions.js';
import type { BytesView } from './view.js';

/** What can be read from bytes: the public methods of {@link BytesContent}. */
export interface ReadableBytes extends Pick<BytesContent, keyof BytesContent> {}

/** What can be searched for: a byte (0 to 255), a run of bytes, or a text, as UTF-8. */
export type Needle = number | string | ReadableBytes | Uint8Array;

/**
 * The methods of `Bytes` that look at its content and consume nothing. `Bytes` has them by its prototype, not by
 * `extends`: see there.
 */
export abstract class BytesContent implements Iterable<number> {
  /** @internal */
  declare protected readonly allocation: Allocation;
  /** @internal Offset of the first byte in the allocation's memory. */
  declare protected offset: number;
  /** @internal Number of bytes; -1 after release, so that no read fits. */
  declare protected size: number;

  static {
    refuseIndices(BytesContent.prototype, 'Bytes have no indices: use at(index), view or toUint8Array()');
  }

  /** @internal The allocation. @throws ReleasedError after release */
  protected abstract live(): Allocation;

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

  /**
   * Index of the first `needle` at or after `from`, or -1. An empty needle is found at `from`.
   * @throws RangeError unless `0 <= from <= length`
   */
  indexOf(needle: Needle, from = 0): number {
    const { memory } = this.live();
    const { offset, size } = this;
    checkInteger(from, 'from', 0, size);
    const run = runOf(needle);
    if (size - from > FEW_BYTES || run.length === 0) return indexOfBytes(this.content(), run, from);
    const found = indexOfFew(memory, offset + from, offset + size, run);
    return found < 0 ? -1 : found - offset;
  }

  /**
   * Index of the last `needle` that begins at or before `from`, or -1. An empty needle is found at `from`.
   * @throws RangeError unless `0 <= from <= length`
   */
  lastIndexOf(needle: Needle, from: number = this.length): number {
    const own = this.content();
    checkInteger(from, 'from', 0, this.size);
    if (typeof needle !== 'number') return lastIndexOfBytes(own, runOf(needle), from);
    checkInteger(needle, 'needle', 0, 0xff);
    return own.length === 0 ? -1 : own.lastIndexOf(needle, from);
  }

  /** Whether `needle` occurs at or after `from`. */
  includes(needle: Needle, from = 0): boolean {
    return this.indexOf(needle, from) >= 0;
  }

  startsWith(needle: Needle): boolean {
    const run = runOf(needle);
    const own = this.content();
    return equalBytes(own.subarray(0, run.length), run);
  }

  endsWith(needle: Needle): boolean {
    const run = runOf(needle);
    const own = this.content();
    return run.length <= own.length && equalBytes(own.subarray(own.length - run.length), run);
  }

  /**
   * The bytes of `[start, end)` as text. Malformed UTF-8 becomes U+FFFD.
   * @throws RangeError unless `0 <= start <= end <= length`; TypeError for another encoding
   */
  toString(encoding: TextEncoding = 'utf8', start = 0, end: number = this.length): string {
    return decodeText(this.part(start, end), encoding, this.allocation.memory.shared);
  }

  /**
   * Copies `[start, end)` into `target` from `targetStart` on, as much as fits there.
   * @returns the number of bytes copied
   * @throws TypeError unless `target` is a Uint8Array; RangeError for offsets out of range
   */
  copyTo(target: Uint8Array, targetStart = 0, start = 0, end: number = this.length): number {
    const room = windowOf(target, 'target');
    checkInteger(targetStart, 'targetStart', 0, room.length);
    const part = this.part(start, end);
    const count = Math.min(part.length, room.length - targetStart);
    room.set(part.subarray(0, count), targetStart);
    return count;
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

  /** @internal The bytes for the length of one call, without lending them. */
  protected content(): Uint8Array {
    return this.live().memory.view(this.offset, this.offset + this.size);
  }

  private part(start: number, end: number): Uint8Array {
    const { memory } = this.live();
    checkInteger(end, 'end', 0, this.size);
    checkInteger(start, 'start', 0, end);
    return memory.view(this.offset + start, this.offset + end);
  }

  /** @internal */
  static contentOf(source: ReadableBytes): Uint8Array {
    return (source as BytesContent).content();
  }
}

/** The content of bytes for the length of one call, without lending it. */
export function contentOf(source: ReadableBytes): Uint8Array {
  return BytesContent.contentOf(source);
}

/** The content of `Bytes`, or a Uint8Array. @throws TypeError for other values */
export function windowOver(source: unknown): Uint8Array {
  return source instanceof BytesContent ? contentOf(source) : windowOf(source, 'other');
}

/** By byte: a run of it alone, made at its first use. */
const runsOfOne: Uint8Array[] = [];

/** The bytes of a needle. @throws TypeError unless it is a {@link Needle}; RangeError for a byte out of range */
export function runOf(needle: unknown, name = 'needle'): Uint8Array {
  if (typeof needle === 'string') return runOfText(needle);
  if (typeof needle === 'number') return runOfByte(checkInteger(needle, name, 0, 0xff));
  if (needle instanceof BytesContent) return contentOf(needle);
  if (needle instanceof Uint8Array) return windowOf(needle, name);
  throw new TypeError(`${name} must be a byte, a string, Bytes or a Uint8Array, got ${describe(needle)}`);
}

function runOfByte(byte: number): Uint8Array {
  runsOfOne[byte] ??= Uint8Array.of(byte);
  return runsOfOne[byte];
}

/** The text that was searched for last. Loops over records search for the same one again and again. */
let lastText = '';
let lastRun: Uint8Array = encodeText('');

function runOfText(text: string): Uint8Array {
  if (text !== lastText) {
    lastRun = encodeText(text);
    lastText = text;
  }
  return lastRun;
}
