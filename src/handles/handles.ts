import { checkInteger, windowOf } from '../base/check.js';
import { ReleasedError } from '../base/errors.js';
import { compareBytes, equalBytes, indexOfBytes } from '../memory/compare.js';
import { grownMemory } from '../memory/heap-memory.js';
import { inspectAs, preview } from '../memory/inspect.js';
import { isShared, Memory } from '../memory/memory.js';
import { decodeText, type TextEncoding } from '../memory/text.js';
import {
  type Allocation,
  EMPTY,
  heapAllocation,
  isOnHeap,
  SPENT as SPENT_ALLOCATION,
  wrappedAllocation,
} from './allocation.js';
import { EMPTY_TICKET, type Ticket } from './tickets.js';
import { ByteWriter } from './writer.js';

// A constant of this module is folded into optimised code; an imported one is loaded, and storing it keeps V8 from
// optimising a short-lived handle away: 6 ns and garbage against 4 ns and none (Node 20 and 24).
const SPENT = SPENT_ALLOCATION;

// The three classes turn into each other (freeze, tryIntoMut, intoOwned), so they share a file: apart they would
// import in a circle.

/**
 * A Uint8Array whose type does not invite writes. It goes wherever a Uint8Array is asked for; JavaScript cannot
 * enforce that nobody writes.
 */
export interface BytesView extends Uint8Array {
  readonly [index: number]: number;
  copyWithin(target: never, start: never): this;
  fill(value: never): this;
  reverse(this: never): this;
  set(source: never): void;
  sort(this: never): this;
  subarray(begin?: number, end?: number): BytesView;
}

/**
 * A writable buffer over one allocation of an arena, with the only handle on it.
 *
 * Write with the `put*` methods or into {@link chunkMut}, then {@link freeze} it into {@link Bytes}, or
 * {@link abandon} it. Disposing (`using`) abandons a buffer that was not frozen and leaves a frozen one alone.
 */
export class ArenaBuffer extends ByteWriter {
  static {
    inspectAs(ArenaBuffer.prototype, function () {
      const allocation = this.allocation;
      if (allocation === SPENT) return 'ArenaBuffer <released>';
      return `ArenaBuffer(${this.length}/${this.capacity}) ${preview(allocation.memory, allocation.start, this.length)}`;
    });
  }

  protected constructor(allocation: Allocation, cursor: number) {
    super(allocation, cursor);
  }

  /** @internal A buffer with the only handle on `allocation`; what lies before `cursor` is already written. */
  static over(allocation: Allocation, cursor: number = allocation.offset): ArenaBuffer {
    return new ArenaBuffer(allocation, cursor);
  }

  /** Whether the content moved to the heap because it outgrew the slot or block. */
  get isSpilled(): boolean {
    return isOnHeap(this.live());
  }

  /** Ends writing: the bytes written, immutable. This buffer is used up. Empty content returns the memory at once. */
  freeze(): Bytes {
    const allocation = this.live();
    const start = allocation.start;
    const length = this.cursor - start;
    allocation.owner.countFreeze();
    this.giveUp(allocation);
    if (length === 0) {
      allocation.owner.release(allocation);
      return Bytes.over(EMPTY, 0, 0);
    }
    return Bytes.over(allocation, start, length);
  }

  /** Returns the memory without freezing. Does nothing on a buffer that was frozen or abandoned. */
  abandon(): void {
    const allocation = this.allocation;
    if (allocation === SPENT) return;
    this.giveUp(allocation);
    allocation.owner.release(allocation);
  }

  [Symbol.dispose](): void {
    this.abandon();
  }

  /** @internal */
  protected override grows(allocation: Allocation): boolean {
    return allocation.owner.spills;
  }

  /** @internal Moves to the heap; what was an arena's goes back to it at once. */
  protected override grow(allocation: Allocation, byteCount: number, tail: Uint8Array | undefined): void {
    const { owner, start } = allocation;
    const used = this.cursor - start;
    const grown = owner.spillTo(used, byteCount);
    const { bytes } = grown.memory;
    if (used > 0) bytes.set(allocation.content(start, used));
    if (tail !== undefined) bytes.set(tail, used);
    this.giveUp(allocation);
    this.allocation = grown;
    this.cursor = tail === undefined ? used : used + byteCount;
    owner.countSpill();
    owner.release(allocation);
  }

  /** @internal */
  protected override handleName(): string {
    return 'ArenaBuffer';
  }

