import type { ArenaBuffer, BuddyArena, Bytes, BytesMut, FixedArena, RawRegion } from 'arena-alligator';
import type { BytesList } from 'arena-alligator/node';
import type { Backing } from './backings.js';
import type { Traits } from './options.js';
import { expectSame, Finding } from './outcome.js';

export type Arena = FixedArena | BuddyArena;

/** The expected state of an arena. */
export class ArenaModel {
  readonly arena: Arena;
  readonly traits: Traits;
  readonly backing: Backing | undefined;
  allocationsOk = 0;
  allocationsFailed = 0;
  frees = 0;
  frozen = 0;
  spills = 0;
  bytesLive = 0;
  isClosed = false;

  constructor(arena: Arena, traits: Traits, backing: Backing | undefined) {
    this.arena = arena;
    this.traits = traits;
    this.backing = backing;
  }

  /** Whether its memory was detached or shrunk. From then on its content is unknown. */
  get isGone(): boolean {
    return this.backing?.isGone === true;
  }

  get total(): number {
    const { arena } = this;
    return 'slotCount' in arena ? arena.slotCount * arena.slotCapacity : arena.totalSize;
  }

  /** Bytes of the slot or block that a request takes; undefined for a request that is too large. */
  blockFor(length: number | undefined): number | undefined {
    const { arena } = this;
    if ('slotCount' in arena)
      return length !== undefined && length > arena.slotCapacity ? undefined : arena.slotCapacity;
    if (length === undefined || length > arena.totalSize) return undefined;
    let size = arena.minBlockSize;
    while (size < length) size *= 2;
    return size;
  }

  /** @throws Finding when a counter differs from the model */
  checkMetrics(): void {
    const metrics = this.arena.metrics();
    expectSame(metrics.allocationsOk, this.allocationsOk, 'allocationsOk');
    expectSame(metrics.allocationsFailed, this.allocationsFailed, 'allocationsFailed');
    expectSame(metrics.frees, this.frees, 'frees');
    expectSame(metrics.frozen, this.frozen, 'frozen');
    expectSame(metrics.spills, this.spills, 'spills');
    expectSame(metrics.bytesLive, this.bytesLive, 'bytesLive');
    expectSame(metrics.leaksReclaimed + metrics.leaksPinned, 0, 'leaks');
    expectSame(metrics.bytesReserved, this.total, 'bytesReserved');
    expectSame(this.arena.isClosed, this.isClosed, 'isClosed');
    // Bytes that travel within one thread are listed as open not at all, or twice.
    if (!this.traits.isWatched || this.traits.isShared) return;
    expectSame(this.arena.openAllocations().length, this.allocationsOk - this.frees, 'open allocations');
  }

  /** Checks, after everything was released, that all memory was returned and merged. */
  checkEmpty(): void {
    this.checkMetrics();
    expectSame(this.frees, this.allocationsOk, 'frees of all allocations');
    expectSame(this.bytesLive, 0, 'bytes live in the end');
    if ('slotCount' in this.arena) return;
    const { largestFreeBlock, splits, coalesces } = this.arena.metrics();
    expectSame(largestFreeBlock, this.arena.totalSize, 'largest free block in the end');
    expectSame(coalesces, splits, 'coalesces of all splits');
  }
}

/** Memory that handles share: a slot or block of an arena, or heap memory. */
export class Block {
  readonly owner: ArenaModel | undefined;
  readonly size: number;
  readonly isWritable: boolean;
  /** The number of handles, messages and tickets that hold it. */
  holders = 1;

  constructor(owner: ArenaModel | undefined, size: number, isWritable = true) {
    this.owner = owner;
    this.size = size;
    this.isWritable = isWritable;
    if (owner === undefined) return;
    owner.allocationsOk++;
    owner.bytesLive += size;
  }

  drop(): void {
    if (--this.holders > 0 || this.owner === undefined) return;
    if (this.holders < 0) throw new Finding('the oracle released a block twice');
    this.owner.frees++;
    this.owner.bytesLive -= this.size;
  }
}

