import { checkFunction, checkInteger, checkString, windowOf } from '../base/check.js';
import { ReleasedError } from '../base/errors.js';
import { grownMemory } from '../memory/heap-memory.js';
import { inspectAs, preview } from '../memory/inspect.js';
import { isShared, Memory } from '../memory/memory.js';
import { compareBytes } from '../memory/search.js';
import { encodeText, type TextEncoding } from '../memory/text.js';
import {
  Allocation,
  EMPTY,
  heapAllocation,
  isOnHeap,
  SPENT as SPENT_ALLOCATION,
  wrappedAllocation,
} from './allocation.js';
import { contentOf, type ReadableBytes, windowOver } from './content.js';
import { foreignAllocation } from './foreign-owner.js';
import { type ReaderMethods, readThrough, type SearchMethods } from './read-through.js';
import { type BytesMethods, BytesReader } from './reader.js';
import { EMPTY_TICKET, type Ticket } from './tickets.js';
import type { BytesView } from './view.js';
import { ByteWriter } from './writer.js';

// V8 folds a constant of this module into optimised code. It loads an imported one, and to store that one keeps V8 from
// optimising a short-lived handle away: 6 ns and garbage, against 4 ns and none (Node 20 and 24).
const SPENT = SPENT_ALLOCATION;

// The three classes turn into each other (freeze, tryIntoMut, intoOwned). They share a file because separate files
// would import each other in a circle.

/**
 * A writable buffer over one allocation of an arena. It is the only handle on that allocation.
 *
 * Write with the `put*` methods or into {@link chunkMut}. Then {@link freeze} the buffer into {@link Bytes}, or
 * {@link abandon} it. Disposal (`using`) abandons a buffer that was not frozen, and leaves a frozen one alone.
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

  /** @internal A buffer with the only handle on `allocation`. The bytes before `cursor` are already written. */
  static over(allocation: Allocation, cursor: number = allocation.offset): ArenaBuffer {
    return new ArenaBuffer(allocation, cursor);
  }

  /** Whether the content moved to the heap because it outgrew the slot or block. */
  get isSpilled(): boolean {
    return isOnHeap(this.live());
  }

  /**
   * Ends writing and returns the bytes written, immutable from now on. This buffer is used up. A buffer without content
   * returns its memory at once.
   */
  freeze(): Bytes {
    const allocation = this.live();
    const start = allocation.start;
    const length = this.cursor - start;
    allocation.countFreeze();
    this.giveUp(allocation);
    if (length > 0) return Bytes.over(allocation, start, length);
    allocation.giveBack();
    return Bytes.over(EMPTY, 0, 0);
  }

  /** Returns the memory without freezing it. Does nothing on a buffer that was frozen or abandoned. */
  abandon(): void {
    const allocation = this.allocation;
    if (allocation === SPENT) return;
    this.giveUp(allocation);
    allocation.giveBack();
  }

  [Symbol.dispose](): void {
    this.abandon();
  }

  /** @internal */
  protected override grows(allocation: Allocation): boolean {
    return allocation.owner.spills;
  }

  /** @internal Moves the content to the heap. The slot or block goes back to the arena at once. */
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
    allocation.giveBack();
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
 * Immutable bytes, shared by counting references. {@link clone} and {@link slice} copy nothing. The memory returns to
 * its arena when the last handle on it is released.
 *
 * After release, every method throws {@link ReleasedError}, except {@link release}, {@link isReleased} and disposal.
 *
 * The methods that read the content are those of {@link BytesReader}. They come by the prototype and not by `extends`:
 * `super()` keeps V8 from optimising a short-lived handle away. Clone and release took 12 ns with `super()`, and 3 ns
 * without (Node 20).
 */
export class Bytes {
  /** @internal */
  protected allocation: Allocation;
  /** @internal Offset of the first byte in the allocation's memory. */
  protected offset: number;
  /** @internal Number of bytes; -1 after release, so that no read fits. */
  protected size: number;
  private borrowed: BytesView | undefined;

