import { type ArenaKind, type ChunkMemory, chunkMemory, sharedChunkMemory } from './chunk-arena.js';
import { type FileHasher, hashHere } from './hash-file.js';
import { HashPool } from './hash-pool.js';

export interface HashingOptions {
  readonly arena: ArenaKind;
  /** Size of the arena in bytes, shared by all files. */
  readonly memory: number;
  /** Size of a chunk in bytes: how much of a file is read at once. */
  readonly slotSize: number;
  /** Number of threads that hash. With 0, the reading thread hashes. */
  readonly threads: number;
}

/** The memory for the chunks, and the function that hashes them. */
export interface Hashing extends AsyncDisposable {
  readonly memory: ChunkMemory;
  readonly hash: FileHasher;
  /** How many bytes were not hashed in the memory that they were read into. */
  readonly bytesCopied: number;
  /** Waits for the hashing threads to end, and closes the arena. */
  end(): Promise<void>;
}

/**
 * Builds the arena and starts the hashing threads.
 * @throws BuildError SIZE_OVERFLOW when the arena is too large
 */
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
  const memory = sharedChunkMemory(kind, bytes, slotSize, threads + 1); // the reading thread needs one more
  return [memory, new HashPool(memory.arena, threads)];
}
