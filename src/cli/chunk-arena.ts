import { type AsyncBuddyArena, type AsyncFixedArena, BuddyArena, BuddyGeometry, FixedArena } from '../index.js';

/** Memory for file chunks of up to `chunkSize` bytes. */
export interface ChunkMemory {
  readonly arena: AsyncFixedArena | AsyncBuddyArena;
  readonly description: string;
  readonly chunkSize: number;
}

export type ArenaKind = 'fixed' | 'buddy';
export const ARENA_KINDS: readonly ArenaKind[] = ['fixed', 'buddy'];

/** Smallest block of the buddy arena: small files take a page, not a whole chunk. */
const SMALLEST_BLOCK = 4096;

/**
 * An arena of at most `memory` bytes for chunks of `chunkSize` bytes, which are smaller where the memory is: one always fits.
 * @throws BuildError when it is larger than can be had
 */
export function chunkMemory(kind: ArenaKind, memory: number, chunkSize: number): ChunkMemory {
  if (kind === 'fixed') {
    const size = Math.min(chunkSize, memory);
    const arena = FixedArena.withSlotCapacity(Math.floor(memory / size), size).buildAsync();
    return { arena, description: `fixed, ${arena.slotCount} slots of ${size} bytes`, chunkSize: size };
  }
  const total = 2 ** Math.floor(Math.log2(memory));
  const block = Math.min(SMALLEST_BLOCK, total);
  const arena = BuddyArena.builder(BuddyGeometry.exact(total, block)).buildAsync();
  const description = `buddy, ${total} bytes in blocks from ${block} bytes`;
  return { arena, description, chunkSize: Math.min(chunkSize, total) };
}
