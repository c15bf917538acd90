import { contentOf } from '../handles/content.js';
import type { MemoryPressure } from '../handles/memory-pressure.js';
import { Bytes, BytesMut } from '../index.js';
import { BytesList } from './bytes-list.js';

/**
 * The part of a record that has arrived so far. It holds chunks only while nobody waits for their memory: the reader of
 * the record itself may be the one that has to wait, and would wait for ever.
 */
export class PartialRecord {
  private readonly mostPieces: number;
  private pieces = new BytesList();
  /** Replaces the pieces once there are too many, or somebody waits for memory. */
  private copy: BytesMut | undefined;
  /** Of the arenas that the pieces lie in. */
  private readonly pressures = new Set<MemoryPressure>();
  private readonly onPressure = (): void => {
    if (this.pieces.isEmpty) return;
    try {
      this.copyPieces();
    } catch {
      // No heap memory: the pieces stay. The request that waits must not fail of it.
    }
  };

  /** @param mostPieces the most chunks to hold; a record in more pieces is copied to the heap */
  constructor(mostPieces: number) {
    this.mostPieces = mostPieces;
  }

  get length(): number {
    return this.copy?.length ?? this.pieces.length;
  }

  /** Adds `bytes` and takes ownership of the handle. */
  append(bytes: Bytes): void {
    if (bytes.isEmpty) {
      Bytes.giveBack(bytes);
      return;
    }
    const { pressure } = Bytes.placeOf(bytes).allocation.owner;
    if (this.copy === undefined && this.pieces.pieceCount < this.mostPieces && !pressure?.waiting) {
      this.pieces.append(bytes);
      if (pressure !== undefined) this.watch(pressure);
      return;
    }
    try {
      const copy = this.copy ?? this.copyPieces(bytes.length);
      copy.putSlice(contentOf(bytes));
    } finally {
      Bytes.giveBack(bytes);
    }
  }

  /** Returns the record, ended by `last` if given, and starts the next one. Takes ownership of `last`. */
  finish(last?: Bytes): Bytes | BytesList {
    if (last !== undefined && this.length === 0) return last;
    if (last !== undefined) this.append(last);
    const { copy, pieces } = this;
    this.copy = undefined;
    this.pieces = new BytesList();
    this.unwatch();
    return copy?.freeze() ?? pieces;
  }

  release(): void {
    this.unwatch();
    this.pieces.release();
  }

  /** Moves the pieces to the heap. @param more bytes that will follow at once */
  private copyPieces(more = 0): BytesMut {
    const copy = BytesMut.withCapacity(this.pieces.length + more);
    for (const piece of this.pieces) copy.putSlice(contentOf(piece));
    this.copy = copy;
    this.unwatch();
    this.pieces.release();
    this.pieces = new BytesList();
    return copy;
  }

  private watch(pressure: MemoryPressure): void {
    if (this.pressures.has(pressure)) return;
    this.pressures.add(pressure);
    pressure.add(this.onPressure);
  }

  private unwatch(): void {
    for (const pressure of this.pressures) pressure.delete(this.onPressure);
    this.pressures.clear();
  }
}