  static {
    Object.setPrototypeOf(Bytes.prototype, BytesReader.prototype);
    inspectAs(Bytes.prototype, function () {
      const allocation = this.allocation;
      if (allocation === SPENT) return 'Bytes <released>';
      return `Bytes(${this.size}) ${preview(allocation.memory, this.offset, this.size)}`;
    });
  }

  // A test for `new Bytes()` in plain JavaScript would double the time of an empty round trip: 16 against 33 ns (Node 20).
  protected constructor(allocation: Allocation, offset: number, size: number) {
    this.allocation = allocation;
    this.offset = offset;
    this.size = size;
    this.borrowed = undefined;
  }

  /** @internal A handle. `allocation` already counts it. */
  static over(allocation: Allocation, offset: number, size: number): Bytes {
    return new Bytes(allocation, offset, size);
  }

  /** A new handle on zero bytes. */
  static get empty(): Bytes {
    return new Bytes(EMPTY, 0, 0);
  }

  /** Bytes on the heap with a copy of `source`. */
  static copyFrom(source: Uint8Array): Bytes {
    return onHeap(windowOf(source, 'source').slice(), heapAllocation);
  }

  /**
   * Bytes on the heap with `text` in UTF-8. A lone surrogate becomes U+FFFD.
   * @throws TypeError unless it is a string
   */
  static fromUtf8(text: string): Bytes {
    checkString(text, 'text');
    return onHeap(encodeText(text), heapAllocation);
  }

  /** Bytes over `source` itself, without a copy. Nobody may write to `source` from now on. */
  static wrap(source: Uint8Array): Bytes {
    return onHeap(windowOf(source, 'source'), wrappedAllocation);
  }

  /**
   * Bytes over memory of somebody else, without a copy: a pool, a native library, a mapped file. `onRelease` is called
   * once, when the last handle was released and nothing here reads `source` any more. If all handles are forgotten
   * instead, the collector calls it, unless a view was lent. An error that it throws is an uncaught exception.
   * `onRelease` must not refer to the bytes. Nobody may write to `source` until then.
   * @throws TypeError for other arguments
   */
  static fromOwner(source: Uint8Array, onRelease: () => void): Bytes {
    const window = windowOf(source, 'source');
    checkFunction(onRelease, 'onRelease');
    return Bytes.over(foreignAllocation(new Memory(window, isShared(window.buffer)), onRelease), 0, window.length);
  }

  /** Number of bytes in this handle. */
  get length(): number {
    this.live();
    return this.size;
  }

  get isReleased(): boolean {
    return this.allocation === SPENT;
  }

  /**
   * Whether this is the only handle on memory of this library, in any thread: {@link tryIntoMut} returns a buffer then.
   * False for bytes of `wrap`, and for a handle on zero bytes, which holds no memory.
   */
  get isUnique(): boolean {
    const allocation = this.live();
    const { owner } = allocation;
    return allocation !== EMPTY && owner.writable && owner.isSoleHolder(allocation);
  }

  /**
   * The bytes as a borrowed Uint8Array over the arena's memory. It is valid until this handle is released; do not write
   * to it. It is made at first use and remembered. To split or truncate the handle ends the borrow of the part cut off.
   *
   * Release the handle after you took a view: a forgotten handle pins its memory. Do not post the view to another
   * thread: that copies the whole buffer it lies in. Post a copy, or a ticket of a shared arena ({@link toTicket}).
   */
  get view(): BytesView {
    const borrowed = this.borrowed;
    // The lengths differ when this handle was shortened, or when its memory moved (a WebAssembly.Memory grew).
    // An empty view is made anew: its length does not tell that its buffer was detached.
    if (borrowed !== undefined && borrowed.length === this.size && this.size > 0) return borrowed;
    return this.borrow();
  }

