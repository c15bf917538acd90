import { Bytes, BytesMut } from '../index.js';
import { BytesList } from './bytes-list.js';

/** What came of a record so far. */
export class PartialRecord {
  private readonly mostPieces: number;
  private pieces = new BytesList();
  /** In place of the pieces, once there were too many. */
  private copy: BytesMut | undefined;

  /** @param mostPieces chunks to hold on to; what comes in more pieces is copied to the heap */
  constructor(mostPieces: number) {
    this.mostPieces = mostPieces;
  }

  get length(): number {
    return this.copy?.length ?? this.pieces.length;
  }

  /** Adds `bytes` and takes the handle over. */
  append(bytes: Bytes): void {
    if (this.copy === undefined && this.pieces.pieceCount < this.mostPieces) {
      this.pieces.append(bytes);
      return;
    }
    this.copy ??= this.copied();
    this.copy.putSlice(bytes.view);
    Bytes.giveBack(bytes);
  }

  /** The record with `last` at its end, if there is more, which it takes over; afterwards the next one begins. */
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
