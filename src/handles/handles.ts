import { checkInteger, checkString, windowOf } from '../base/check.js';
import { ReleasedError } from '../base/errors.js';
import { grownMemory } from '../memory/heap-memory.js';
import { inspectAs, preview } from '../memory/inspect.js';
import { isShared, Memory } from '../memory/memory.js';
import { encodeText } from '../memory/text.js';
import {
  Allocation,
  EMPTY,
  heapAllocation,
  isOnHeap,
  SPENT as SPENT_ALLOCATION,
  wrappedAllocation,
} from './allocation.js';
import { contentOf } from './content.js';
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
    allocation.owner.countFreeze();
    this.giveUp(allocation);
    if (length > 0) return Bytes.over(allocation, start, length);
    allocation.owner.release(allocation);
    return Bytes.over(EMPTY, 0, 0);
  }

  /** Returns the memory without freezing it. Does nothing on a buffer that was frozen or abandoned. */
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
    if (borrowed !== undefined && borrowed.length === this.size) return borrowed;
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
    if (--allocation.holders === 0) allocation.owner.release(allocation);
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
    if (--allocation.holders === 0) allocation.owner.release(allocation);
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

function onHeap(source: Uint8Array, allocationOf: (memory: Memory) => Allocation): Bytes {
  return source.length === 0
    ? Bytes.empty
    : Bytes.over(allocationOf(new Memory(source, isShared(source.buffer))), 0, source.length);
}

/** A writable buffer on the heap that grows, with the writers of {@link ArenaBuffer}. It needs no release. */
export class BytesMut extends ByteWriter {
  static {
    inspectAs(BytesMut.prototype, function () {
      const allocation = this.allocation;
      if (allocation === SPENT) return 'BytesMut <frozen>';
      return `BytesMut(${this.length}/${this.capacity}) ${preview(allocation.memory, 0, this.length)}`;
    });
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
    return this.live().memory.view(0, this.cursor);
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
    this.live();
    this.cursor = Math.min(this.cursor, checkInteger(length, 'length', 0));
    return this;
  }

  /** Drops the content and keeps the memory. */
  clear(): this {
    return this.truncate(0);
  }

  /** Ends writing and returns the content as bytes on the heap, without a copy. This buffer is used up. */
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
