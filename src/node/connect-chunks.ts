import { connect, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net';
import { finished } from 'node:stream';
import { abortReason, addAbortCallback, checkSignal, removeAbortCallback } from '../base/abort-signals.js';
import { checkFunction, checkInteger, describe } from '../base/check.js';
import { type ArenaBuffer, Bytes } from '../index.js';
import { Answers } from './answers.js';
import { type ChunkArena, chunkSizeFor } from './chunk-arena.js';
import type { StoppableIterator } from './stoppable.js';

export interface ConnectOptions {
  /** Bytes of a chunk. Default: a slot, or 64 KiB of a buddy arena. */
  readonly chunkSize?: number | undefined;
  /** How many chunks may wait to be taken before the socket is not read any more. Default 2. */
  readonly readAhead?: number | undefined;
  /** Ends the connection and the chunks with its `reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Makes the socket. Default: `connect` of `node:net`; that of `node:tls` takes the same `onread`. */
  readonly connect?: ((options: NetConnectOpts & { readonly onread: OnReadOpts }) => Socket) | undefined;
}

/** A connection and what comes in on it. */
export interface ChunkConnection {
  readonly socket: Socket;
  /** What comes in, each chunk the consumer's to release. To be iterated once. Stopping early destroys the socket. */
  readonly chunks: StoppableIterator<Bytes>;
}

const DEFAULT_READ_AHEAD = 2;

/**
 * Opens a connection whose incoming data the system writes straight into the arena (`onread` of `net.connect`). When nobody
 * takes the chunks, or the arena is full, the socket is not read, and so the peer has to wait.
 *
 * An open connection holds one chunk's memory, in which the next data will land. Only the first data after the arena was
 * full is copied, once: when reading has to stop no memory is left to land in, and Node takes none later. (A TLS socket goes
 * on with what it had decrypted by then, up to 64 KiB, which is kept on the heap.) `'data'` events,
 * `read()` and `pipe` of such a socket bring nothing; its writing side is as ever.
 *
 * Node has no public way to do the same for accepted sockets: use `readChunks(arena, socket)`, which copies once.
 * @throws TypeError, RangeError for bad arguments
 */
export function connectChunks(arena: ChunkArena, to: NetConnectOpts, options: ConnectOptions = {}): ChunkConnection {
  const chunkSize = chunkSizeFor(arena, options.chunkSize);
  const readAhead = checkInteger(options.readAhead ?? DEFAULT_READ_AHEAD, 'readAhead', 1);
  const { signal, connect: open = connect } = options;
  checkFunction(open, 'connect');
  if (typeof to !== 'object' || to === null) throw new TypeError(`to must be an object, got ${describe(to)}`);
  checkSignal(signal);
  if (signal?.aborted) throw abortReason(signal);
  const chunks = new SocketChunks(arena, chunkSize, readAhead, signal);
  try {
    const socket = open({ ...to, onread: chunks.onread });
    chunks.attach(socket);
    return { socket, chunks };
  } catch (error) {
    chunks.leaveStrip();
    throw error;
  }
}

/** What Node reads at once elsewhere. */
const LARGEST_HEAP_STRIP = 65_536;

/** Where data lands while there is no arena memory for it. One is enough: each read is copied before the next begins. */
let heapStrip: Uint8Array | undefined;

/**
 * The memory under a socket's next read, and the chunks that were read and not taken yet.
 *
 * `strip` is where the system writes next: arena memory, or where that was full the heap strip, in which case reading has
 * stopped. It goes on when `reserve` has memory to copy the next read into.
 */
class SocketChunks implements StoppableIterator<Bytes> {
  readonly onread: OnReadOpts;
  private readonly arena: ChunkArena;
  private readonly chunkSize: number;
  private readonly readAhead: number;
  private readonly signal: AbortSignal | undefined;
  private readonly answers = new Answers<Bytes>();
  private readonly chunks: Bytes[] = [];
  private strip: ArenaBuffer | undefined;
  private reserve: ArenaBuffer | undefined;
  private socket: Socket | undefined;
  /** Whether the system reads no more into the strip until it is told to. */
  private isStopped = false;
  private isWaiting = false;
  /** Whether nothing more comes. */
  private hasEnded = false;
  private wasReturned = false;
  /** Aborted when the strip was left: ends the wait for memory. */
  private readonly gone = new AbortController();
  private readonly onAbort = (): void => this.stop(this.signal && abortReason(this.signal));

  constructor(arena: ChunkArena, chunkSize: number, readAhead: number, signal: AbortSignal | undefined) {
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
    // Only then is it certain that the system writes nothing more into the strip.
    for (const event of ['end', 'close']) {
      socket.once(event, () => {
        this.leaveStrip();
        this.advance();
      });
    }
    socket.once('close', () => {
      if (signal !== undefined) removeAbortCallback(signal, this.onAbort);
    });
    if (signal?.aborted) this.onAbort(); // by `connect`
  }

  next(): Promise<IteratorResult<Bytes, undefined>> {
    const value = this.answers.areAwaited ? undefined : this.chunks.shift();
    if (value !== undefined) {
      this.readOn();
      return Promise.resolve({ done: false, value }); // a third of the garbage of a promise that waits
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

  /** Gives the memory back in which the next data would land. */
  leaveStrip(): void {
    this.gone.abort();
    this.strip?.abandon();
    this.reserve?.abandon();
    this.strip = undefined;
    this.reserve = undefined;
  }

  /** Takes no more, and closes the connection unless it has ended by itself. */
  private stop(...failure: [reason?: unknown]): void {
    if (failure.length > 0) this.answers.fail(failure[0]);
    this.drop();
    const [reason] = failure;
    if (!this.hasEnded) this.socket?.destroy(reason instanceof Error ? reason : undefined);
  }

  /** Hands out what there is, reads on where it was taken, and ends when nothing more comes. */
  private advance(): void {
    while (this.answers.areAwaited) {
      const bytes = this.chunks.shift();
      if (bytes === undefined) break;
      this.answers.give(bytes);
    }
    this.readOn();
    // Who returned is answered when the strip is back as well.
    if (this.chunks.length === 0 && (this.wasReturned ? this.gone.signal.aborted : this.hasEnded)) this.answers.end();
  }

  /** The next read's memory: Node asks for it when it connects, and after every read. */
  private nextStrip(): Uint8Array {
    if (this.strip === undefined) {
      heapStrip ??= new Uint8Array(LARGEST_HEAP_STRIP);
      return heapStrip.subarray(0, this.chunkSize);
    }
    const room = this.strip.chunkMut();
    return room.length > this.chunkSize ? room.subarray(0, this.chunkSize) : room;
  }

  /** Takes the `count` bytes that were read. @returns whether to read on */
  private landed(count: number): boolean {
    const bytes = this.frozen(count);
    // One that is waited for comes later: a TLS socket still delivers what it had decrypted when it was stopped.
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
    // Without a reserve reading is stopped, but the program may call resume(), and nothing may be lost.
    return reserve?.putSlice(data).freeze() ?? Bytes.copyFrom(data);
  }

  private spareMemory(): ArenaBuffer | undefined {
    return this.arena.isClosed ? undefined : this.arena.tryAllocate(this.chunkSize);
  }

  private waitForReserve(): void {
    this.isStopped = true;
    if (this.isWaiting) return;
    this.isWaiting = true;
    this.arena.allocateAsync(this.chunkSize, { signal: this.gone.signal }).then(
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
