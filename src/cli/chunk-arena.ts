import { type ArenaBuffer, type ArenaMetrics, BuddyArena, BuddyGeometry, FixedArena } from '../index.js';

/** Memory for file chunks of up to `chunkSize` bytes. */
export interface ChunkArena {
  readonly description: string;
  readonly chunkSize: number;
  /** A buffer for a chunk of `length` bytes, at most `chunkSize`; undefined when all memory is in use. */
  tryAllocate(length: number): ArenaBuffer | undefined;
  metrics(): ArenaMetrics;
  close(): void;
}

export type ArenaKind = 'fixed' | 'buddy';
export const ARENA_KINDS: readonly ArenaKind[] = ['fixed', 'buddy'];

/** Smallest block of the buddy arena: small files take a page, not a whole chunk. */
const SMALLEST_BLOCK = 4096;

/** An arena for `chunkCount` chunks of `chunkSize` bytes. @throws BuildError when it is larger than can be had. */
export function chunkArena(kind: ArenaKind, chunkSize: number, chunkCount: number): ChunkArena {
  if (kind === 'fixed') {
    const arena = FixedArena.withSlotCapacity(chunkCount, chunkSize).build();
    return describedAs(arena, `fixed, ${chunkCount} slots of ${chunkSize} bytes`, chunkSize);
  }
  const arena = BuddyArena.builder(BuddyGeometry.nearest(chunkCount * chunkSize, SMALLEST_BLOCK)).build();
  return describedAs(arena, `buddy, ${arena.totalSize} bytes in blocks from ${arena.minBlockSize} bytes`, chunkSize);
}

function describedAs(arena: FixedArena | BuddyArena, description: string, chunkSize: number): ChunkArena {
  return {
    description,
    chunkSize,
    tryAllocate: (length) => arena.tryAllocate(length),
    metrics: () => arena.metrics(),
    close: () => arena.close(),
  };
}
