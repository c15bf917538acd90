import type { FrameRun } from './frame-run.js';
import { writeAll } from './send.js';
import type { StreamWrites, UnderWay } from './stream-writes.js';

/** A run of frames that one stream is writing. */
export class Batch implements UnderWay {
  readonly run: FrameRun;
  private readonly writes: StreamWrites;
  private readonly onTaken: (batch: Batch, failure: Error | undefined) => void;
  private missing: number;
  private failure: Error | undefined;

  constructor(writes: StreamWrites, run: FrameRun, onTaken: Batch['onTaken']) {
    this.writes = writes;
    this.run = run;
    this.onTaken = onTaken;
    this.missing = 0;
    this.failure = undefined;
  }

  begin(): void {
    const { writes } = this;
    const pieces = this.run.pieces();
    this.missing = pieces.length;
    writes.add(this);
    if (pieces.length === 0) this.finish(undefined);
    else writeAll(writes, pieces, (error) => this.written(error));
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
