import {
  type AsyncBuddyArena,
  type AsyncFixedArena,
  BuddyArena,
  type BuddyArenaBuilder,
  BuddyGeometry,
  FixedArena,
  type FixedArenaBuilder,
  type SharedBuddyArena,
  type SharedFixedArena,
} from '../index.js';

export type ChunkArena = AsyncFixedArena | AsyncBuddyArena;
export type SharedChunkArena = SharedFixedArena | SharedBuddyArena;

/** An arena for file chunks of up to `chunkSize` bytes. */
export interface ChunkMemory<Arena extends ChunkArena = ChunkArena> {
  readonly arena: Arena;
  readonly description: string;
  readonly chunkSize: number;
}

export type ArenaKind = 'fixed' | 'buddy';
export const ARENA_KINDS: readonly ArenaKind[] = ['fixed', 'buddy'];

/** Smallest block of the buddy arena, so that a small file takes one page and not a whole chunk. */
const SMALLEST_BLOCK = 4096;

/**
 * Builds an arena of at most `memory` bytes for chunks of `chunkSize` bytes. If the arena is smaller than
 * that, the chunks are smaller too, so that one always fits.
 * @throws BuildError SIZE_OVERFLOW when the arena is too large
 */
export function chunkMemory(kind: ArenaKind, memory: number, chunkSize: number): ChunkMemory {
  if (kind === 'fixed') {
    const { builder, ...sizes } = slots(memory, chunkSize);
    return { arena: builder.buildAsync(), ...sizes };
  }
  const { builder, ...sizes } = blocks(memory, chunkSize);
  return { arena: builder.buildAsync(), ...sizes };
}

/** Like {@link chunkMemory}, for up to `maxThreads` threads including this one. */
export function sharedChunkMemory(
  kind: ArenaKind,
  memory: number,
  chunkSize: number,
  maxThreads: number,
): ChunkMemory<SharedChunkArena> {
  if (kind === 'fixed') {
    const { builder, ...sizes } = slots(memory, chunkSize);
    return { arena: builder.shared({ maxThreads }).buildAsync(), ...sizes };
  }
  const { builder, ...sizes } = blocks(memory, chunkSize);
  return { arena: builder.shared({ maxThreads }).buildAsync(), ...sizes };
}

/** A {@link ChunkMemory} with a builder in place of the arena. */
interface Plan<Builder> extends Omit<ChunkMemory, 'arena'> {
  readonly builder: Builder;
}

function slots(memory: number, chunkSize: number): Plan<FixedArenaBuilder> {
  const size = Math.min(chunkSize, memory);
  const count = Math.floor(memory / size);
  const builder = FixedArena.withSlotCapacity(count, size);
  return { builder, description: `fixed, ${count} slots of ${size} bytes`, chunkSize: size };
}

function blocks(memory: number, chunkSize: number): Plan<BuddyArenaBuilder> {
  const total = 2 ** Math.floor(Math.log2(memory));
  const block = Math.min(SMALLEST_BLOCK, total);
  const builder = BuddyArena.builder(BuddyGeometry.exact(total, block));
  const description = `buddy, ${total} bytes in blocks from ${block} bytes`;
  return { builder, description, chunkSize: Math.min(chunkSize, total) };
}