export interface BufferModel {
  readonly handle: ArenaBuffer | BytesMut;
  /** What a full buffer does: `mut` grows on the heap, `spill` moves to the heap, `firm` throws. */
  growth: 'mut' | 'spill' | 'firm';
  block: Block;
  isSpilled: boolean;
  /** The visible bytes. For heap memory that grew, the value that the handle reports. */
  capacity: number;
  /** Offset of the first byte in the block. */
  start: number;
  content: Uint8Array;
  length: number;
}

/** The model of a heap buffer that grows. @param content its first `length` bytes are the content of the buffer */
export function growableBuffer(handle: BytesMut, content: Uint8Array, length: number): BufferModel {
  const { capacity } = handle;
  const block = new Block(undefined, 0);
  return { handle, growth: 'mut', block, isSpilled: false, capacity, start: 0, content, length };
}

/** The bytes `content[from, to)`. Parts of one payload share `content`, which is never written to. */
export interface Span {
  /** Undefined when it holds no memory. */
  block: Block | undefined;
  content: Uint8Array;
  from: number;
  to: number;
  /** Offset of the first byte in the block. */
  offset: number;
  /** Offset in the block where the capacity ends when the bytes are made writable again. */
  visible: number;
}

export interface BytesModel extends Span {
  readonly handle: Bytes;
}

/** The model of fresh bytes on the heap. Empty ones hold no memory. */
export function heapBytes(handle: Bytes, content: Uint8Array, isWritable: boolean): BytesModel {
  const { length } = content;
  const block = length === 0 ? undefined : new Block(undefined, 0, isWritable);
  return { handle, block, content, from: 0, to: length, offset: 0, visible: length };
}

/** Bytes in several pieces. The list holds a handle of its own on each. */
export interface ListModel {
  readonly handle: BytesList;
  /** None is empty. */
  pieces: Span[];
  /**
   * The handles that it gave out for reading, until they are released. The library keeps those to itself that it asked
   * for on its own: their `handle` is undefined.
   */
  readonly borrowed: { readonly span: Span; readonly handle: Bytes | undefined }[];
}

/** The span of one more handle, on `[start, end)` of `span`. An empty one holds the block only if `holdsEmpty`. */
export function shareOf(
  { block, content, from, offset, visible }: Span,
  start: number,
  end: number,
  holdsEmpty = false,
): Span {
  const held = start === end && !holdsEmpty ? undefined : block;
  if (held !== undefined) held.holders++;
  return { block: held, content, from: from + start, to: from + end, offset: offset + start, visible };
}

export function lengthOf({ from, to }: Span): number {
  return to - from;
}

/** Another handle on the whole span. */
export function copyOf(span: Span): Span {
  return shareOf(span, 0, lengthOf(span));
}

/** Narrows a span to `[start, end)`. */
export function narrow(span: Span, start: number, end: number): void {
  span.to = span.from + end;
  span.from += start;
  span.offset += start;
  if (start !== end) return;
  span.block?.drop();
  span.block = undefined;
}

export interface RawModel {
  readonly handle: RawRegion;
  readonly block: Block;
  readonly capacity: number;
  content: Uint8Array;
}

export type DeadHandle = ArenaBuffer | BytesMut | Bytes | BytesList | RawRegion;

const MOST_DEAD = 16;
/** The most handles on frozen bytes at a time. With more, each of them would only be chosen more rarely. */
export const MOST_BYTES = 48;
/** A list that gave out more handles is not asked for others. */
export const MOST_BORROWED = 40;

/** Everything that a program has made and not released, and some handles that it gave up. */
export class World {
  readonly isHostile: boolean;
  readonly arenas: ArenaModel[] = [];
  readonly buffers: BufferModel[] = [];
  readonly bytes: BytesModel[] = [];
  readonly lists: ListModel[] = [];
  readonly raws: RawModel[] = [];
  readonly dead: DeadHandle[] = [];
  private buried = 0;

  constructor(isHostile: boolean) {
    this.isHostile = isHostile;
  }

  bury(handle: DeadHandle): void {
    this.dead[this.buried++ % MOST_DEAD] = handle;
  }
}

/** Removes an element from a list whose order does not matter. */
export function remove<Item>(items: Item[], item: Item): void {
  const at = items.indexOf(item);
  if (at < 0) return;
  const last = items.pop() as Item;
  if (at < items.length) items[at] = last;
}
