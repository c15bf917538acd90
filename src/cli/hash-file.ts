import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from './chunk-arena.js';
import { type RawPath, toBuffer } from './raw-path.js';

const readAsync = promisify(read);

export interface HashedFile {
  /** SHA-256 in lower-case hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

// Not to hang on a pipe, and not to leave the tree by a link, that took a file's place after it was listed.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

// For files that say they are empty or at their end.
const SMALLEST_READ = 4096;

// Up to this many bytes a file is read at once without asking the thread pool, which costs ten times the calls
// themselves: 40,000 empty files took 14 s by way of it.
const SMALL_FILE = 65_536;

// What one read call can take.
const LARGEST_READ = 2 ** 30;

/**
 * Hashes a file of any size through the memory of `arena`: while one chunk is hashed, the next one is being read into
 * another. All memory is back when the promise settles, whichever way.
 * @param onBytes called with the length of every chunk that was hashed
 * @returns undefined when `signal` stopped it
 */
export async function hashFile(
  path: RawPath,
  arena: ChunkArena,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<HashedFile | undefined> {
  const file = openSync(toBuffer(path), READ_FLAGS);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) throw new Error('Not a regular file any more');
    const chunks = new FileChunks(file, stats.size, arena);
    const hash = createHash('sha256');
    if (stats.size <= SMALL_FILE) return hashAtOnce(chunks, hash, onBytes);
    return await hashAhead(chunks, hash, signal, onBytes);
  } finally {
    closeSync(file);
  }
}

function hashAtOnce(chunks: FileChunks, hash: Hash, onBytes: (count: number) => void): HashedFile {
  for (let bytes = 0; ; ) {
    using chunk = chunks.nextSync(chunks.buffer(bytes));
    if (chunk.isEmpty) return { sha256: hash.digest('hex'), bytes };
    bytes += chunk.length;
    hash.update(chunk.view);
    onBytes(chunk.length);
  }
}

async function hashAhead(
  chunks: FileChunks,
  hash: Hash,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<HashedFile | undefined> {
  let bytes = 0;
  let reading: Promise<Bytes> | undefined = chunks.next(chunks.buffer(0));
  try {
    for (;;) {
      using chunk = await reading;
      reading = undefined;
      if (chunk.isEmpty) return { sha256: hash.digest('hex'), bytes };
      if (signal.aborted) return undefined;
      bytes += chunk.length;
      const ahead = chunks.buffer(bytes);
      if (ahead !== undefined) reading = chunks.next(ahead);
      hash.update(chunk.view);
      onBytes(chunk.length);
      chunk.release();
      reading ??= chunks.next(chunks.buffer(bytes));
    }
  } finally {
    (await reading?.catch(() => undefined))?.release();
  }
}

/** The chunks of an open file, in order. An empty one is the end: a file may be longer than it says (it grows, or lies in /proc). */
class FileChunks {
  private readonly file: number;
  private readonly size: number;
  private readonly arena: ChunkArena;

  constructor(file: number, size: number, arena: ChunkArena) {
    this.file = file;
    this.size = size;
    this.arena = arena;
  }

  /** Memory for the chunk at `offset`; undefined when all is in use. */
  buffer(offset: number): ArenaBuffer | undefined {
    return this.arena.tryAllocate(Math.min(this.arena.chunkSize, Math.max(this.size - offset, SMALLEST_READ)));
  }

  /** Reads the next chunk into `buffer`, which is used up or given back. */
  async next(buffer: ArenaBuffer | undefined): Promise<Bytes> {
    using writing = granted(buffer);
    const room = writing.chunkMut();
    const { bytesRead } = await readAsync(this.file, room, 0, Math.min(room.length, LARGEST_READ), null);
    return writing.advanceMut(bytesRead).freeze();
  }

  nextSync(buffer: ArenaBuffer | undefined): Bytes {
    using writing = granted(buffer);
    const room = writing.chunkMut();
    return writing.advanceMut(readSync(this.file, room, 0, Math.min(room.length, LARGEST_READ), null)).freeze();
  }
}

function granted(buffer: ArenaBuffer | undefined): ArenaBuffer {
  if (buffer === undefined) throw new Error('the arena has no memory for a single chunk');
  return buffer;
}
