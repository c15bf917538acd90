import { checkInteger, describe } from '../base/check.js';
import { AsyncBuddyArena, AsyncFixedArena } from '../index.js';

/** An arena built with `buildAsync()`: adapters wait for its memory, and that is the back-pressure. */
export type ChunkArena = AsyncFixedArena | AsyncBuddyArena;

/** Bytes of a chunk in a buddy arena, unless told: what Node's file streams read at once. */
const DEFAULT_CHUNK = 65_536;

/**
 * Bytes of a chunk: as asked for, else a slot, or 64 KiB of a buddy arena.
 * @throws TypeError for no such arena, RangeError for a size beyond what it can allocate
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
