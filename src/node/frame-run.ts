import type { Frame, Piece } from './frame.js';

/**
 * Pieces of this size on average, in bytes, are joined by a copy, and larger ones are not. A stream makes a write of
 * each piece: a 1 KiB piece costs more to write than to copy.
 */
const JOINED_PIECES = 2048;

/** By frame: the last run that begins with it. */
const runs = new WeakMap<Frame, FrameRun>();

/** Frames that go out as one write. Outboxes that have the same frames to send share one run, and hold it by count. */
export class FrameRun {
  readonly byteLength: number;
  private readonly frames: readonly Frame[];
  private views: readonly Buffer[] | undefined;
  private holders = 1;
  private holdsFrames = true;

  /** Takes over one count of each frame. */
  private constructor(frames: readonly Frame[], byteLength: number) {
    this.frames = frames;
    this.byteLength = byteLength;
  }

  /** Takes the first `count` frames from `queue`, and one count of each. They have `byteLength` bytes. */
  static take(queue: Frame[], count: number, byteLength: number): FrameRun {
    const frames = queue.splice(0, count);
    const [first] = frames;
    const known = first && runs.get(first);
    if (known?.has(frames)) {
      for (const frame of frames) frame.release();
      known.holders++;
      return known;
    }
    const run = new FrameRun(frames, byteLength);
    if (first !== undefined) runs.set(first, run);
    return run;
  }

  get length(): number {
    return this.frames.length;
  }

  /** What to write, in as few pieces as possible. */
  pieces(): readonly Buffer[] {
    this.views ??= this.makeViews();
    return this.views;
  }

  release(): void {
    if (--this.holders > 0) return;
    const [first] = this.frames;
    if (first !== undefined && runs.get(first) === this) runs.delete(first);
    if (this.holdsFrames) this.releaseFrames();
  }

  private has(frames: readonly Frame[]): boolean {
    const own = this.frames;
    if (own.length !== frames.length) return false;
    for (let index = 0; index < own.length; index++) if (own[index] !== frames[index]) return false;
    return true;
  }

  private makeViews(): readonly Buffer[] {
    const views = viewsOver(this.frames);
    if (views.length < 2 || this.byteLength > views.length * JOINED_PIECES) return views;
    const joined = Buffer.concat(views, this.byteLength);
    this.releaseFrames(); // a receiver that stalls holds the copy, and no memory of the arena
    return [joined];
  }

  private releaseFrames(): void {
    this.holdsFrames = false;
    for (const frame of this.frames) frame.release();
  }
}

/** The bytes of `frames` in few views. Frames that were cut from one chunk lie side by side, and make one view. */
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