  /** @internal */
  protected giveUp(allocation: Allocation): void {
    if (this.cursor > allocation.dirtyEnd) allocation.dirtyEnd = this.cursor;
    this.allocation = SPENT;
  }
}

/**
 * Immutable bytes, shared by counting references: {@link clone} and {@link slice} copy nothing, and the memory
 * returns to its arena when the last handle on it is released.
 *
 * The readers (`get*`) mirror a buffer's writers: each returns the value at the front, in network order (big endian) or
 * little endian by the `Le` forms, and moves past it. One that needs more bytes than are left throws `RangeError` and
 * moves nothing. Reading to the end keeps the memory until release.
 *
 * Every method but {@link release}, {@link isReleased} and disposal throws {@link ReleasedError} after release.
 *
 * Without a base class: `super()` keeps V8 from optimising short-lived handles away. Clone and release took 12 ns with
 * one and 3 without (Node 20).
 */
export class Bytes implements Iterable<number> {
  /** @internal */
  protected allocation: Allocation;
  /** @internal Offset of the first byte in the allocation's memory. */
  protected offset: number;
  /** @internal Bytes; -1 once released, so that no read fits. */
  protected size: number;
  private borrowed: BytesView | undefined;

  static {
    inspectAs(Bytes.prototype, function () {
      const allocation = this.allocation;
      if (allocation === SPENT) return 'Bytes <released>';
      return `Bytes(${this.size}) ${preview(allocation.memory, this.offset, this.size)}`;
    });
  }

  protected constructor(allocation: Allocation, offset: number, size: number) {
    this.allocation = allocation;
    this.offset = offset;
    this.size = size;
    this.borrowed = undefined;
  }

  /** @internal A handle that `allocation` already counts. */
  static over(allocation: Allocation, offset: number, size: number): Bytes {
    return new Bytes(allocation, offset, size);
  }

  /** A new handle on no bytes. */
  static get empty(): Bytes {
    return new Bytes(EMPTY, 0, 0);
  }

  /** Heap-backed bytes with a copy of `source`. */
  static copyFrom(source: Uint8Array): Bytes {
    return onHeap(windowOf(source, 'source').slice(), heapAllocation);
  }

  /** Heap-backed bytes over `source` itself. Whoever else holds it must not write to it. */
  static wrap(source: Uint8Array): Bytes {
    return onHeap(windowOf(source, 'source'), wrappedAllocation);
  }

