import { close, fstat, open, type PathLike, read, type Stats } from 'node:fs';
import { addAbortCallback, removeAbortCallback } from '../abort-signals.js';
import type { ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from './chunk-arena.js';
import type { StoppableIterator } from './stoppable.js';

/** A file that somebody else opened and will close: a FileHandle, or `{ fd }`. */
export interface OpenFile {
  readonly fd: number;
}

export interface FileReadOptions {
  readonly chunkSize: number;
  /** Offset of the first byte; undefined: where the file stands. */
  readonly start: number | undefined;
  /** Offset behind the last byte; without a start, the number of bytes. */
  readonly end: number;
  readonly readAhead: number;
  readonly signal: AbortSignal | undefined;
}

// What one call can take.
const LARGEST_READ = 2 ** 30;

// For what lies beyond the size a file claims: it may have grown, or say 0 as those in /proc do.
const SMALLEST_READ = 4096;

const DONE: IteratorResult<Bytes, undefined> = { done: true, value: undefined };

interface Asked {
  resolve(result: IteratorResult<Bytes, undefined>): void;
  reject(reason: unknown): void;
}

/**
 * The chunks of a file. Reads of a regular file say their place, so several can be under way at once; anything else (a pipe, a
 * terminal, a handle that goes on from where it stands) is read one after the other.
 *
 *     new ── next() ──► open ── end, failure, abort, return() ──► ending ── reads are back, file closed ──► ended
 *
 * By hand instead of with async generators, which make three times the garbage: {@link readChunks} has to stay far below what
 * file streams cost the collector.
 */
export class FileChunks implements StoppableIterator<Bytes> {
  private readonly arena: ChunkArena;
  private readonly source: PathLike | OpenFile;
  private readonly options: FileReadOptions;
  private phase: 'new' | 'open' | 'ending' | 'ended' = 'new';
  private file = -1;
  /** Whether a call is under way that opens the file, or closes it. */
  private isBusy = false;
  private inPlaces = false;
  /** Offset of the next byte to read; where reads say no place, from where the file stood. */
  private position = 0;
  private claimedSize: number = Number.POSITIVE_INFINITY;
  /** Those under way and those not taken yet, the oldest first. */
  private readonly reads: FileRead[] = [];
  private readonly asked: Asked[] = [];
  private failure: { readonly reason: unknown } | undefined;
  /** Ends the wait for memory. */
  private waiting: AbortController | undefined;
  private readonly onRead = (): void => this.advance();
  private readonly onAbort = (): void => this.end({ reason: this.options.signal?.reason });

  constructor(arena: ChunkArena, source: PathLike | OpenFile, options: FileReadOptions) {
    this.arena = arena;
    this.source = source;
    this.options = options;
  }

  next(): Promise<IteratorResult<Bytes, undefined>> {
    return new Promise((resolve, reject) => {
      this.asked.push({ resolve, reject });
      if (this.phase === 'new') this.begin();
      else this.advance();
    });
  }

  return(): Promise<IteratorResult<Bytes, undefined>> {
    this.end();
    this.failure = undefined;
    return new Promise((resolve, reject) => {
      this.asked.push({ resolve, reject });
      this.advance();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  private begin(): void {
    const { source, options } = this;
    const { signal } = options;
    this.phase = 'open';
    if (signal?.aborted) {
      this.end({ reason: signal.reason });
      return;
    }
    if (signal !== undefined) addAbortCallback(signal, this.onAbort);
    this.isBusy = true;
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
    this.inPlaces = start !== undefined && stats?.isFile() === true;
    if (stats !== undefined && this.inPlaces) this.claimedSize = stats.size;
    if (error !== null) this.end({ reason: error });
    else if (this.position > 0 && !this.inPlaces) this.end({ reason: new TypeError('start is for regular files') });
    this.advance();
  }

  /** Bytes of the next chunk at most; 0 or less at the end. */
  private get wanted(): number {
    const claimed = Math.max(this.claimedSize - this.position, SMALLEST_READ);
    return Math.min(this.options.chunkSize, claimed, this.options.end - this.position);
  }

  /** Does whatever can be done now. */
  private advance(): void {
    if (this.isBusy) return;
    while (this.phase === 'open' && this.asked.length > 0) {
      const [first] = this.reads;
      if (first === undefined) {
        if (this.wanted <= 0) this.end();
        else if (!this.startRead()) {
          this.waitForMemory();
          break;
        }
      } else {
        if (first.isUnderWay) break;
        this.reads.shift();
        this.deliver(first);
      }
    }
    if (this.phase === 'open') this.readOn();
    else this.finish();
  }

  /** Gives what was read to who asked first. */
  private deliver(read: FileRead): void {
    const { buffer, error, filled, length } = read;
    if (error !== undefined) {
      buffer.abandon();
      this.end({ reason: error });
      return;
    }
    if (!this.inPlaces) this.position += filled;
    if (filled > 0) this.asked.shift()?.resolve({ done: false, value: buffer.advanceMut(filled).freeze() });
    else buffer.abandon();
    // A read in its place goes on until its memory is full or the file ends.
    if (filled === 0 || (this.inPlaces && filled < length)) this.end();
  }

  /** Reads ahead, as far as the arena has memory to spare. */
  private readOn(): void {
    const { readAhead } = this.options;
    const most = this.inPlaces ? readAhead + Math.min(this.asked.length, 1) : Math.min(readAhead, 1);
    while (this.reads.length < most && this.wanted > 0 && this.startRead());
  }

  /** @returns false when there is no memory */
  private startRead(): boolean {
    const { wanted } = this;
    const buffer = this.arena.isClosed ? undefined : this.arena.tryAllocate(wanted);
    if (buffer !== undefined) this.startReadInto(buffer, wanted);
    return buffer !== undefined;
  }

  private startReadInto(buffer: ArenaBuffer, length: number): void {
    this.reads.push(new FileRead(this.file, buffer, length, this.inPlaces ? this.position : null, this.onRead));
    if (this.inPlaces) this.position += length;
  }

  private waitForMemory(): void {
    if (this.waiting !== undefined) return;
    const waiting = new AbortController();
    const { wanted } = this;
    this.waiting = waiting;
    this.arena.allocateAsync(wanted, { signal: waiting.signal }).then(
      (buffer) => {
        this.waiting = undefined;
        if (this.phase === 'open') this.startReadInto(buffer, wanted);
        else buffer.abandon();
        this.advance();
      },
      (error: unknown) => {
        this.waiting = undefined;
        this.end({ reason: error });
        this.advance();
      },
    );
  }

  /** Reads no more. The first failure is told to who asks next. */
  private end(failure?: { readonly reason: unknown }): void {
    if (this.phase === 'ending' || this.phase === 'ended') return;
    const wasOpened = this.phase === 'open';
    this.phase = wasOpened ? 'ending' : 'ended';
    this.failure = failure;
    this.waiting?.abort();
    this.advance();
  }

  /** Gives everything back as soon as nothing is under way, and then answers those who asked. */
  private finish(): void {
    if (this.isBusy) return;
    if (this.phase === 'ending') {
      if (this.waiting !== undefined || this.reads.some(({ isUnderWay }) => isUnderWay)) return;
      this.phase = 'ended';
      for (const { buffer } of this.reads.splice(0)) buffer.abandon();
      const { signal } = this.options;
      if (signal !== undefined) removeAbortCallback(signal, this.onAbort);
      if (this.file >= 0 && !isHandle(this.source)) {
        this.isBusy = true;
        close(this.file, (error) => {
          this.isBusy = false;
          if (error !== null) this.failure ??= { reason: error };
          this.finish();
        });
        return;
      }
    }
    for (const { resolve, reject } of this.asked.splice(0)) {
      const { failure } = this;
      this.failure = undefined;
      if (failure === undefined) resolve(DONE);
      else reject(failure.reason);
    }
  }
}

/** One read into a buffer: in its place until the buffer is full or the file ends, or else whatever comes at once. */
class FileRead {
  readonly buffer: ArenaBuffer;
  readonly length: number;
  filled = 0;
  error: Error | undefined;
  isUnderWay = true;
  private readonly room: Uint8Array;
  private readonly file: number;
  private readonly position: number | null;
  private readonly onDone: () => void;

  constructor(file: number, buffer: ArenaBuffer, length: number, position: number | null, onDone: () => void) {
    this.file = file;
    this.buffer = buffer;
    this.length = length;
    this.position = position;
    this.onDone = onDone;
    this.room = buffer.chunkMut();
    this.readRest();
  }

  private readRest(): void {
    const { filled, position } = this;
    const count = Math.min(this.length - filled, LARGEST_READ);
    const at = position === null ? null : position + filled;
    read(this.file, this.room, filled, count, at, (error, bytesRead) => this.done(error, bytesRead));
  }

  private done(error: Error | null, bytesRead: number): void {
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
