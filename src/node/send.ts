import type { Writable } from 'node:stream';
import type { Bytes } from '../index.js';
import type { BytesList } from '../streams/bytes-list.js';
import { Frame } from './frame.js';
import { checkOpen, type StreamWrites, type UnderWay, writesOf } from './stream-writes.js';

/**
 * Writes `bytes` to `writable` as one vectored write, and releases them when the stream has finished with their memory.
 * The handle is used up at once. If the caller releases it later, for example by `using` in a generator, no memory is
 * freed that the stream still reads.
 */
export function send(writable: Writable, bytes: Bytes | BytesList): Promise<void> {
  return new Promise((resolve, reject) => {
    sendThen(writable, bytes, (error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** As {@link send}. Calls `onDone` once, with the error if there was one, and perhaps before this returns. */
export function sendThen(writable: Writable, bytes: Bytes | BytesList, onDone: (error: unknown) => void): void {
  let frame: Frame | undefined;
  let sending: Sending;
  try {
    frame = new Frame(bytes);
    const writes = writesOf(writable);
    checkOpen(writable);
    sending = new Sending(writes, frame, onDone);
  } catch (error) {
    frame?.release();
    onDone(error);
    return;
  }
  sending.begin();
}

/**
 * One call of {@link send}. Every piece has a callback, and all of them must come. The callback of the last piece is
 * not enough: when a stream is destroyed, the queued pieces call back at once, before the piece that is being written.
 */
class Sending implements UnderWay {
  private readonly writes: StreamWrites;
  private readonly frame: Frame;
  private missing: number;
  private failure: Error | undefined;
  private readonly onDone: (error: unknown) => void;

  constructor(writes: StreamWrites, frame: Frame, onDone: (error: unknown) => void) {
    this.writes = writes;
    this.frame = frame;
    this.missing = frame.pieces.length;
    this.failure = undefined;
    this.onDone = onDone;
  }

  begin(): void {
    const { writes, frame } = this;
    writes.add(this);
    if (this.missing === 0) this.finish(undefined);
    const views = frame.pieces.map(({ view }) => view);
    writeAll(writes, views, (error) => this.written(error));
  }

  finish(failure: Error | undefined): void {
    const error = this.failure ?? failure;
    if (!this.writes.remove(this, error !== undefined)) return;
    this.frame.release();
    this.onDone(error);
  }

  private written(error: Error | null | undefined): void {
    if (error) this.failure ??= error;
    else if (this.writes.isDestroyed) this.failure ??= this.writes.failure();
    if (--this.missing === 0) this.finish(undefined);
  }
}

function cork(writable: Writable): void {
  try {
    writable.cork?.(); // not every stream of other people has it
  } catch (error) {
    writable.destroy(error as Error);
  }
}

/** Writes `views` as one vectored write. `onWritten` is called once for each. */
export function writeAll(
  { writable, needsCopies }: StreamWrites,
  views: readonly Buffer[],
  onWritten: (error?: Error | null) => void,
): void {
  const isOne = views.length === 1;
  if (!isOne) cork(writable);
  for (const view of views) {
    try {
      writable.write(needsCopies ? Buffer.from(view) : view, onWritten);
    } catch (error) {
      onWritten(error as Error);
    }
  }
  if (isOne) return;
  try {
    writable.uncork?.();
  } catch (error) {
    writable.destroy(error as Error); // its callbacks may not come: then its close ends the write
  }
}
