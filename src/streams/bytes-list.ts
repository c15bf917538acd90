import { checkInteger, describe } from '../base/check.js';
import { contentOf, windowOver } from '../handles/content.js';
import { refuseIndices, toPrimitive } from '../handles/conversions.js';
import { type ReaderMethods, readThrough, type SearchMethods } from '../handles/read-through.js';
import { type ArenaBuffer, Bytes, type BytesView, ReleasedError, type TextEncoding } from '../index.js';
import { inspectAs } from '../memory/inspect.js';
import { compareBytes } from '../memory/search.js';

const FEW = 16;

/**
 * Bytes in several pieces of memory, in order, as one value: a record that straddles chunks, or a header and its body.
 * The list owns its pieces. It copies nothing, except in the methods that say so. It has the readers and peeks of
 * `Bytes`, also where a value straddles pieces; a reader drops what it read. The searching methods look at a contiguous
 * copy when there are several pieces.
 */
export class BytesList implements Iterable<Bytes> {
  private pieces: Bytes[] | undefined;
  /** Handles that were given out for reading. */
  private borrowed: Bytes[] = [];
  /** At this many, those that were released are dropped. */
  private mostBorrowed = FEW;
  private size = 0;

  static {
    refuseIndices(BytesList.prototype, 'a BytesList has no indices: use at(index), views() or toUint8Array()');
    readThrough(BytesList.prototype, (list, start, least) => list.window(start, least));
    inspectAs(BytesList.prototype, function () {
      return this.pieces === undefined
        ? 'BytesList <released>'
        : `BytesList(${this.size}) [ ${this.pieces.length} pieces ]`;
    });
  }

  /**
   * A list of `pieces`. It takes their handles over: they are used up.
   * @throws TypeError unless all are Bytes; RangeError for the same handle twice; ReleasedError. All handles stay as
   *   they are then
   */
  constructor(pieces: Iterable<Bytes> = []) {
    const given = [...pieces];
    // All lengths first: a released handle throws before any other is taken over.
    let size = 0;
    for (const piece of given) size += checkPiece(piece).length;
    if (new Set(given).size < given.length) throw new RangeError('the same handle is given twice: clone() it');
    const own: Bytes[] = [];
    for (const piece of given) {
      if (piece.isEmpty) Bytes.giveBack(piece);
      else own.push(takenOver(piece));
    }
    this.pieces = own;
    this.size = size;
  }

  /** Bytes in all pieces. */
  get length(): number {
    this.live();
    return this.size;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  get isReleased(): boolean {
    return this.pieces === undefined;
  }

  /** Number of pieces; none is empty. */
  get pieceCount(): number {
    return this.live().length;
  }

  /**
   * A handle on each piece, for reading. Reading from it leaves the list as it is. The list releases these handles when
   * it is split, advanced (a reader of the list advances it) or released.
   */
  *[Symbol.iterator](): Generator<Bytes, undefined, undefined> {
    for (const piece of this.live()) {
      const borrowed = piece.clone();
      this.keepBorrowed(borrowed);
      yield borrowed;
    }
    return undefined;
  }

  /**
   * Adds `bytes`, or the pieces of a list, at the end. It takes the handle over: it is used up.
   * @throws TypeError for other values; ReleasedError; RangeError for the list itself
   */
  append(bytes: Bytes | BytesList): this {
    this.live().push(...this.added(bytes));
    return this;
  }

  /** As {@link append}, at the front. */
  prepend(bytes: Bytes | BytesList): this {
    this.live().unshift(...this.added(bytes));
    return this;
  }

  /**
   * Drops the first `byteCount` bytes, and pieces that are not needed any more.
   * @throws RangeError when there are fewer
   */
  advance(byteCount: number): void {
    const pieces = this.live();
    checkInteger(byteCount, 'byteCount', 0, this.size);
    this.releaseBorrowed(); // or a piece that leaves would stay in use
    let rest = byteCount;
    for (let [first] = pieces; first !== undefined && rest >= first.length; [first] = pieces) {
      rest -= first.length;
      Bytes.giveBack(first);
      pieces.shift();
    }
    pieces[0]?.advance(rest);
    this.size -= byteCount;
  }

  /** All bytes, one by one. */
  *bytes(): Generator<number, undefined, undefined> {
    for (const piece of this) yield* piece;
    return undefined;
  }

  /** The byte at `index`. @throws RangeError outside `[0, length)` */
  at(index: number): number {
    const pieces = this.live();
    checkInteger(index, 'index', 0);
    let rest = index;
    for (const piece of pieces) {
      if (rest < piece.length) return piece.at(rest);
      rest -= piece.length;
    }
    throw new RangeError(`index ${index} in a BytesList of length ${this.size}`);
  }

  /** Another list of the same bytes. Release each list on its own. */
  clone(): BytesList {
    return new BytesList(this.live().map((piece) => piece.clone()));
  }

  /**
   * Another list, of `[start, end)` of these bytes. Release each list on its own. It holds only the pieces it needs.
   * @throws RangeError unless `0 <= start <= end <= length`
   */
  slice(start = 0, end: number = this.length): BytesList {
    const pieces = this.live();
    checkInteger(end, 'end', 0, this.size);
    checkInteger(start, 'start', 0, end);
    const slices: Bytes[] = [];
    let offset = 0;
    for (const piece of pieces) {
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, piece.length);
      if (from < to) slices.push(piece.slice(from, to));
      offset += piece.length;
    }
    return new BytesList(slices);
  }

