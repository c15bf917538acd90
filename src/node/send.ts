import { PassThrough, type Writable } from 'node:stream';
import { Bytes } from '../index.js';
import { BytesList, giveBack, viewsOf } from '../streams/bytes-list.js';

/**
 * Writes `bytes` to `writable` as one vectored write, and releases them when the stream has finished with their memory.
 * The handle is used up at once. If the caller releases it later, for example by `using` in a generator, no memory is
 * freed that the stream still reads.
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

/** Whether the caller should wait for `drain`. */
export function needsDrain(writable: Writable & { readonly stream?: Writable }): boolean {
  // Http2ServerResponse has no writableNeedDrain before Node 22.
  return writable.writableNeedDrain ?? writable.stream?.writableNeedDrain ?? false;
}

/** Moves the content of `bytes` to a new handle, and releases `bytes`. */
export function takeOver(bytes: Bytes | BytesList): Bytes | BytesList {
  const own = bytes instanceof BytesList ? bytes.split(bytes.length) : bytes.clone();
  giveBack(bytes);
  return own;
}

/** Whether the memory is that of a WebAssembly.Memory. When it grows, a view that waits to be written becomes empty. */
function mayMove(bytes: Bytes | BytesList): boolean {
  const pieces = bytes instanceof BytesList ? [...bytes] : [bytes];
  return pieces.some((piece) => Bytes.placeOf(piece).allocation.memory.mayMove);
}

/** @throws the error that the stream failed with, or ERR_STREAM_PREMATURE_CLOSE when it was closed without one */
export function checkOpen(writable: Writable): void {
  if (writable.destroyed || writable.closed) throw writable.errored ?? prematureClose();
}

/** Whether the stream was destroyed, or the socket under an http message. */
function isDestroyed(writable: Writable & { readonly socket?: { readonly destroyed: boolean } | null }): boolean {
  return writable.destroyed || writable.socket?.destroyed === true;
}

export function prematureClose(): Error {
  const error = new Error('the stream was closed before everything was written');
  return Object.assign(error, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}

/** One entry for each stream, so that a stream has one listener of each kind, however many writes are under way. */
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
 * The writes that a stream has not finished. Waiting for their callbacks is not enough, because some callbacks never
 * come (an http response whose client left, a stream destroyed in mid-write). In that case nothing reads the memory any
 * more once the stream has closed.
 *
 * The listeners stay on the stream: adding and removing them for each write would cost more than the rest of the write.
 */
class StreamWrites {
  readonly writable: Writable;
  /** Whether the stream passes on the memory it was given, so that no event tells when that memory was read. */
  readonly needsCopies: boolean;
  private readonly underWay = new Set<Sending>();
  /** The last error that the stream emitted. */
  private error: Error | undefined;
  private hasFailed = false;

  constructor(writable: Writable) {
    this.writable = writable;
    this.needsCopies = writable instanceof PassThrough;
    // The streams of an http/2 session share its socket, which may still read their memory after they were closed.
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

  /** @returns false when it had been removed before */
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

  /**
   * An error that rejects a write has been reported by that. Any other error must be thrown if the stream has no other
   * listener, as Node would do.
   */
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

/** The http/2 session of a stream, or of the stream behind a response. */
function sessionOf(
  writable: Writable & { readonly session?: Session; readonly stream?: { readonly session?: Session } },
): Session | undefined {
  return writable.session ?? writable.stream?.session;
}

/**
 * One call of {@link send}. Every piece has a callback, and all of them must come. The callback of the last piece is
 * not enough: when a stream is destroyed, the queued pieces call back at once, before the piece that is being written.
 */
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
    // A socket that is destroyed in mid-write calls back without an error.
    if (error) this.failure ??= error;
    else if (isDestroyed(this.writes.writable)) this.failure ??= this.writes.failure();
    if (--this.missing === 0) this.finish(undefined);
  }
}
