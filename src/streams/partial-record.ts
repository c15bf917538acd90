import { shortLived } from '../base/short-lived.js';
import { contentOf } from '../handles/content.js';
import type { MemoryPressure } from '../handles/memory-pressure.js';
import { Bytes, BytesMut } from '../index.js';
import { BytesList } from './bytes-list.js';

/** A record in one piece, or a list of its pieces. The consumer releases it. */
export type FramedRecord = Bytes | BytesList;

/** The most chunks that a record holds. A peer that sends single bytes could hold a slot with each of them. */
const MOST_PIECES = 16;

/**
 * The part of a record that has arrived so far. It holds chunks only while nobody waits for their memory: the reader of
 * the record itself may be the one that has to wait, and would wait for ever.
 */
export class PartialRecord {
  private readonly mostPieces: number;
  private pieces: Bytes[] = [];
  private piecesLength = 0;
  /** Replaces the pieces once there are too many, or somebody waits for memory. */
  private copy: BytesMut | undefined;
  /** Of the arenas that the pieces lie in. */
  private readonly pressures = new Set<MemoryPressure>();
  private readonly onPressure = shortLived((): void => {
    if (this.pieces.length === 0) return;
    try {
      this.copyPieces(0);
    } catch {
      // No heap memory: the pieces stay. The request that waits must not fail of it.
    }
  });

  /** @param keepsPieces whether a record stays in its chunks; else it is copied to the heap */
  constructor(keepsPieces: boolean) {
    this.mostPieces = keepsPieces ? MOST_PIECES : 0;
  }

  get length(): number {
    return this.copy?.length ?? this.piecesLength;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /**
   * Adds `bytes` and takes ownership of the handle.
   * @param toCome bytes of the record that are still missing, if that is known: a copy has room for them at once
   */
  append(bytes: Bytes, toCome = 0): void {
    if (bytes.isEmpty) {
      Bytes.giveBack(bytes);
      return;
    }
    const { pressure } = Bytes.placeOf(bytes).allocation.owner;
    if (this.copy === undefined && this.pieces.length < this.mostPieces && !pressure?.waiting) {
      this.pieces.push(bytes);
      this.piecesLength += bytes.length;
      if (pressure !== undefined) this.watch(pressure);
      return;
    }
    try {
      const copy = this.copy ?? this.copyPieces(bytes.length + toCome);
      copy.putSlice(contentOf(bytes));
    } finally {
      Bytes.giveBack(bytes);
    }
  }

  /** Returns the record, ended by `last`, and starts the next one. Takes ownership of `last`. */
  finish(last: Bytes): FramedRecord {
    if (this.isEmpty) return last;
    this.append(last);
    const record = this.copy?.freeze() ?? new BytesList(this.pieces);
    this.drop();
    return record;
  }

  /** A copy of the last `byteCount` bytes, or of all if there are fewer. */
  tail(byteCount: number): Uint8Array {
    const { copy } = this;
    const all = copy === undefined ? this.pieces : [Bytes.wrap(copy.view)];
    const tail = new Uint8Array(Math.min(byteCount, this.length));
    let end = tail.length;
    for (let index = all.length - 1; index >= 0 && end > 0; index--) {
      const content = contentOf(all[index] as Bytes);
      const part = content.subarray(Math.max(0, content.length - end));
      end -= part.length;
      tail.set(part, end);
    }
    return tail;
  }

  release(): void {
    for (const piece of this.pieces) Bytes.giveBack(piece);
    this.drop();
  }

  private drop(): void {
    this.copy = undefined;
    this.pieces = [];
    this.piecesLength = 0;
    for (const pressure of this.pressures) pressure.delete(this.onPressure);
    this.pressures.clear();
  }

  /** Moves the pieces to the heap. @param more bytes that will follow at once */
  private copyPieces(more: number): BytesMut {
    const copy = BytesMut.withCapacity(this.piecesLength + more);
    for (const piece of this.pieces) copy.putSlice(contentOf(piece));
    this.release();
    this.copy = copy;
    return copy;
  }

  private watch(pressure: MemoryPressure): void {
    if (this.pressures.has(pressure)) return;
    this.pressures.add(pressure);
    pressure.add(this.onPressure);
  }
}
