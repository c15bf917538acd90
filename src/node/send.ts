import { PassThrough, type Writable } from 'node:stream';
import type { Bytes } from '../index.js';
import { type BytesList, viewsOf } from './bytes-list.js';

/** A write under way. */
export interface Sending {
  /** Settles when the stream has finished with the memory, and that was released. */
  readonly done: Promise<void>;
  /** Whether the stream takes more now; else wait for `drain`. */
  readonly hasRoom: boolean;
}

/** Writes `bytes` to `writable` as one vectored write and releases them when it has finished with their memory. */
export function send(writable: Writable, bytes: Bytes | BytesList): Sending {
  const done = new Promise<void>((resolve, reject) => {
    try {
      const views = viewsFor(writable, bytes);
      checkOpen(writable);
      const settle: Settle = (error) => {
        bytes.release();
        if (error) reject(error);
        else resolve();
      };
      if (views.length === 0) settle(null);
      else writesOf(writable).start(views, settle);
    } catch (error) {
      bytes.release();
      reject(error);
    }
  });
  return { done, hasRoom: !writable.writableNeedDrain };
}

/** The views of `bytes`; where a stream hands on the memory it was given, and nobody tells when it was read, a copy. */
function viewsFor(writable: Writable, bytes: Bytes | BytesList): readonly Uint8Array[] {
  if (bytes.isEmpty) return [];
  if (writable instanceof PassThrough) return [bytes.toUint8Array()];
  return viewsOf(bytes);
}

/** @throws what a stream failed with, or that it was closed */
export function checkOpen(writable: Writable): void {
  if (writable.destroyed || writable.closed) throw prematureClose(writable);
}

/** Also where it is the socket under an http message that was destroyed. */
function isDestroyed(writable: Writable & { readonly socket?: { readonly destroyed: boolean } | null }): boolean {
  return writable.destroyed || writable.socket?.destroyed === true;
}

function prematureClose(writable: Writable): Error {
  if (writable.errored) return writable.errored;
  const error = new Error('the stream was closed before it had written everything');
  return Object.assign(error, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}

type Settle = (error: Error | null | undefined) => void;

/** By stream, so that each has one listener of each kind, however many writes are under way. */
const writesByStream = new WeakMap<Writable, StreamWrites>();

function writesOf(writable: Writable): StreamWrites {
  let writes = writesByStream.get(writable);
  if (writes === undefined) {
    writes = new StreamWrites(writable);
    writesByStream.set(writable, writes);
  }
  return writes;
}

/**
 * The writes that a stream has not finished. A callback is not enough: some never come (an http response whose client left,
 * a stream destroyed in mid-write), and then nothing reads the memory any more once the stream was closed.
 */
class StreamWrites {
  private readonly writable: Writable;
  private readonly closings = new Set<() => void>();
  private hasFailed = false;
  private readonly onClose = (): void => {
    for (const close of this.closings) close();
  };
  /** The error reaches whoever awaits the write. */
  private readonly onError = (): void => undefined;

  constructor(writable: Writable) {
    this.writable = writable;
  }

  /** @param settle called once, when none of `views` is in use any more */
  start(views: readonly Uint8Array[], settle: Settle): void {
    let missing = views.length;
    let failure: Error | null | undefined;
    const finish = (error: Error | null | undefined): void => {
      if (!this.closings.delete(close)) return;
      if (error) this.hasFailed = true;
      // A stream that failed emits its error after the callbacks: somebody has to listen until then.
      if (this.closings.size === 0 && !this.hasFailed) this.listen('off');
      settle(error);
    };
    // Each piece has a callback of its own: when a stream is destroyed, those behind the one in work come at once.
    const written = (error: Error | null | undefined): void => {
      // A socket that was destroyed in mid-write calls back without an error.
      failure ??= error ?? (isDestroyed(this.writable) ? prematureClose(this.writable) : null);
      if (--missing === 0) finish(failure);
    };
    const close = (): void => finish(failure ?? prematureClose(this.writable));
    if (this.closings.size === 0 && !this.hasFailed) this.listen('on');
    this.closings.add(close);
    this.writable.cork();
    for (const view of views) this.write(view, written);
    this.writable.uncork();
  }

  private write(view: Uint8Array, written: Settle): void {
    try {
      this.writable.write(view, written);
    } catch (error) {
      written(error as Error);
    }
  }

  private listen(how: 'on' | 'off'): void {
    this.writable[how]('close', this.onClose);
    this.writable[how]('error', this.onError);
  }
}
