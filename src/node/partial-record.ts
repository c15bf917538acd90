import { Bytes, BytesMut } from '../index.js';
import { BytesList } from './bytes-list.js';

/** The part of a record that has arrived so far. */
export class PartialRecord {
  private readonly mostPieces: number;
  private pieces = new BytesList();
  /** Replaces the pieces once there are too many. */
  private copy: BytesMut | undefined;

  /** @param mostPieces the most chunks to hold; a record in more pieces is copied to the heap */
  constructor(mostPieces: number) {
    this.mostPieces = mostPieces;
  }

  get length(): number {
    return this.copy?.length ?? this.pieces.length;
  }

  /** Adds `bytes` and takes ownership of the handle. */
  append(bytes: Bytes): void {
    if (this.copy === undefined && this.pieces.pieceCount < this.mostPieces) {
      this.pieces.append(bytes);
      return;
    }
    this.copy ??= this.copied();
    this.copy.putSlice(bytes.view);
    Bytes.giveBack(bytes);
  }

  /** Returns the record, ended by `last` if given, and starts the next one. Takes ownership of `last`. */
  finish(last?: Bytes): Bytes | BytesList {
    if (last !== undefined && this.length === 0) return last;
    if (last !== undefined) this.append(last);
    const { copy, pieces } = this;
    this.copy = undefined;
    this.pieces = new BytesList();
    return copy?.freeze() ?? pieces;
  }

  [Symbol.dispose](): void {
    this.pieces.release();
  }

  private copied(): BytesMut {
    const copy = BytesMut.withCapacity(2 * this.pieces.length);
    for (const piece of this.pieces) copy.putSlice(piece.view);
    this.pieces.release();
    this.pieces = new BytesList();
    return copy;
  }
}
