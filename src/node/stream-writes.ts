import { PassThrough, type Writable } from 'node:stream';

/** Memory that a stream has not finished with. */
export interface UnderWay {
  /** Gives the memory back. @param failure undefined for success */
  finish(failure: Error | undefined): void;
}

/** Something that wants to know when the stream takes nothing any more. It handles the errors of the stream. */
export interface Watcher {
  streamFailed(error: Error): void;
}

/** One entry for each stream, so that a stream has one listener of each kind, however many writes are under way. */
const writesByStream = new WeakMap<Writable, StreamWrites>();

export function writesOf(writable: Writable): StreamWrites {
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
export class StreamWrites {
  readonly writable: Writable;
  /**
   * Whether no event tells when the memory was read. A PassThrough passes it on. An http/2 session without TLS reports
   * a cancelled write as done while its socket still reads a part of it.
   */
  readonly needsCopies: boolean;
  private readonly underWay = new Set<UnderWay>();
  private readonly watchers = new Set<Watcher>();
  /** The last error that the stream emitted. */
  private error: Error | undefined;
  private hasFailed = false;

  constructor(writable: Writable) {
    this.writable = writable;
    // The streams of an http/2 session share its socket, which may still read their memory after they were closed.
    const session = sessionOf(writable);
    this.needsCopies = writable instanceof PassThrough || (session !== undefined && !session.encrypted);
    const onClose = (): void => {
      for (const watcher of this.watchers) watcher.streamFailed(this.failure());
      if (this.underWay.size === 0) return;
      if (session === undefined || session.destroyed) this.closed();
      else session.once('close', () => this.closed());
    };
    writable.on('close', onClose);
    writable.on('error', (error: Error) => this.failed(error));
    whenConnectionCloses(writable, onClose);
  }

  add(underWay: UnderWay): void {
    this.underWay.add(underWay);
  }

  /** @returns false when it had been removed before */
  remove(underWay: UnderWay, failed: boolean): boolean {
    if (failed) this.hasFailed = true;
    return this.underWay.delete(underWay);
  }

  watch(watcher: Watcher): void {
    this.watchers.add(watcher);
  }

  unwatch(watcher: Watcher): void {
    this.watchers.delete(watcher);
  }

  failure(): Error {
    return this.writable.errored ?? this.error ?? prematureClose();
  }

  /**
   * Whether a write whose callback reports no error has failed all the same: a socket that is destroyed in mid-write
   * calls back without one.
   */
  get isDestroyed(): boolean {
    const { writable }: { readonly writable: Message } = this;
    return isClosed(writable) || writable.socket?.destroyed === true;
  }

  private closed(): void {
    for (const underWay of this.underWay) underWay.finish(this.failure());
  }

  /**
   * An error that rejects a write has been reported by that. Any other error must be thrown if the stream has no other
   * listener, as Node would do.
   */
  private failed(error: Error): void {
    const isTold = this.hasFailed || this.underWay.size > 0 || this.watchers.size > 0;
    this.error = error;
    this.hasFailed = false;
    for (const watcher of this.watchers) watcher.streamFailed(error);
    if (!isTold && this.writable.listenerCount('error') === 1) throw error;
  }
}

/** What an http response has beside other streams. */
type Message = Writable & {
  readonly socket?: Connection | null;
  readonly req?: { readonly socket?: Connection };
};

interface Connection {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** By connection: the responses that wait for their turn on it. */
const waitingResponses = new WeakMap<Connection, Set<() => void>>();

/**
 * The response of a pipelined request has no socket while the response before it is not finished. It never closes when
 * the client leaves meanwhile.
 */
function whenConnectionCloses(writable: Message, onClose: () => void): void {
  const connection = writable.req?.socket;
  if (connection === undefined || writable.socket !== null) return;
  let waiting = waitingResponses.get(connection);
  if (waiting === undefined) {
    const all = new Set<() => void>();
    waiting = all;
    waitingResponses.set(connection, all);
    connection.once('close', () => {
      for (const close of all) close();
    });
  }
  const responses = waiting;
  responses.add(onClose);
  writable.once('close', () => void responses.delete(onClose)); // a connection may carry any number of responses
}

interface Session extends Connection {
  readonly encrypted?: boolean;
}

/** The http/2 session of a stream, or of the stream behind a response. */
function sessionOf(
  writable: Writable & { readonly session?: Session; readonly stream?: { readonly session?: Session } },
): Session | undefined {
  return writable.session ?? writable.stream?.session;
}

/** @throws the error that the stream failed with, or ERR_STREAM_PREMATURE_CLOSE when it was closed without one */
export function checkOpen(writable: Writable): void {
  if (isClosed(writable)) throw writable.errored ?? prematureClose();
}

/**
 * Whether the stream takes nothing any more. A response that waited for its turn on a connection that has closed since is
 * never destroyed, and never closes.
 */
export function isClosed(writable: Message): boolean {
  return (
    writable.destroyed || writable.closed || (writable.socket === null && writable.req?.socket?.destroyed === true)
  );
}

/** Whether the caller should wait for `drain`. */
export function needsDrain(writable: Writable & { readonly stream?: Writable }): boolean {
  // Http2ServerResponse has no writableNeedDrain before Node 22.
  return writable.writableNeedDrain ?? writable.stream?.writableNeedDrain ?? false;
}

export function prematureClose(): Error {
  const error = new Error('the stream was closed before everything was written');
  return Object.assign(error, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
}
