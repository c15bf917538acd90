import { close, fstat, open, type PathLike, read, readv, type Stats } from 'node:fs';
import { abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { shortLived } from '../base/short-lived.js';
import { type ArenaBuffer, Bytes } from '../index.js';
import { Answers } from '../streams/answers.js';
import type { ChunkArena } from '../streams/chunk-arena.js';
import type { StoppableIterator } from '../streams/stoppable.js';

/** A file that the caller opened and will close: a FileHandle, or `{ fd }`. */
export interface OpenFile {
  readonly fd: number;
}

export interface FileReadOptions {
  readonly chunkSize: number;
  /** Offset of the first byte. Undefined: the current position of the file. */
  readonly start: number | undefined;
  /** Offset after the last byte. Without a `start` it is the number of bytes. */
  readonly end: number;
  readonly readAhead: number;
  readonly signal: AbortSignal | undefined;
  /** The longest wait for memory, in ms. */
  readonly timeout: number | undefined;
}

/** The most bytes that one system call can read. */
export const LARGEST_READ: number = 2 ** 30;

// The most bytes that one call reads into several chunks. Batches save calls: each one costs 20 to 30 us in the thread
// pool and 350 to 800 bytes of garbage.
const LARGEST_BATCH = 512 * 1024;

/**
 * How many bytes to ask for at least, even beyond the reported size of the file. The file may have grown, and files in
 * /proc report a size of 0.
 */
export const SMALLEST_READ = 4096;

/**
 * The chunks of a file. A read of a regular file states its offset, so several reads can be under way at once. Anything
 * else (a pipe, a terminal, a handle that is read from its current position) is read one chunk after the other.
 *
 *     new ── next() ──► open ── end, failure, abort, return() ──► ending ── reads are back, file closed ──► ended
 *
 * It is written by hand, because an async generator makes three times the garbage. {@link readChunks} must cost the
 * garbage collector far less than Node's file streams do.
 */
export class FileChunks implements StoppableIterator<Bytes> {
  private readonly arena: ChunkArena;
  private readonly source: PathLike | OpenFile;
  private readonly options: FileReadOptions;
  private phase: 'new' | 'open' | 'ending' | 'ended' = 'new';
  private file = -1;
  /** Whether a call that opens or closes the file is under way. */
  private isBusy = false;
  /** Whether reads state their offset in the file. */
  private isPositioned = false;
  /** Whether they do, and several may be under way at once: in regular files. */
  private inPlaces = false;
  private isAtEnd = false;
  /** Offset of the next byte to read. If reads state no offset, it counts from where the file stood at first. */
  private position = 0;
  private claimedSize: number = Number.POSITIVE_INFINITY;
  /** The reads that are under way and those with chunks not taken yet, oldest first. */
  private readonly reads: FileRead[] = [];
  private readonly answers = new Answers<Bytes>();
  /** Ends the wait for memory. */
  private waiting: AbortController | undefined;
  private readonly onRead = shortLived((): void => {
    this.advance();
    if (this.isAwaited) this.giveBackSpare();
  });
  private readonly onWait = shortLived((): void => this.giveBackSpare());
  private readonly onAbort = shortLived((): void => this.end(this.options.signal && abortReason(this.options.signal)));

  constructor(arena: ChunkArena, source: PathLike | OpenFile, options: FileReadOptions) {
    this.arena = arena;
    this.source = source;
    this.options = options;
  }

  next(): Promise<IteratorResult<Bytes, undefined>> {
    const value = this.answers.areAwaited ? undefined : this.takeRead();
    if (value !== undefined) {
      if (this.isAtEnd) this.end();
      else this.readOn();
      return Promise.resolve({ done: false, value }); // makes a third of the garbage of a pending promise
    }
    const answer = this.answers.ask();
    if (this.phase === 'new') this.begin();
    else this.advance();
    return answer;
  }

  return(): Promise<IteratorResult<Bytes, undefined>> {
    this.end();
    this.answers.forgetFailure();
    const answer = this.answers.ask();
    this.advance();
    return answer;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  private begin(): void {
    const { signal } = this.options;
    this.phase = 'open';
    if (signal?.aborted) {
      this.end(abortReason(signal));
      return;
    }
    if (signal !== undefined) addAbortCallback(signal, this.onAbort);
    this.arena.line.pressure.add(this.onWait);
    this.isBusy = true;
    try {
      this.open();
    } catch (error) {
      this.isBusy = false; // node:fs throws for an invalid descriptor or path
      this.end(error);
    }
  }

  private open(): void {
    const { source, options } = this;
    if (isHandle(source)) {
      this.file = source.fd;
      fstat(this.file, (error, stats) => this.opened(error, stats, options.start));
      return;
    }
    open(source, 'r', (error, file) => {
      if (error !== null) {
        this.opened(error, undefined, 0);
      } else {
        this.file = file;
        fstat(file, (statError, stats) => this.opened(statError, stats, options.start ?? 0));
      }
    });
  }

  private opened(error: Error | null, stats: Stats | undefined, start: number | undefined): void {
    this.isBusy = false;
    this.position = start ?? 0;
    this.isPositioned = start !== undefined && (stats?.isFile() === true || start > 0);
    this.inPlaces = this.isPositioned && stats?.isFile() === true;
    if (stats !== undefined && this.inPlaces) this.claimedSize = stats.size;
    if (error !== null) this.end(error);
    this.advance();
  }

  /** The most bytes for the next chunk. 0 or less at the end. */
  private get wanted(): number {
    const claimed = Math.max(this.claimedSize - this.position, SMALLEST_READ);
    return Math.min(this.options.chunkSize, claimed, this.options.end - this.position);
  }

  /** Does everything that can be done now: answers calls, starts reads, finishes. */
  private advance(): void {
    if (this.isBusy) return;
    while (this.isOpen() && this.answers.areAwaited) {
      const bytes = this.takeRead();
      if (bytes !== undefined) {
        this.answers.give(bytes);
        if (this.isAtEnd) this.end();
      } else if (this.reads.length > 0 || this.waiting !== undefined) {
        break; // the next chunk is being read already, or waits for memory
      } else if (this.isOpen()) {
        this.startFirst();
      }
    }
    if (this.isOpen()) this.readOn();
    else this.finish();
  }

  /** Takes the next chunk that was read. Undefined when it is not there yet, or when none will come and this ends. */
  private takeRead(): Bytes | undefined {
    const [first] = this.reads;
    if (first === undefined || first.isUnderWay || this.phase !== 'open') return undefined;
    const { error, nextLength } = first;
    const bytes = first.take();
    const { length } = bytes;
    if (first.chunksLeft === 0) this.reads.shift();
    if (!this.inPlaces) this.position += length;
    const isShort = length < nextLength;
    if (isShort && error !== undefined) this.end(error);
    // A read at an offset continues until its memory is full or the file ends, so a short chunk is the last one.
    else if (length === 0) this.end();
    else if (isShort && this.inPlaces) this.isAtEnd = true; // this ends once the chunk has been handed out
    if (length > 0 && (error === undefined || !isShort)) return bytes;
    Bytes.giveBack(bytes);
    return undefined;
  }

  private get isAwaited(): boolean {
    return this.arena.line.pressure.waiting > 0;
  }

  private isOpen(): boolean {
    return this.phase === 'open';
  }

  /** Starts a read when none is under way. */
  private startFirst(): void {
    if (this.wanted <= 0) this.end();
    else if (!this.startRead(this.batch)) this.waitForMemory();
  }

  /**
   * How many chunks one call reads. It is half of the read-ahead, so that one half can be read while the other half is
   * consumed.
   */
  private get batch(): number {
    if (!this.inPlaces) return 1;
    const { readAhead, chunkSize } = this.options;
    return Math.max(1, Math.min(readAhead >> 1, Math.floor(LARGEST_BATCH / chunkSize)));
  }

  /** Reads ahead, as far as the arena has free memory and no caller waits for memory. */
  private readOn(): void {
    if (this.waiting !== undefined || this.isAwaited) return;
    const { batch } = this;
    const { readAhead } = this.options;
    const most = this.inPlaces ? readAhead + (this.answers.areAwaited ? 1 : 0) : Math.min(readAhead, 1);
    let chunks = batch;
    for (const { chunksLeft } of this.reads) chunks += chunksLeft;
    for (; chunks <= most && this.wanted > 0; chunks += batch) if (!this.startRead(batch)) return;
  }

  /**
   * Gives back the chunks that were read ahead and not asked for. They are read again later. The caller that waits for
   * memory may be the one that would take these chunks next: if they stayed, it would wait forever. Data that was read
   * without an offset cannot be read again, so it stays.
   */
  private giveBackSpare(): void {
    if (!this.inPlaces || this.answers.areAwaited || !this.isOpen()) return;
    for (let last = this.reads.at(-1); last !== undefined && !last.isUnderWay; last = this.reads.at(-1)) {
      this.reads.pop();
      this.position -= last.abandon();
    }
  }

  /**
   * Starts a read of `count` chunks, or of as many as there is memory for. Uses `granted` first.
   * @returns false when there is no memory
   */
  private startRead(count: number, granted?: ArenaBuffer): boolean {
    if (isHandle(this.source) && this.source.fd !== this.file) {
      granted?.abandon();
      this.end(Object.assign(new Error('the file was closed while it was being read'), { code: 'EBADF' }));
      return true;
    }
    const start = this.position;
    const buffers: ArenaBuffer[] = [];
    const lengths: number[] = [];
    let buffer = granted;
    while (buffers.length < count && this.wanted > 0) {
      const { wanted } = this;
      try {
        buffer ??= this.arena.isClosed ? undefined : this.arena.tryAllocate(wanted);
      } catch (error) {
        for (const taken of buffers) taken.abandon();
        this.end(error); // another thread closed the arena just now, or a guarded arena has no memory
        return true;
      }
      if (buffer === undefined) break;
      buffers.push(buffer);
      lengths.push(wanted);
      if (this.inPlaces) this.position += wanted;
      buffer = undefined;
    }
    if (buffers.length === 0) return false;
    this.reads.push(new FileRead(this.file, buffers, lengths, this.isPositioned ? start : null, this.onRead));
    return true;
  }

  private waitForMemory(): void {
    if (this.waiting !== undefined) return;
    const waiting = new AbortController();
    this.waiting = waiting;
    this.arena.allocateAsync(this.wanted, { signal: waiting.signal, timeout: this.options.timeout }).then(
      (buffer) => {
        this.waiting = undefined;
        if (this.phase === 'open') this.startRead(this.batch, buffer);
        else buffer.abandon();
        this.advance();
      },
      (error: unknown) => {
        this.waiting = undefined;
        this.end(error);
        this.advance();
      },
    );
  }

  /** Stops reading. A failure rejects the oldest waiting call of `next()`, or else the next one. */
  private end(...failure: [reason?: unknown]): void {
    if (this.phase === 'ending' || this.phase === 'ended') return;
    this.phase = this.phase === 'open' ? 'ending' : 'ended';
    if (failure.length > 0) this.answers.fail(failure[0]);
    this.waiting?.abort();
    this.advance();
  }

  /** Gives everything back once nothing is under way, and then answers the waiting calls. */
  private finish(): void {
    if (this.isBusy) return;
    if (this.phase === 'ending') {
      if (this.waiting !== undefined || this.reads.some(({ isUnderWay }) => isUnderWay)) return;
      this.phase = 'ended';
      for (const read of this.reads.splice(0)) read.abandon();
      const { signal } = this.options;
      if (signal !== undefined) removeAbortCallback(signal, this.onAbort);
      this.arena.line.pressure.delete(this.onWait);
      if (this.file >= 0 && !isHandle(this.source)) {
        this.isBusy = true;
        close(this.file, (error) => {
          this.isBusy = false;
          if (error !== null) this.answers.fail(error);
          this.finish();
        });
        return;
      }
    }
    this.answers.end();
  }
}

/**
 * One read into the memory of one or more chunks. With an offset it continues until that memory is full or the file
 * ends. Without one it takes what a single call returns.
 */
class FileRead {
  error: Error | undefined;
  isUnderWay = true;
  private readonly file: number;
  private readonly buffers: ArenaBuffer[];
  private readonly lengths: number[];
  private readonly position: number | null;
  private readonly onDone: () => void;
  private readonly length: number;
  /** How many bytes were read, and how many of them were taken. */
  private filled = 0;
  private taken = 0;
  private readonly onRead = shortLived((error: Error | null, bytesRead: number): void => this.took(error, bytesRead));

  constructor(file: number, buffers: ArenaBuffer[], lengths: number[], position: number | null, onDone: () => void) {
    this.file = file;
    this.buffers = buffers;
    this.lengths = lengths;
    this.position = position;
    this.onDone = onDone;
    this.length = lengths.reduce((sum, length) => sum + length, 0);
    this.readRest();
  }

  get chunksLeft(): number {
    return this.buffers.length;
  }

  /** How many bytes were requested for the next chunk. */
  get nextLength(): number {
    return this.lengths[0] ?? 0;
  }

  /** Takes the next chunk, frozen. It is short or empty if the read ended before its memory was full. */
  take(): Bytes {
    const length = Math.min(this.lengths.shift() ?? 0, this.filled - this.taken);
    this.taken += length;
    return this.buffers.shift()?.advanceMut(length).freeze() ?? Bytes.empty;
  }

  /** Gives back the chunks that were not taken. @returns how many bytes were requested for them */
  abandon(): number {
    for (const buffer of this.buffers.splice(0)) buffer.abandon();
    return this.lengths.splice(0).reduce((sum, length) => sum + length, 0);
  }

  private readRest(): void {
    const { file, filled, position } = this;
    const at = position === null ? null : position + filled;
    const [first] = this.buffers;
    try {
      if (this.buffers.length === 1 && first !== undefined) {
        read(file, first.chunkMut(), filled, Math.min(this.length - filled, LARGEST_READ), at, this.onRead);
      } else {
        readv(file, this.rooms(), at, this.onRead);
      }
    } catch (error) {
      // node:fs throws for an offset that is too large and for detached memory. Report it as a callback would.
      queueMicrotask(() => this.took(error as Error, 0));
    }
  }

  /** The memory that is still to be filled, as one view for each chunk. */
  private rooms(): Uint8Array[] {
    let before = this.filled;
    const rooms: Uint8Array[] = [];
    let index = 0;
    for (const buffer of this.buffers) {
      const length = this.lengths[index++] ?? 0;
      if (before < length) {
        const room = buffer.chunkMut();
        rooms.push(before > 0 || room.length > length ? room.subarray(before, length) : room);
      }
      before = Math.max(0, before - length);
    }
    return rooms;
  }

  private took(error: Error | null, bytesRead: number): void {
    if (error === null) this.filled += bytesRead;
    else this.error = error;
    if (error === null && bytesRead > 0 && this.position !== null && this.filled < this.length) {
      this.readRest();
    } else {
      this.isUnderWay = false;
      this.onDone();
    }
  }
}

function isHandle(source: PathLike | OpenFile): source is OpenFile {
  return typeof (source as Partial<OpenFile>).fd === 'number';
}