  /**
   * Cuts off the first `at` bytes and returns them as a new list. The rest stays in this one.
   * @throws RangeError unless `0 <= at <= length`
   */
  split(at: number): BytesList {
    const pieces = this.live();
    checkInteger(at, 'at', 0, this.size);
    this.releaseBorrowed(); // or a piece that leaves would stay in use
    let whole = 0;
    let rest = at;
    for (; rest > 0 && rest >= lengthAt(pieces, whole); whole++) rest -= lengthAt(pieces, whole);
    const head = pieces.splice(0, whole);
    const cut = rest > 0 ? pieces[0]?.splitTo(rest) : undefined;
    if (cut !== undefined) head.push(cut);
    this.size -= at;
    return new BytesList(head);
  }

  /** Whether `other` holds the same bytes. */
  equals(other: Bytes | BytesList | Uint8Array): boolean {
    return this.compare(other) === 0;
  }

  /**
   * -1, 0 or 1: whether this sorts before `other`, equals it, or sorts after it, byte by byte; a prefix sorts first.
   */
  compare(other: Bytes | BytesList | Uint8Array): -1 | 0 | 1 {
    return compareBytes(this.whole(), other instanceof BytesList ? other.whole() : windowOver(other));
  }

  /**
   * All bytes as one `Bytes`, to be released on its own: another handle on the only piece, or a copy. The copy lies in
   * `arena` if that is given, else on the heap.
   * @throws AllocError as `arena.allocate` does
   */
  toBytes(arena?: { allocate(length: number): ArenaBuffer }): Bytes {
    const pieces = this.live();
    const [first] = pieces;
    if (first === undefined) return Bytes.empty;
    if (pieces.length === 1) return first.clone();
    if (arena === undefined) return Bytes.wrap(this.toUint8Array());
    const buffer = arena.allocate(this.size);
    try {
      return buffer.put(pieces).freeze();
    } finally {
      buffer[Symbol.dispose]();
    }
  }

  /** The pieces as borrowed views, for vectored writes. They are valid until the list is released. */
  views(): BytesView[] {
    return this.live().map((piece) => piece.view);
  }