  /** Another handle on the same bytes. Release each handle on its own. */
  clone(): Bytes {
    const allocation = this.live();
    allocation.holders++;
    return new Bytes(allocation, this.offset, this.size);
  }

  /**
   * Another handle, on `[start, end)` of these bytes. Release each handle on its own. An empty slice holds no memory.
   * @throws RangeError unless `0 <= start <= end <= length`
   */
  slice(start = 0, end: number = this.length): Bytes {
    const allocation = this.live();
    checkInteger(end, 'end', 0, this.size);
    checkInteger(start, 'start', 0, end);
    return this.share(allocation, this.offset + start, end - start);
  }

  /**
   * Cuts off the first `at` bytes and returns them as a new handle. The rest stays in this one. A handle without bytes
   * holds no memory.
   * @throws RangeError unless `0 <= at <= length`
   */
  splitTo(at: number): Bytes {
    const allocation = this.live();
    checkInteger(at, 'at', 0, this.size);
    const head = this.share(allocation, this.offset, at);
    this.narrow(this.offset + at, this.size - at);
    return head;
  }

  /**
   * Cuts off the bytes from `at` on and returns them as a new handle. The first `at` bytes stay in this one. A handle
   * without bytes holds no memory.
   * @throws RangeError unless `0 <= at <= length`
   */
  splitOff(at: number): Bytes {
    const allocation = this.live();
    checkInteger(at, 'at', 0, this.size);
    const tail = this.share(allocation, this.offset + at, this.size - at);
    this.narrow(this.offset, at);
    return tail;
  }

  /**
   * Shortens this handle to its first `length` bytes. Does nothing when it is not longer. An empty handle holds no
   * memory.
   */
  truncate(length: number): void {
    this.live();
    checkInteger(length, 'length', 0);
    if (length < this.size) this.narrow(this.offset, length);
  }

  /**
   * The same bytes in memory of their own size: a copy in `arena` if that is given, else on the heap. This handle is
   * released, so a small part that is kept for long does not keep a whole slot or block in use. Bytes that already lie
   * alone in heap memory of their size are not copied.
   * @throws AllocError as `arena.allocate` does, and changes nothing then
   */
  compact(arena?: { allocate(length: number): ArenaBuffer }): Bytes {
    const allocation = this.live();
    const { memory, owner } = allocation;
    // An adopted chunk lies on the heap, but keeps memory of an arena in use.
    const liesAlone = isOnHeap(allocation) && owner.pressure === undefined && memory.byteLength === this.size;
    const fits = this.size === 0 || liesAlone;
    const compact = arena === undefined ? (fits ? this.clone() : Bytes.copyFrom(contentOf(this))) : copyIn(arena, this);
    this.release();
    return compact;
  }

  /** A writable copy on the heap. This handle is released. */
  intoOwned(): BytesMut {
    const owned = BytesMut.withCapacity(this.length).putSlice(contentOf(this));
    this.release();
    return owned;
  }

  /**
   * The memory as a writable buffer with this content, when this is the only handle on it. This handle is used up then.
   * Returns undefined and changes nothing when there are other handles, and for bytes of `wrap`, whose memory is yours.
   */
  tryIntoMut(): ArenaBuffer | undefined {
    const allocation = this.live();
    if (!this.isUnique) return undefined;
    const end = this.offset + this.size;
    this.giveUp();
    allocation.start = this.offset;
    return ArenaBuffer.over(allocation, end);
  }

