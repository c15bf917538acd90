import type { Bytes } from '../index.js';
import type { SharedChunkArena } from './chunk-arena.js';
import type { HashedFile } from './hash-chunks.js';
import { HashThread } from './hash-thread.js';

const SCRIPT = new URL('./hash-worker.js', import.meta.url);

/** Threads that hash files. One thread hashes the whole of a file. */
export class HashPool {
  private readonly threads: readonly HashThread[];

  /** Starts `count` threads. `arena` must have a free lane for each of them. */
  constructor(arena: SharedChunkArena, count: number, script: URL = SCRIPT) {
    this.threads = Array.from({ length: count }, () => new HashThread(arena, script));
  }

  /**
   * Hashes a file of about `size` bytes in the thread that has the least work. Rejects when that thread dies before the
   * file is hashed, or when no thread is left.
   */
  async hash(chunks: AsyncIterable<Bytes>, size: number, onBytes: (count: number) => void): Promise<HashedFile> {
    const alive = this.threads.filter(({ failure }) => failure === undefined);
    if (alive.length === 0) throw this.threads[0]?.failure ?? new Error('There is no hashing thread');
    return alive.reduce((least, thread) => (thread.load < least.load ? thread : least)).hash(chunks, size, onBytes);
  }

  /** How many of the hashed bytes no longer lay in the memory of the arena. */
  get bytesCopied(): number {
    return this.threads.reduce((sum, { bytesCopied }) => sum + bytesCopied, 0);
  }

  /** Waits until the threads have finished their files and ended. */
  async end(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.end()));
  }
}
