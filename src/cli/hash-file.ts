import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from './chunk-arena.js';
import { type RawPath, toBuffer } from './raw-path.js';

export interface HashedFile {
  /** SHA-256 in lower-case hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

// Not to hang on a pipe, and not to leave the tree by a link, that took a file's place after it was listed.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

// For files that say they are empty or at their end.
const SMALLEST_READ = 4096;

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
  const file = await open(toBuffer(path), READ_FLAGS);
  try {
    return await hashChunks(file, arena, signal, onBytes);
  } finally {
    await file.close();
  }
}

async function hashChunks(
  file: FileHandle,
  arena: ChunkArena,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<HashedFile | undefined> {
  const hash = createHash('sha256');
  const { size } = await file.stat();
  // A file may be longer than it says (it grows, or lies in /proc), so reading only ends where a read finds nothing.
  const nextBuffer = (offset: number): ArenaBuffer | undefined =>
    arena.tryAllocate(Math.min(arena.chunkSize, Math.max(size - offset, SMALLEST_READ)));
  let bytes = 0;
  let reading: Promise<Bytes> | undefined = readChunk(file, nextBuffer(0));
  try {
    for (;;) {
      using chunk = await reading;
      reading = undefined;
      if (chunk.isEmpty) return { sha256: hash.digest('hex'), bytes };
      if (signal.aborted) return undefined;
      bytes += chunk.length;
      const ahead = nextBuffer(bytes);
      if (ahead !== undefined) reading = readChunk(file, ahead);
      hash.update(chunk.view);
      onBytes(chunk.length);
      chunk.release();
      reading ??= readChunk(file, nextBuffer(bytes));
    }
  } finally {
    (await reading?.catch(() => undefined))?.release();
  }
}

/** Reads the next chunk of `file` into `buffer`; empty at the end. The buffer is used up or given back. */
async function readChunk(file: FileHandle, buffer: ArenaBuffer | undefined): Promise<Bytes> {
  if (buffer === undefined) throw new Error('the arena has no memory for a single chunk');
  using writing = buffer;
  const { bytesRead } = await file.read(writing.chunkMut());
  return writing.advanceMut(bytesRead).freeze();
}