  /**
   * A ticket for these bytes. Post it to another thread, which calls `arena.redeem(ticket)` to get them. No byte is
   * copied. This handle is used up. The memory stays in use until the ticket is redeemed.
   * @throws TypeError unless the bytes lie in a shared arena; AllocError ARENA_FULL when 65,536 tickets and messages
   *   are on their way
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

  /** Gives up this handle's reference. The last release returns the memory. A second call does nothing. */
  release(): void {
    const allocation = this.allocation;
    if (allocation === SPENT) return;
    this.giveUp();
    if (--allocation.holders === 0) allocation.giveBack();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** @internal The place of the bytes in memory. */
  static placeOf(source: Bytes): { allocation: Allocation; offset: number; length: number } {
    return { allocation: source.live(), offset: source.offset, length: source.size };
  }

  /** @internal Uses up a handle whose reference went to another thread or is counted there. */
  static depart(source: Bytes): void {
    const { allocation } = source;
    source.giveUp();
    if (--allocation.holders === 0) allocation.owner.departed(allocation);
  }

  /** @internal Releases a handle that an adapter took over. Never throws. */
  static giveBack(source: Bytes): void {
    source.giveBack();
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
    if (--allocation.holders === 0) allocation.giveBack();
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

// The linter's rule against this is off for this file: the static block above gives the class what the interface
// promises.
export interface Bytes extends BytesMethods {}

function copyIn(arena: { allocate(length: number): ArenaBuffer }, bytes: Bytes): Bytes {
  const buffer = arena.allocate(bytes.length);
  try {
    return buffer.putSlice(contentOf(bytes)).freeze();
  } finally {
    buffer.abandon();
  }
}

function onHeap(source: Uint8Array, allocationOf: (memory: Memory) => Allocation): Bytes {
  return source.length === 0
    ? Bytes.empty
    : Bytes.over(allocationOf(new Memory(source, isShared(source.buffer))), 0, source.length);
}

/**
 * A writable buffer on the heap that grows, with the writers of {@link ArenaBuffer}. It needs no release.
 *
 * It is also the buffer of a parse loop: append what arrives, look at it, and cut off what is complete with
 * {@link splitTo}. It has the readers, peeks and searching methods of {@link Bytes}; a reader drops what it read.
 *
 *     0             start            cursor            limit
 *     |-------------|================|.................|
 *     dropped or    content          writable rest
 *     cut off
 */
export class BytesMut extends ByteWriter {
  static {
    inspectAs(BytesMut.prototype, function () {
      const allocation = this.allocation;
      if (allocation === SPENT) return 'BytesMut <frozen>';
      return `BytesMut(${this.length}/${this.capacity}) ${preview(allocation.memory, allocation.start, this.length)}`;
    });
    readThrough(BytesMut.prototype, (buffer, start) => buffer.window(start));
  }

  private constructor(allocation: Allocation) {
    if (!(allocation instanceof Allocation)) throw new TypeError('BytesMut is made by BytesMut.withCapacity()');
    super(allocation, 0);
  }

  /** An empty buffer with room for `byteCount` bytes before it has to grow. */
  static withCapacity(byteCount: number): BytesMut {
    return new BytesMut(heapAllocation(new Memory(new Uint8Array(checkInteger(byteCount, 'byteCount', 0)))));
  }

  /** The bytes written, as a writable view. It is valid until the buffer grows or is frozen. */
  get view(): Uint8Array {
    const { memory, start } = this.live();
    return memory.view(start, this.cursor);
  }

  /** Makes room for `byteCount` more bytes. */
  reserve(byteCount: number): this {
    const allocation = this.live();
    checkInteger(byteCount, 'byteCount', 0);
    if (byteCount > allocation.limit - this.cursor) this.grow(allocation, byteCount, undefined);
    return this;
  }

  /** Shortens the content to its first `length` bytes. Does nothing when it is not longer. */
  truncate(length: number): this {
    const { start } = this.live();
    this.cursor = Math.min(this.cursor, start + checkInteger(length, 'length', 0));
    return this;
  }

  /** Makes the content `length` bytes long: it is shortened, or filled up with bytes of `value` (0 to 255). */
  resize(length: number, value = 0): this {
    const missing = checkInteger(length, 'length', 0) - this.length;
    return missing > 0 ? this.putBytes(value, missing) : this.truncate(length);
  }

  /**
   * Appends a copy of `source`, whatever kind of bytes it is.
   * @throws TypeError for other values
   */
  extend(source: Uint8Array | ReadableBytes | Iterable<ReadableBytes>): this {
    return source instanceof Uint8Array ? this.putSlice(source) : this.put(source);
  }

  /** Drops the content and keeps the memory. */
  clear(): this {
    return this.truncate(0);
  }

  /** Drops the first `byteCount` bytes. @throws RangeError when there are fewer */
  advance(byteCount: number): void {
    const allocation = this.live();
    allocation.start += checkInteger(byteCount, 'byteCount', 0, this.length);
  }

  /**
   * Cuts off the first `at` bytes and returns them, immutable, without a copy. The buffer goes on behind them.
   * @throws RangeError unless `0 <= at <= length`
   */
  splitTo(at: number): Bytes {
    const allocation = this.live();
    checkInteger(at, 'at', 0, this.length);
    if (at === 0) return Bytes.empty;
    const head = Bytes.over(wrappedAllocation(allocation.memory), allocation.start, at);
    allocation.start += at;
    allocation.holders = SHARED;
    return head;
  }

  /** Whether `other` holds the same bytes. */
  equals(other: Bytes | BytesMut | Uint8Array): boolean {
    return this.compare(other) === 0;
  }

  /** -1, 0 or 1: whether this sorts before `other`, equals it, or sorts after it, byte by byte; a prefix sorts first. */
  compare(other: Bytes | BytesMut | Uint8Array): -1 | 0 | 1 {
    return compareBytes(this.view, other instanceof BytesMut ? other.view : windowOver(other));
  }

  /** The byte at `index`. @throws RangeError outside `[0, length)` */
  at(index: number): number {
    return this.window(0).at(index);
  }

  /** The bytes of `[start, end)` as text. Malformed UTF-8 becomes U+FFFD. */
  override toString(encoding: TextEncoding = 'utf8', start = 0, end: number = this.length): string {
    return this.window(0).toString(encoding, start, end);
  }

  /** Ends writing and returns the content as bytes on the heap, without a copy. This buffer is used up. */
  freeze(): Bytes {
    const allocation = this.live();
    const { start } = allocation;
    const length = this.cursor - start;
    this.allocation = SPENT;
    return length === 0 ? Bytes.empty : Bytes.over(allocation, start, length);
  }

  /** @internal */
  protected override grows(): boolean {
    return true;
  }

  /** @internal */
  protected override grow(allocation: Allocation, byteCount: number, tail: Uint8Array | undefined): void {
    const used = this.length;
    if (this.canMoveDown(allocation, byteCount)) {
      allocation.memory.bytes.copyWithin(0, allocation.start, this.cursor);
    } else {
      const memory = grownMemory(used, byteCount);
      if (used > 0) memory.bytes.set(this.view);
      allocation.moveTo(memory);
      allocation.holders = 1;
    }
    allocation.start = 0;
    this.cursor = tail === undefined ? used : used + byteCount;
    if (tail !== undefined) allocation.memory.bytes.set(tail, used);
  }

  /** @internal */
  protected override handleName(): string {
    return 'BytesMut';
  }

  /**
   * Whether the content can move to the front of its memory instead: nobody else reads that, and as much is free there
   * as is moved. So appending n bytes moves O(n) bytes in all, and what is appended may be a part of the content.
   */
  private canMoveDown({ start, limit, holders }: Allocation, byteCount: number): boolean {
    const used = this.cursor - start;
    return holders !== SHARED && start >= used && used + byteCount <= limit;
  }

  /** The content from `start` on, for the length of one call. */
  private window(start: number): Bytes {
    const allocation = this.live();
    return Bytes.over(wrappedAllocation(allocation.memory), allocation.start + start, this.length - start);
  }
}

/** The holders of memory that a buffer shares with what was cut off from it. */
const SHARED = 2;

export interface BytesMut extends ReaderMethods, SearchMethods {}
