import { type ArenaKind, type ChunkMemory, chunkMemory, sharedChunkMemory } from './chunk-arena.js';
import { type FileHasher, hashHere } from './hash-file.js';
import { HashPool } from './hash-pool.js';

export interface HashingOptions {
  readonly arena: ArenaKind;
  /** Bytes of the arena: what all files together may take. */
  readonly memory: number;
  /** Bytes of a chunk: how much of a file is read at once. */
  readonly slotSize: number;
  /** How many threads hash; with 0 it is the one that reads. */
  readonly threads: number;
}

/** Where chunks lie, and who hashes them. */
export interface Hashing extends AsyncDisposable {
  readonly memory: ChunkMemory;
  readonly hash: FileHasher;
  /** Bytes that were not hashed where they were read. */
  readonly bytesCopied: number;
  /** Takes no more, and waits for those who hash. */
  end(): Promise<void>;
}

/** @throws BuildError when the arena cannot be had */
export function startHashing({ arena: kind, memory: bytes, slotSize, threads }: HashingOptions): Hashing {
  const [memory, pool] = threads === 0 ? [chunkMemory(kind, bytes, slotSize)] : pooled(kind, bytes, slotSize, threads);
  const end = async (): Promise<void> => {
    await pool?.end();
    memory.arena.close();
  };
  return {
    memory,
    hash: pool === undefined ? hashHere : (...file) => pool.hash(...file),
    get bytesCopied() {
      return pool?.bytesCopied ?? 0;
    },
    end,
    [Symbol.asyncDispose]: end,
  };
}

function pooled(kind: ArenaKind, bytes: number, slotSize: number, threads: number): [ChunkMemory, HashPool] {
  const memory = sharedChunkMemory(kind, bytes, slotSize, threads + 1); // and the one that reads
  return [memory, new HashPool(memory.arena, threads)];
}
