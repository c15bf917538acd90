import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ArenaBuffer, Bytes } from '../index.js';
import { LARGEST_READ, SMALLEST_READ } from '../node/file-chunks.js';
import { readChunks } from '../node/read-chunks.js';
import type { ChunkMemory } from './chunk-arena.js';
import { type HashedFile, hashChunks } from './hash-chunks.js';
import { type RawPath, toBuffer } from './raw-path.js';

/**
 * Computes the digest of a file of about `size` bytes from its chunks. Takes the chunks one after the other. When the
 * promise settles, no chunk is being read any more.
 * @param onBytes to be called with the length of each chunk that the reading thread has finished with
 */
export type FileHasher = (
  chunks: AsyncIterable<Bytes>,
  size: number,
  onBytes: (count: number) => void,
) => Promise<HashedFile>;

/** Hashes in the thread that reads. */
export const hashHere: FileHasher = (chunks, _size, onBytes) => hashChunks(chunks, (chunk) => onBytes(chunk.length));

// A pipe or a link may have taken the place of a file after it was listed. O_NONBLOCK keeps the open from hanging on a
// pipe, and O_NOFOLLOW keeps it from following a link out of the tree.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

// A file of up to this many bytes is read synchronously. The thread pool costs ten times as much as the calls
// themselves: 40,000 empty files took 14 s with it.
const SMALL_FILE = 65_536;

/**
 * Hashes a file of any size through the memory of an arena. Waits for memory when the arena is full. While one chunk is
 * hashed, the next ones are read into other slots or blocks. All memory is back when the promise resolves or rejects.
 * @param onBytes called with the length of each chunk that was hashed, or sent to the thread that hashes it
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
    // One byte more than is left: a shorter read is the last one then.
    const length = Math.min(chunkSize, Math.max(size - offset + 1, SMALLEST_READ));
    using buffer: ArenaBuffer = await arena.allocateAsync(length, { signal });
    const count = readSync(fd, buffer.chunkMut(), 0, Math.min(length, LARGEST_READ), null);
    if (count === 0) return undefined;
    offset += count;
    yield buffer.advanceMut(count).freeze();
    // Files in /proc report a size of 0, and their reads may be short before the end.
    if (count < length && size > 0) return undefined;
  }
}