  /** One contiguous copy on the heap. */
  toUint8Array(): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.length);
    copyInto(copy, this);
    return copy;
  }

  /** The bytes of `[start, end)` as text, from one contiguous copy. Malformed UTF-8 becomes U+FFFD. */
  toString(encoding: TextEncoding = 'utf8', start = 0, end: number = this.length): string {
    return Bytes.wrap(this.whole()).toString(encoding, start, end);
  }

  /** A copy of all pieces together. `Buffer.from(list)` copies it. */
  valueOf(): Uint8Array<ArrayBuffer> {
    return this.toUint8Array();
  }

  /**
   * Text, for template literals and the like.
   * @throws TypeError for bytes that are not UTF-8, and where a number is asked for
   */
  [Symbol.toPrimitive](hint: string): string {
    return toPrimitive(hint, 'a BytesList', () => this.toUint8Array());
  }

  /** What JSON shows: never the memory. */
  toJSON(): { type: 'BytesList'; length: number } {
    return { type: 'BytesList', length: this.size };
  }

  /** Releases every piece. A second call does nothing. */
  release(): void {
    const { pieces } = this;
    this.pieces = undefined;
    this.size = 0;
    for (const piece of pieces ?? []) Bytes.giveBack(piece);
    this.releaseBorrowed();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  private keepBorrowed(bytes: Bytes): void {
    if (this.borrowed.length >= this.mostBorrowed) {
      this.borrowed = this.borrowed.filter((piece) => !piece.isReleased);
      this.mostBorrowed = Math.max(FEW, 2 * this.borrowed.length);
    }
    this.borrowed.push(bytes);
  }

  private releaseBorrowed(): void {
    if (this.borrowed.length === 0) return;
    for (const piece of this.borrowed.splice(0)) if (!piece.isReleased) Bytes.giveBack(piece);
  }

  /** Bytes that begin at `start`: at least `least`, or all that are left. The caller releases them. */
  private window(start: number, least: number): Bytes {
    const [first] = this.live();
    const end = Math.min(start + least, this.size);
    if (first !== undefined && end <= first.length) return first.slice(Math.min(start, first.length));
    const part = this.slice(start, end);
    try {
      return Bytes.wrap(part.toUint8Array());
    } finally {
      part.release();
    }
  }

  /** All bytes for the length of one call: the only piece itself, or a copy. */
  private whole(): Uint8Array {
    const [first, ...others] = this.live();
    return first !== undefined && others.length === 0 ? contentOf(first) : this.toUint8Array();
  }

  /** The pieces of `bytes` under handles of this list, counted. */
  private added(bytes: Bytes | BytesList): Bytes[] {
    this.live();
    if (bytes === this) throw new RangeError('a list cannot be added to itself: clone() it');
    if (bytes instanceof BytesList) {
      const pieces = bytes.live().splice(0);
      this.size += bytes.size;
      bytes.release();
      return pieces;
    }
    this.size += checkPiece(bytes).length;
    if (!bytes.isEmpty) return [takenOver(bytes)];
    Bytes.giveBack(bytes);
    return [];
  }

  private live(): Bytes[] {
    if (this.pieces === undefined) throw new ReleasedError('BytesList');
    return this.pieces;
  }
}

// The linter's rule against this is off for this file: the static block above gives the class what the interface
// promises.
export interface BytesList extends ReaderMethods, SearchMethods {}

/** @throws TypeError for anything but Bytes and BytesList */
export function checkWritten(bytes: unknown): void {
  if (bytes instanceof Bytes || bytes instanceof BytesList) return;
  throw new TypeError(`bytes must be Bytes or a BytesList, got ${describe(bytes)}`);
}

/**
 * Releases bytes that an adapter took over. It never throws: an error that a guarded arena finds then is thrown in a
 * task of its own.
 */
export function giveBack(bytes: Bytes | BytesList): void {
  if (bytes instanceof BytesList) bytes.release();
  else Bytes.giveBack(bytes);
}

/** The content as borrowed views, in order. */
export function viewsOf(bytes: Bytes | BytesList): BytesView[] {
  return bytes instanceof BytesList ? bytes.views() : [bytes.view];
}

/** Copies as much of `bytes` as fits to the front of `target`. @returns the number of bytes copied */
export function copyInto(target: Uint8Array, bytes: Bytes | BytesList): number {
  let offset = 0;
  for (const view of viewsOf(bytes)) {
    const part = view.length > target.length - offset ? view.subarray(0, target.length - offset) : view;
    target.set(part, offset);
    offset += part.length;
  }
  return offset;
}

function lengthAt(pieces: readonly Bytes[], index: number): number {
  return pieces[index]?.length ?? Number.POSITIVE_INFINITY;
}

/** The bytes under a handle of the list's own, so that nobody else can move or release it. */
function takenOver(piece: Bytes): Bytes {
  const own = piece.clone();
  Bytes.giveBack(piece);
  return own;
}

function checkPiece(piece: unknown): Bytes {
  if (piece instanceof Bytes) return piece;
  throw new TypeError(`a piece must be Bytes, got ${describe(piece)}`);
}
