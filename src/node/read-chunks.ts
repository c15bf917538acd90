import type { PathLike } from 'node:fs';
import { Readable } from 'node:stream';
import { checkSignal } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import { type ChunkArena, chunkSizeFor } from '../streams/chunk-arena.js';
import type { StoppableIterator } from '../streams/stoppable.js';
import { checkTimeout } from '../waiting/wait-options.js';
import { FileChunks, type OpenFile } from './file-chunks.js';
import { ReadableChunks } from './read-readable.js';
import { checkBuffers, type StreamBuffers } from './stream-buffers.js';

export interface ReadOptions {
  /** Size of a chunk in bytes. Default: the slot capacity, or 64 KiB in a buddy arena. */
  readonly chunkSize?: number | undefined;
  /** File offset of the first byte to read. Default 0, or the current position of a FileHandle. */
  readonly start?: number | undefined;
  /** File offset of the _last_ byte to read, as in `fs.createReadStream`. Default: the end of the file. */
  readonly end?: number | undefined;
  /** How many chunks of a file to read ahead of the one asked for, if the arena has free memory. Default 8. */
  readonly readAhead?: number | undefined;
  /** For a Readable: what becomes of the stream's own Buffers. Default `'leave'`. See {@link StreamBuffers}. */
  readonly buffers?: StreamBuffers | undefined;
  /** Aborting it ends the reading with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest wait for memory, in ms. A longer one ends with a DOMException named `TimeoutError`. Default: no limit.
   */
  readonly timeout?: number | undefined;
}

const DEFAULT_READ_AHEAD = 8;

/**
 * Reads a file or a stream in chunks that lie in the arena. The consumer releases each chunk. When the arena is full,
 * reading waits until memory is released.
 *
 * - A path, a FileHandle or anything else with an `fd`: the system reads straight into arena memory, and nothing is
 *   copied. Reading ahead uses only free memory, so the arena limits it. A handle stays open, a path's file is closed.
 * - A Readable (an accepted socket, a request, stdin): Node has already put the data into its own Buffers. They are
 *   copied into the arena, once. Data that is available at the same time shares chunks. The stream is destroyed when
 *   reading stops early.
 *
 * Stopping early (`break`, `return()`, an error, an abort) gives back every chunk that was not handed out yet.
 * @throws TypeError, RangeError for bad arguments; when iterated, the errors of opening and reading, and AllocError
 *   ARENA_CLOSED
 */
export function readChunks(
  arena: ChunkArena,
  source: PathLike | OpenFile | Readable,
  options: ReadOptions = {},
): StoppableIterator<Bytes> {
  const chunkSize = chunkSizeFor(arena, options.chunkSize);
  const { start, end, signal, timeout } = options;
  const buffers = checkBuffers(options.buffers ?? 'leave', ['leave', 'free', 'adopt']);
  checkTimeout(timeout);
  if (start !== undefined) checkInteger(start, 'start', 0);
  if (end !== undefined && end !== Number.POSITIVE_INFINITY) checkInteger(end, 'end', start ?? 0);
  const readAhead = checkInteger(options.readAhead ?? DEFAULT_READ_AHEAD, 'readAhead', 0);
  if (source instanceof Readable) {
    if (start !== undefined || end !== undefined)
      throw new TypeError('start and end apply to files only, not to streams');
    checkSignal(signal);
    return new ReadableChunks(arena, source, { chunkSize, buffers, signal, timeout });
  }
  if (!isFileSource(source)) {
    throw new TypeError(`source must be a path, a FileHandle, { fd } or a Readable, got ${describe(source)}`);
  }
  checkSignal(signal);
  const behind = end === undefined ? Number.POSITIVE_INFINITY : end + 1;
  return new FileChunks(arena, source, { chunkSize, start, end: behind, readAhead, signal, timeout });
}

function isFileSource(source: unknown): source is PathLike | OpenFile {
  if (typeof source === 'string' || source instanceof Uint8Array || source instanceof URL) return true;
  return typeof source === 'object' && source !== null && typeof (source as Partial<OpenFile>).fd === 'number';
}
