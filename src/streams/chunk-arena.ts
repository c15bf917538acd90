import { checkInteger, describe } from '../base/check.js';
import { AsyncBuddyArena, AsyncFixedArena } from '../index.js';

/** An arena built with `buildAsync()`. The adapters wait for its memory, which creates the back-pressure. */
export type ChunkArena = AsyncFixedArena | AsyncBuddyArena;

/** Default chunk size in a buddy arena, in bytes: as much as Node's file streams read at once. */
const DEFAULT_CHUNK = 65_536;

/**
 * Returns the size of a chunk in bytes. Default: the slot capacity, or 64 KiB in a buddy arena (all of a smaller one).
 * @throws TypeError when `arena` was not built with `buildAsync()`; RangeError when `chunkSize` is too large for it
 */
export function chunkSizeFor(arena: ChunkArena, chunkSize: number | undefined): number {
  const largest = largestChunk(arena);
  if (chunkSize !== undefined) return checkInteger(chunkSize, 'chunkSize', 1, largest);
  return arena instanceof AsyncFixedArena ? largest : Math.min(DEFAULT_CHUNK, largest);
}

function largestChunk(arena: unknown): number {
  if (arena instanceof AsyncFixedArena) return arena.slotCapacity;
  if (arena instanceof AsyncBuddyArena) return arena.totalSize;
  throw new TypeError(`arena must be built with buildAsync(), got ${describe(arena)}`);
}
