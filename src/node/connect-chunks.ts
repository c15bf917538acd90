import { connect, type NetConnectOpts, type OnReadOpts, type Socket } from 'node:net';
import { finished } from 'node:stream';
import { addAbortCallback, checkSignal, removeAbortCallback } from '../abort-signals.js';
import { checkFunction, checkInteger, describe } from '../check.js';
import { type ArenaBuffer, Bytes } from '../index.js';
import { type ChunkArena, chunkSizeFor } from './chunk-arena.js';
import { type StoppableIterator, stoppable } from './stoppable.js';

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
 * full is copied, once: when reading has to stop no memory is left to land in, and Node takes none later. `'data'` events,
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
  signal?.throwIfAborted();
  const landing = new Landing(arena, chunkSize, readAhead);
  let socket: Socket;
  try {
    socket = open({ ...to, onread: landing.onread });
  } catch (error) {
    landing.leaveStrip();
    throw error;
  }
  landing.attach(socket, signal);
  return { socket, chunks: stoppable(signal, (stop) => landing.taken(stop)) };
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
class Landing {
  readonly onread: OnReadOpts;
  private readonly arena: ChunkArena;
  private readonly chunkSize: number;
  private readonly readAhead: number;
  private readonly chunks: Bytes[] = [];
  private strip: ArenaBuffer | undefined;
  private reserve: ArenaBuffer | undefined;
  private socket: Socket | undefined;
  private isStopped = false;
  private hasEnded = false;
  private error: Error | null | undefined;
  private wake: () => void = () => undefined;
  /** Ends the wait for memory. */
  private readonly gone = new AbortController();

  constructor(arena: ChunkArena, chunkSize: number, readAhead: number) {
    this.arena = arena;
    this.chunkSize = chunkSize;
    this.readAhead = readAhead;
    this.strip = this.spareMemory();
    this.onread = { buffer: () => this.nextStrip(), callback: (count) => this.landed(count) };
  }

  attach(socket: Socket, signal: AbortSignal | undefined): void {
    this.socket = socket;
    if (this.strip === undefined) {
      socket.pause();
      this.waitForReserve();
    }
    const onAbort = (): void => void socket.destroy(signal?.reason);
    if (signal !== undefined) addAbortCallback(signal, onAbort);
    finished(socket, { writable: false }, (error) => {
      this.hasEnded = true;
      this.error = error;
      if (error) this.drop();
      this.wake();
    });
    // Only then is it certain that the system writes nothing more into the strip.
    socket.once('end', () => this.leaveStrip());
    socket.once('close', () => {
      if (signal !== undefined) removeAbortCallback(signal, onAbort);
      this.leaveStrip();
    });
  }

  async *taken(stop: AbortSignal): AsyncGenerator<Bytes, undefined, undefined> {
    const onStop = (): void => this.wake();
    addAbortCallback(stop, onStop);
    try {
      for (;;) {
        stop.throwIfAborted();
        const bytes = this.chunks.shift();
        if (bytes !== undefined) {
          this.readOn();
          yield bytes;
        } else if (this.hasEnded) {
          if (this.error) throw this.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
        }
      }
    } finally {
      removeAbortCallback(stop, onStop);
      if (!this.hasEnded) this.socket?.destroy();
      this.drop();
    }
  }

  /** The next read's memory: Node asks for it when it connects, and after every read. */
  private nextStrip(): Uint8Array {
    if (this.strip !== undefined) return this.strip.chunkMut().subarray(0, this.chunkSize);
    heapStrip ??= new Uint8Array(LARGEST_HEAP_STRIP);
    return heapStrip.subarray(0, this.chunkSize);
  }

  /** Takes the `count` bytes that were read. @returns whether to read on */
  private landed(count: number): boolean {
    const { strip, reserve } = this;
    this.strip = undefined;
    this.reserve = undefined;
    if (strip !== undefined) this.chunks.push(strip.advanceMut(count).freeze());
    else {
      const data = this.nextStrip().subarray(0, count);
      // Without a reserve reading is stopped, but the program may call resume(), and nothing may be lost.
      this.chunks.push(reserve?.putSlice(data).freeze() ?? Bytes.copyFrom(data));
    }
    this.wake();
    this.strip = this.spareMemory();
    if (this.strip === undefined) this.waitForReserve();
    this.isStopped = this.strip === undefined || this.chunks.length >= this.readAhead;
    return !this.isStopped;
  }

  private spareMemory(): ArenaBuffer | undefined {
    return this.arena.isClosed ? undefined : this.arena.tryAllocate(this.chunkSize);
  }

  private waitForReserve(): void {
    this.isStopped = true;
    this.arena.allocateAsync(this.chunkSize, { signal: this.gone.signal }).then(
      (buffer) => {
        this.reserve = buffer;
        if (this.gone.signal.aborted) this.leaveStrip();
        else this.readOn();
      },
      (error: Error) => {
        if (!this.gone.signal.aborted) this.socket?.destroy(error);
      },
    );
  }

  private readOn(): void {
    if (!this.isStopped || this.chunks.length >= this.readAhead) return;
    if (this.strip === undefined && this.reserve === undefined) return;
    this.isStopped = false;
    this.socket?.resume();
  }

  /** Gives the memory back in which the next data would land. */
  leaveStrip(): void {
    this.gone.abort();
    this.strip?.abandon();
    this.reserve?.abandon();
    this.strip = undefined;
    this.reserve = undefined;
  }

  private drop(): void {
    for (const bytes of this.chunks.splice(0)) bytes.release();
  }
}
