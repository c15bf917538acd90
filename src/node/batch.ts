import type { Frame, Piece } from './frame.js';
import { writeAll } from './send.js';
import type { StreamWrites, UnderWay } from './stream-writes.js';

/** Frames that go out as one vectored write. */
export class Batch implements UnderWay {
  readonly frames: readonly Frame[];
  readonly byteLength: number;
  private readonly writes: StreamWrites;
  private readonly onTaken: (batch: Batch, failure: Error | undefined) => void;
  private missing: number;
  private failure: Error | undefined;

  constructor(writes: StreamWrites, frames: readonly Frame[], byteLength: number, onTaken: Batch['onTaken']) {
    this.writes = writes;
    this.frames = frames;
    this.byteLength = byteLength;
    this.onTaken = onTaken;
    this.missing = 0;
    this.failure = undefined;
  }

  begin(): void {
    const { writes } = this;
    const views = viewsOver(this.frames);
    this.missing = views.length;
    writes.add(this);
    if (views.length === 0) this.finish(undefined);
    else writeAll(writes, views, (error) => this.written(error));
  }

  finish(failure: Error | undefined): void {
    const error = this.failure ?? failure;
    if (this.writes.remove(this, error !== undefined)) this.onTaken(this, error);
  }

  private written(error: Error | null | undefined): void {
    if (error) this.failure ??= error;
    else if (this.writes.isDestroyed) this.failure ??= this.writes.failure();
    if (--this.missing === 0) this.finish(undefined);
  }
}

/**
 * The bytes of `frames` in as few views as possible. Frames that were cut from one chunk lie side by side: a relay of
 * records of 1 KiB makes one write of them instead of 64.
 */
function viewsOver(frames: readonly Frame[]): readonly Buffer[] {
  const views: Buffer[] = [];
  let first: Piece | undefined;
  let end = 0;
  for (const { pieces } of frames) {
    for (const piece of pieces) {
      if (first === undefined || piece.start !== end || piece.memory !== first.memory) {
        if (first !== undefined) views.push(viewTo(first, end));
        first = piece;
      }
      end = piece.end;
    }
  }
  if (first !== undefined) views.push(viewTo(first, end));
  return views;
}

function viewTo(first: Piece, end: number): Buffer {
  return first.end === end ? first.view : Buffer.from(first.memory, first.start, end - first.start);
}
