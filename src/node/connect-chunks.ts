import { connect, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net';
import { finished } from 'node:stream';
import { abortReason, addAbortCallback, checkSignal, removeAbortCallback } from '../base/abort-signals.js';
import { checkFunction, checkInteger, describe } from '../base/check.js';
import { shortLived } from '../base/short-lived.js';
import { type ArenaBuffer, Bytes } from '../index.js';
import { Answers } from '../streams/answers.js';
import { type ChunkArena, chunkSizeFor } from '../streams/chunk-arena.js';
import type { StoppableIterator } from '../streams/stoppable.js';
import { checkTimeout } from '../waiting/wait-options.js';

export interface ConnectOptions {
  /** The most bytes in a chunk. Default: the slot capacity, or 64 KiB in a buddy arena. */
  readonly chunkSize?: number | undefined;
  /** How many chunks may wait to be taken before reading from the socket stops. Default 2. */
  readonly readAhead?: number | undefined;
  /** Aborting it ends the connection and the chunks with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest wait for memory, in ms. A longer one ends with a DOMException named `TimeoutError`. Default: no limit.
   */
  readonly timeout?: number | undefined;
  /** Opens the socket. Default: `connect` of `node:net`. `connect` of `node:tls` takes the same `onread`. */
  readonly connect?: ((options: NetConnectOpts & { readonly onread: OnReadOpts }) => Socket) | undefined;
}

/** A connection and its incoming data. */
export interface ChunkConnection {
  readonly socket: Socket;
  /** The incoming data. Iterate it once, and release each chunk. Stopping early destroys the socket. */
  readonly chunks: StoppableIterator<Bytes>;
}

const DEFAULT_READ_AHEAD = 2;

/**
 * Opens a connection whose incoming data the system writes straight into the arena (`onread` of `net.connect`). While
 * nobody takes the chunks or the arena is full, the socket is not read, so the peer has to wait.
 *
 * An open connection holds the memory of one chunk, for the next data. Only the first data after the arena was full is
 * copied, once: when reading stops there is no arena memory to give to Node, and Node does not accept any later. (A TLS
 * socket still delivers the data it had decrypted by then, up to 64 KiB. That data is kept on the heap.)
 *
 * The socket's `'data'` events, `read()` and `pipe` give no data. Its writing side works as usual.
 *
 * Node has no public way to do the same for accepted sockets: use `readChunks(arena, socket)`, which copies once.
 * @throws TypeError, RangeError for bad arguments; the reason of a signal that is already aborted; whatever
 *   `options.connect` throws
 */
export function connectChunks(arena: ChunkArena, to: NetConnectOpts, options: ConnectOptions = {}): ChunkConnection {
  const chunkSize = chunkSizeFor(arena, options.chunkSize);
  const readAhead = checkInteger(options.readAhead ?? DEFAULT_READ_AHEAD, 'readAhead', 1);
  const { signal, timeout, connect: open = connect } = options;
  checkTimeout(timeout);
  checkFunction(open, 'connect');
  if (typeof to !== 'object' || to === null) throw new TypeError(`to must be an object, got ${describe(to)}`);
  checkSignal(signal);
  if (signal?.aborted) throw abortReason(signal);
  const chunks = new SocketChunks(arena, chunkSize, readAhead, signal, timeout);
  try {
    const socket = open({ ...to, onread: chunks.onread });
    chunks.attach(socket);
    return { socket, chunks };
  } catch (error) {
    chunks.leaveStrip();
    throw error;
  }
}

/** As much as Node reads at once from other sockets. */
const LARGEST_HEAP_STRIP = 65_536;

/**
 * The heap memory that Node reads into while there is no arena memory. All connections can share it: each read is
 * copied before the next begins.
 */
let heapStrip: Uint8Array | undefined;

/**
 * The memory for a socket's next read, and the chunks that were read but not taken yet.
 *
 * `strip` is the arena memory that the system writes into next. When the arena is full, `strip` is undefined, Node gets
 * the heap strip instead, and reading stops. Reading continues once `reserve` holds arena memory that the next read can
 * be copied into.
 */
class SocketChunks implements StoppableIterator<Bytes> {
  readonly onread: OnReadOpts;
  private readonly arena: ChunkArena;
  private readonly chunkSize: number;
  private readonly readAhead: number;
  private readonly signal: AbortSignal | undefined;
  private readonly timeout: number | undefined;
  private readonly answers = new Answers<Bytes>();
  private readonly chunks: Bytes[] = [];
  private strip: ArenaBuffer | undefined;
  private reserve: ArenaBuffer | undefined;
  private socket: Socket | undefined;
  /** Whether reading is stopped until the socket is resumed. */
  private isStopped = false;
  private isWaiting = false;
  /** Whether the socket will deliver no more data. */
  private hasEnded = false;
  private wasReturned = false;
  /** Aborted by `leaveStrip`. Ends the wait for memory. */
  private readonly gone = new AbortController();
  private readonly onAbort = shortLived((): void => this.stop(this.signal && abortReason(this.signal)));

  constructor(
    arena: ChunkArena,
    chunkSize: number,
    readAhead: number,
    signal: AbortSignal | undefined,
    timeout: number | undefined,
  ) {
    this.timeout = timeout;
    this.arena = arena;
    this.chunkSize = chunkSize;
    this.readAhead = readAhead;
    this.signal = signal;
    this.strip = this.spareMemory();
    this.onread = { buffer: () => this.nextStrip(), callback: (count) => this.landed(count) };
  }

  attach(socket: Socket): void {
    const { signal } = this;
    this.socket = socket;
    if (this.strip === undefined) {
      socket.pause();
      this.waitForReserve();
    }
    if (signal !== undefined) addAbortCallback(signal, this.onAbort);
    finished(socket, { writable: false }, (error) => {
      this.hasEnded = true;
      if (error) {
        if (!this.wasReturned) this.answers.fail(error);
        this.drop();
      }
      this.advance();
    });
    // Before these events the system may still write into the strip.
    for (const event of ['end', 'close']) {
      socket.once(event, () => {
        this.leaveStrip();
        this.advance();
      });
    }
    socket.once('close', () => {
      if (signal !== undefined) removeAbortCallback(signal, this.onAbort);
    });
    if (signal?.aborted) this.onAbort(); // `open` may have aborted it
  }

  next(): Promise<IteratorResult<Bytes, undefined>> {
    const value = this.answers.areAwaited ? undefined : this.chunks.shift();
    if (value !== undefined) {
      this.readOn();
      return Promise.resolve({ done: false, value }); // makes a third of the garbage of a pending promise
    }
    const answer = this.answers.ask();
    this.advance();
    return answer;
  }

  return(): Promise<IteratorResult<Bytes, undefined>> {
    this.wasReturned = true;
    this.stop();
    this.answers.forgetFailure();
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Gives back the memory for the next read. */
  leaveStrip(): void {
    this.gone.abort();
    this.strip?.abandon();
    this.reserve?.abandon();
    this.strip = undefined;
    this.reserve = undefined;
  }

  /** Drops the chunks and destroys the socket, unless it has ended by itself. */
  private stop(...failure: [reason?: unknown]): void {
    if (failure.length > 0) this.answers.fail(failure[0]);
    this.drop();
    const [reason] = failure;
    if (!this.hasEnded) this.socket?.destroy(reason instanceof Error ? reason : undefined);
  }

  /** Answers waiting calls with the chunks at hand, resumes reading, and ends when no more data will come. */
  private advance(): void {
    while (this.answers.areAwaited) {
      const bytes = this.chunks.shift();
      if (bytes === undefined) break;
      this.answers.give(bytes);
    }
    this.readOn();
    // After `return()`, calls are answered only once the strip has been given back as well.
    if (this.chunks.length === 0 && (this.wasReturned ? this.gone.signal.aborted : this.hasEnded)) this.answers.end();
  }

  /** Returns the memory for the next read. Node calls this when it connects and after every read. */
  private nextStrip(): Uint8Array {
    if (this.strip === undefined) {
      heapStrip ??= new Uint8Array(LARGEST_HEAP_STRIP);
      return heapStrip.subarray(0, this.chunkSize);
    }
    const room = this.strip.chunkMut();
    return room.length > this.chunkSize ? room.subarray(0, this.chunkSize) : room;
  }

  /** Takes the `count` bytes that were read. @returns whether to continue reading */
  private landed(count: number): boolean {
    const bytes = this.frozen(count);
    // Take no strip while a reserve is there or on its way. Data may come even then: a TLS socket that was stopped
    // still delivers what it had decrypted.
    this.strip = this.isWaiting || this.reserve !== undefined ? undefined : this.spareMemory();
    if (this.strip === undefined && this.reserve === undefined) this.waitForReserve();
    if (this.answers.areAwaited) this.answers.give(bytes);
    else this.chunks.push(bytes);
    this.isStopped = this.strip === undefined || this.chunks.length >= this.readAhead;
    return !this.isStopped;
  }

  private frozen(count: number): Bytes {
    const { strip, reserve } = this;
    this.strip = undefined;
    if (strip !== undefined) return strip.advanceMut(count).freeze();
    this.reserve = undefined;
    const data = this.nextStrip().subarray(0, count);
    // Without a reserve reading is stopped, but the program may call resume(). The heap copy keeps that data.
    return reserve?.putSlice(data).freeze() ?? Bytes.copyFrom(data);
  }

  private spareMemory(): ArenaBuffer | undefined {
    return this.arena.isClosed ? undefined : this.arena.tryAllocate(this.chunkSize);
  }

  private waitForReserve(): void {
    this.isStopped = true;
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.arena.allocateAsync(this.chunkSize, { signal: this.gone.signal, timeout: this.timeout }).then(
      (buffer) => {
        this.isWaiting = false;
        this.reserve = buffer;
        if (this.gone.signal.aborted) this.leaveStrip();
        else this.readOn();
      },
      (error: unknown) => {
        this.isWaiting = false;
        if (!this.gone.signal.aborted) this.stop(error);
      },
    );
  }

  private readOn(): void {
    if (!this.isStopped || this.chunks.length >= this.readAhead) return;
    if (this.strip === undefined && this.reserve === undefined) return;
    this.isStopped = false;
    this.socket?.resume();
  }

  private drop(): void {
    for (const bytes of this.chunks.splice(0)) Bytes.giveBack(bytes);
  }
}
