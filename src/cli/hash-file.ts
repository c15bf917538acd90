import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ArenaBuffer, Bytes } from '../index.js';
import { LARGEST_READ, SMALLEST_READ } from '../node/file-chunks.js';
import { readChunks } from '../node/index.js';
import type { ChunkMemory } from './chunk-arena.js';
import { type HashedFile, hashChunks } from './hash-chunks.js';
import { type RawPath, toBuffer } from './raw-path.js';

/**
 * Makes the digest of a file of about `size` bytes of its chunks. They are taken one after the other, and when it settles none is
 * under way.
 * @param onBytes to be called with the length of every chunk that is done with here
 */
export type FileHasher = (
  chunks: AsyncIterable<Bytes>,
  size: number,
  onBytes: (count: number) => void,
) => Promise<HashedFile>;

/** In the thread that reads. */
export const hashHere: FileHasher = (chunks, _size, onBytes) => hashChunks(chunks, (chunk) => onBytes(chunk.length));

// Not to hang on a pipe, and not to leave the tree by a link, that took a file's place after it was listed.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

// Up to this many bytes a file is read at once without asking the thread pool, which costs ten times the calls
// themselves: 40,000 empty files took 14 s by way of it.
const SMALL_FILE = 65_536;

/**
 * Hashes a file of any size through the memory of an arena, which it waits for: while one chunk is hashed, the next ones are
 * read into others. All memory is back when the promise settles, whichever way.
 * @param onBytes called with the length of every chunk that was hashed, or sent to who will
 * @returns undefined when `signal` stopped it
 */
export async function hashFile(
  path: RawPath,
  memory: ChunkMemory,
  signal: AbortSignal,
  onBytes: (count: number) => void,
  hash: FileHasher = hashHere,
): Promise<HashedFile | undefined> {
  const fd = openSync(toBuffer(path), READ_FLAGS);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error('Not a regular file any more');
    const chunks =
      stats.size > SMALL_FILE
        ? readChunks(memory.arena, { fd }, { start: 0, chunkSize: memory.chunkSize, signal })
        : smallChunks(fd, stats.size, memory, signal);
    return await hash(chunks, stats.size, onBytes);
  } catch (error) {
    if (signal.aborted && error === signal.reason) return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}

async function* smallChunks(
  fd: number,
  size: number,
  { arena, chunkSize }: ChunkMemory,
  signal: AbortSignal,
): AsyncGenerator<Bytes, undefined, undefined> {
  for (let offset = 0; ; ) {
    const length = Math.min(chunkSize, Math.max(size - offset, SMALLEST_READ));
    using buffer: ArenaBuffer = await arena.allocateAsync(length, { signal });
    const count = readSync(fd, buffer.chunkMut(), 0, Math.min(length, LARGEST_READ), null);
    // An empty read is the end: a file may be longer than it says (it grows, or lies in /proc).
    if (count === 0) return undefined;
    offset += count;
    yield buffer.advanceMut(count).freeze();
  }
}
