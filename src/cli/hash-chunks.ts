import { createHash } from 'node:crypto';
import type { Bytes } from '../index.js';

export interface HashedFile {
  /** SHA-256 as lower-case hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Hashes the chunks of a file and releases them.
 * @param onChunk called with each chunk after it was hashed and before it is released
 */
export async function hashChunks(
  chunks: AsyncIterable<Bytes> | Iterable<Bytes>,
  onChunk: (chunk: Bytes) => void,
): Promise<HashedFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (using chunk of chunks) {
    bytes += chunk.length;
    hash.update(chunk.view);
    onChunk(chunk);
  }
  return { sha256: hash.digest('hex'), bytes };
}
