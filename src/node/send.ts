import { PassThrough, type Writable } from 'node:stream';
import { Bytes } from '../index.js';
import { BytesList, giveBack, viewsOf } from './bytes-list.js';

/**
 * Writes `bytes` to `writable` as one vectored write and releases them when it has finished with their memory. The handle is
 * used up at once: who releases it afterwards, a `using` in a generator, say, releases nothing that is still being read.
 */
export function send(writable: Writable, bytes: Bytes | BytesList): Promise<void> {
  return new Promise((resolve, reject) => {
    const own = takeOver(bytes);
    try {
      const writes = writesOf(writable);
      const views = own.isEmpty ? [] : writes.needsCopies || mayMove(own) ? [own.toUint8Array()] : viewsOf(own);
      checkOpen(writable);
      new Sending(writes, own, views.length, resolve, reject).begin(views);
    } catch (error) {
      giveBack(own);
      reject(error);
    }
  });
}

/** Whether to wait for `drain`. */
export function needsDrain(writable: Writable & { readonly stream?: Writable }): boolean {
  // Http2ServerResponse has none of its own before Node 22.
  return writable.writableNeedDrain ?? writable.stream?.writableNeedDrain ?? false;
}

/** The content under a handle of our own; `bytes` is released. */
export function takeOver(bytes: Bytes | BytesList): Bytes | BytesList {
  const own = bytes instanceof BytesList ? bytes.split(bytes.length) : bytes.clone();
  giveBack(bytes);
  return own;
}

/** Whether the memory is that of a WebAssembly.Memory: when it grows, a view that waits to be written is empty. */
function mayMove(bytes: Bytes | BytesList): boolean {
  const pieces = bytes instanceof BytesList ? [...bytes] : [bytes];
  return pieces.some((piece) => Bytes.placeOf(piece).allocation.memory.mayMove);
}

/** @throws what a stream failed with, or that it was closed */
export function checkOpen(writable: Writable): void {
  if (writable.destroyed || writable.closed) throw writable.errored ?? prematureClose();
}

/** Also where it is the socket under an http message that was destroyed. */
function isDestroyed(writable: Writable & { readonly socket?: { readonly destroyed: boolean } | null }): boolean {
  return writable.destroyed || writable.socket?.destroyed === true;
}

export function prematureClose(): Error {
  const error = new Error('the stream was closed before it had written everything');
  return Object.assign(error, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}

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
 *
 * The listeners stay: adding and removing them for each write cost more than all the rest of it.
 */
class StreamWrites {
  readonly writable: Writable;
  /** Whether the stream hands on the memory it was given, and nobody tells when that was read. */
  readonly needsCopies: boolean;
  private readonly underWay = new Set<Sending>();
  /** What is known of why it failed. */
  private error: Error | undefined;
  private hasFailed = false;

  constructor(writable: Writable) {
    this.writable = writable;
    this.needsCopies = writable instanceof PassThrough;
    // Streams of one http/2 session share its socket, which goes on reading their memory after they were closed.
    const session = sessionOf(writable);
    writable.on('close', () => {
      if (this.underWay.size === 0) return;
      if (session === undefined || session.destroyed) this.closed();
      else session.once('close', () => this.closed());
    });
    writable.on('error', (error: Error) => this.failed(error));
  }

  add(sending: Sending): void {
    this.underWay.add(sending);
  }

  /** @returns false when it was removed before */
  remove(sending: Sending, failed: boolean): boolean {
    if (failed) this.hasFailed = true;
    return this.underWay.delete(sending);
  }

  failure(): Error {
    return this.writable.errored ?? this.error ?? prematureClose();
  }

  private closed(): void {
    for (const sending of this.underWay) sending.finish(this.failure());
  }

  /** An error that rejects a write was told. Any other that nobody listens to must not pass unseen, as ever. */
  private failed(error: Error): void {
    const isTold = this.hasFailed || this.underWay.size > 0;
    this.error = error;
    this.hasFailed = false;
    if (!isTold && this.writable.listenerCount('error') === 1) throw error;
  }
}

interface Session {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** The http/2 session of a stream, or of the stream of a response. */
function sessionOf(
  writable: Writable & { readonly session?: Session; readonly stream?: { readonly session?: Session } },
): Session | undefined {
  return writable.session ?? writable.stream?.session;
}

/** One call of {@link send}. Each piece has a callback: in a stream that is destroyed those behind the one in work come at once. */
class Sending {
  private readonly writes: StreamWrites;
  private readonly bytes: Bytes | BytesList;
  private missing: number;
  private failure: Error | undefined;
  private readonly resolve: () => void;
  private readonly reject: (reason: unknown) => void;

  constructor(
    writes: StreamWrites,
    bytes: Bytes | BytesList,
    missing: number,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    this.writes = writes;
    this.bytes = bytes;
    this.missing = missing;
    this.failure = undefined;
    this.resolve = resolve;
    this.reject = reject;
  }

  begin(views: readonly Uint8Array[]): void {
    const { writable } = this.writes;
    this.writes.add(this);
    if (this.missing === 0) this.finish(undefined);
    const onWritten = (error?: Error | null): void => this.written(error);
    if (views.length > 1) writable.cork();
    for (const view of views) {
      try {
        writable.write(view, onWritten);
      } catch (error) {
        this.written(error as Error);
      }
    }
    if (views.length > 1) writable.uncork();
  }

  /** @param failure undefined for success */
  finish(failure: Error | undefined): void {
    const error = this.failure ?? failure;
    if (!this.writes.remove(this, error !== undefined)) return;
    giveBack(this.bytes);
    if (error === undefined) this.resolve();
    else this.reject(error);
  }

  private written(error: Error | null | undefined): void {
    // A socket that was destroyed in mid-write calls back without an error.
    if (error) this.failure ??= error;
    else if (isDestroyed(this.writes.writable)) this.failure ??= this.writes.failure();
    if (--this.missing === 0) this.finish(undefined);
  }
}