  /** Bytes in this handle. */
  get length(): number {
    this.live();
    return this.size;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  get isReleased(): boolean {
    return this.allocation === SPENT;
  }

  /** Whether this is the only handle on its memory, in any thread. */
  get isUnique(): boolean {
    const allocation = this.live();
    return allocation.owner.isSoleHolder(allocation) || allocation === EMPTY;
  }

  /**
   * The bytes as a borrowed Uint8Array over the arena's memory: valid until this handle is released, not to be
   * written to. Made at first use and remembered. Splitting or truncating gives the cut-off part of it up.
   *
   * Whoever takes a view must release the handle: a forgotten one pins its memory.
   */
  get view(): BytesView {
    const borrowed = this.borrowed;
    // Another length means that this handle was shortened since, or that its memory moved (a WebAssembly.Memory grew).
    if (borrowed !== undefined && borrowed.length === this.size) return borrowed;
    return this.borrow();
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

  /** Another handle on the same bytes, to be released on its own. */
  clone(): Bytes {
    const allocation = this.live();
    allocation.holders++;
    return new Bytes(allocation, this.offset, this.size);
  }

  /**
   * Another handle, on `[start, end)` of these bytes, to be released on its own. An empty slice holds no memory.
   * @throws RangeError unless `0 <= start <= end <= length`.
   */
  slice(start = 0, end: number = this.length): Bytes {
    const allocation = this.live();
    checkInteger(end, 'end', 0, this.size);
    checkInteger(start, 'start', 0, end);
    return this.share(allocation, this.offset + start, end - start);
  }

  /**
   * Cuts the first `at` bytes off; they are the new handle returned, the rest stays in this one. Whichever is empty
   * holds no memory.
   */
  splitTo(at: number): Bytes {
    const allocation = this.live();
    checkInteger(at, 'at', 0, this.size);
    const head = this.share(allocation, this.offset, at);
    this.narrow(this.offset + at, this.size - at);
    return head;
  }

  /**
   * Cuts everything from `at` on off; it is the new handle returned, the first `at` bytes stay in this one. Whichever
   * is empty holds no memory.
   */
  splitOff(at: number): Bytes {
    const allocation = this.live();
    checkInteger(at, 'at', 0, this.size);
    const tail = this.share(allocation, this.offset + at, this.size - at);
    this.narrow(this.offset, at);
    return tail;
  }

  /** Shortens this handle to its first `length` bytes; does nothing when it has no more. An empty one holds no memory. */
  truncate(length: number): void {
    this.live();
    checkInteger(length, 'length', 0);
    if (length < this.size) this.narrow(this.offset, length);
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

  /** Whether `other` holds the same bytes. */
  equals(other: Bytes | Uint8Array): boolean {
    return equalBytes(this.peek(), peekAt(other));
  }

  /** -1, 0 or 1 as this sorts before, equals or sorts after `other`, byte by byte, a prefix first. */
  compare(other: Bytes | Uint8Array): -1 | 0 | 1 {
    return compareBytes(this.peek(), peekAt(other));
  }

  /** Index of the first `needle` (a byte, or a run of them) at or after `from`, or -1. */
  indexOf(needle: number | Bytes | Uint8Array, from = 0): number {
    const own = this.peek();
    checkInteger(from, 'from', 0, this.size);
    if (typeof needle === 'number') return own.indexOf(checkInteger(needle, 'needle', 0, 0xff), from);
    return indexOfBytes(own, peekAt(needle), from);
  }

  /** The bytes as text. Malformed UTF-8 becomes U+FFFD. */
  toString(encoding: TextEncoding = 'utf8'): string {
    return decodeText(this.peek(), encoding, this.allocation.memory.shared);
  }

  /** A copy on the heap. */
  toUint8Array(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.peek());
  }

  /** A writable copy on the heap; this handle is released. */
  intoOwned(): BytesMut {
    const owned = BytesMut.withCapacity(this.length).putSlice(this.peek());
    this.release();
    return owned;
  }

  /**
   * The memory as a writable buffer with this content, when this is the only handle on it; this handle is then used
   * up. Undefined otherwise, and for memory that is not this library's to write to (`wrap`); nothing changes then.
   */
  tryIntoMut(): ArenaBuffer | undefined {
    const allocation = this.live();
    if (!allocation.owner.writable || !allocation.owner.isSoleHolder(allocation)) return undefined;
    const end = this.offset + this.size;
    this.giveUp();
    allocation.start = this.offset;
    return ArenaBuffer.over(allocation, end);
  }

  /**
   * A ticket for these bytes, to be posted to another thread, which gets them by `arena.redeem(ticket)`; this handle is used up. No
   * byte is copied. Until it is redeemed the memory stays in use.
   * @throws TypeError unless the bytes lie in a shared arena; AllocError ARENA_FULL when 65,536 tickets and messages are on their way
   */
  toTicket(): Ticket {
    const allocation = this.live();
    if (allocation === EMPTY) {
      this.giveBack();
      return EMPTY_TICKET;
    }
    const ticket = allocation.owner.issueTicket(allocation, this.offset, this.size);
    Bytes.depart(this);
    return ticket;
  }

  /** What JSON shows: never the memory. */
  toJSON(): { type: 'Bytes'; length: number } {
    return { type: 'Bytes', length: Math.max(0, this.size) };
  }

  /** Gives this handle's reference up. The last one returns the memory. Doing it again does nothing. */
  release(): void {
    const allocation = this.allocation;
    if (allocation === SPENT) return;
    this.giveUp();
    if (--allocation.holders === 0) allocation.owner.release(allocation);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** @internal These bytes for the length of one call, without lending them. */
  static peek(source: Bytes): Uint8Array {
    return source.peek();
  }

  /** @internal Where the bytes lie. */
  static placeOf(source: Bytes): { allocation: Allocation; offset: number; length: number } {
    return { allocation: source.live(), offset: source.offset, length: source.size };
  }

  /** @internal Uses a handle up whose reference went to another thread, or was counted there. */
  static depart(source: Bytes): void {
    const { allocation } = source;
    source.giveUp();
    if (--allocation.holders === 0) allocation.owner.departed(allocation);
  }

  /** @internal Releases a handle that an adapter took over. Never throws. */
  static giveBack(source: Bytes): void {
    source.giveBack();
  }

  /** @internal Whether a view of it may vanish while somebody uses it. */
  static mayMove(source: Bytes): boolean {
    return source.allocation.memory.mayMove;
  }

  /** @internal */
  protected live(): Allocation {
    const { allocation } = this;
    if (allocation === SPENT) throw this.released();
    return allocation;
  }

  /** @internal The error for a handle that is used up. */
  protected released(): ReleasedError {
    return new ReleasedError('Bytes');
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

  /** @internal */
  protected giveBack(): void {
    this.release();
  }

  /** @internal */
  protected giveUp(): void {
    this.allocation = SPENT;
    this.size = -1;
    this.borrowed = undefined;
  }

  /** Keeps only `size` bytes at `offset`. */
  private narrow(offset: number, size: number): void {
    this.offset = offset;
    this.size = size + 0; // -0 is 0
    if (size !== 0) return;
    const { allocation } = this;
    this.allocation = EMPTY;
    this.offset = 0;
    this.borrowed = undefined;
    EMPTY.holders++;
    if (--allocation.holders === 0) allocation.owner.release(allocation);
  }

  private peek(): Uint8Array {
    return this.live().memory.view(this.offset, this.offset + this.size);
  }

  private share(allocation: Allocation, offset: number, size: number): Bytes {
    if (size === 0) return new Bytes(EMPTY, 0, 0);
    allocation.holders++;
    return new Bytes(allocation, offset, size);
  }

  private borrow(): BytesView {
    const allocation = this.live();
    const view = allocation.lendView(this.offset, this.size) as BytesView;
    if (!allocation.memory.canResize) this.borrowed = view;
    return view;
  }
}

function onHeap(source: Uint8Array, allocationOf: (memory: Memory) => Allocation): Bytes {
  return source.length === 0
    ? Bytes.empty
    : Bytes.over(allocationOf(new Memory(source, isShared(source.buffer))), 0, source.length);
}

function peekAt(source: unknown): Uint8Array {
  if (source instanceof Bytes) return Bytes.peek(source);
  return windowOf(source, 'other');
}

/** A writable heap buffer that grows, with the writers of {@link ArenaBuffer}. It needs no release. */
export class BytesMut extends ByteWriter {
  static {
    inspectAs(BytesMut.prototype, function () {
      const allocation = this.allocation;
      if (allocation === SPENT) return 'BytesMut <frozen>';
      return `BytesMut(${this.length}/${this.capacity}) ${preview(allocation.memory, 0, this.length)}`;
    });
  }

  private constructor(allocation: Allocation) {
    super(allocation, 0);
  }

  /** An empty buffer with room for `byteCount` bytes before it has to grow. */
  static withCapacity(byteCount: number): BytesMut {
    return new BytesMut(heapAllocation(new Memory(new Uint8Array(checkInteger(byteCount, 'byteCount', 0)))));
  }

  /** The bytes written, writable. Valid until the buffer grows or is frozen. */
  get view(): Uint8Array {
    return this.live().memory.view(0, this.cursor);
  }

  /** Makes room for `byteCount` bytes more. */
  reserve(byteCount: number): this {
    const allocation = this.live();
    checkInteger(byteCount, 'byteCount', 0);
    if (byteCount > allocation.limit - this.cursor) this.grow(allocation, byteCount, undefined);
    return this;
  }

  /** Shortens the content to its first `length` bytes; does nothing when it has no more. */
  truncate(length: number): this {
    this.live();
    this.cursor = Math.min(this.cursor, checkInteger(length, 'length', 0));
    return this;
  }

  /** Forgets the content and keeps the memory. */
  clear(): this {
    return this.truncate(0);
  }

  /** Ends writing: heap-backed bytes, not copied. This buffer is used up. */
  freeze(): Bytes {
    const allocation = this.live();
    this.allocation = SPENT;
    return this.cursor === 0 ? Bytes.empty : Bytes.over(allocation, 0, this.cursor);
  }

  /** @internal */
  protected override grows(): boolean {
    return true;
  }

  /** @internal */
  protected override grow(allocation: Allocation, byteCount: number, tail: Uint8Array | undefined): void {
    const used = this.cursor;
    const memory = grownMemory(used, byteCount);
    if (used > 0) memory.bytes.set(allocation.memory.view(0, used));
    if (tail !== undefined) {
      memory.bytes.set(tail, used);
      this.cursor = used + byteCount;
    }
    allocation.moveTo(memory);
  }

  /** @internal */
  protected override handleName(): string {
    return 'BytesMut';
  }
}
