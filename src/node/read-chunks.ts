import type { PathLike } from 'node:fs';
import { Readable } from 'node:stream';
import { checkSignal } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import { type ChunkArena, chunkSizeFor } from './chunk-arena.js';
import { FileChunks, type OpenFile } from './file-chunks.js';
import { readReadable } from './read-readable.js';
import { type StoppableIterator, stoppable } from './stoppable.js';

export interface ReadOptions {
  /** Bytes of a chunk. Default: a slot, or 64 KiB of a buddy arena. */
  readonly chunkSize?: number | undefined;
  /** Offset in the file of the first byte to read. Default 0; of a FileHandle, where it stands. */
  readonly start?: number | undefined;
  /** Offset in the file of the _last_ byte to read, as in `fs.createReadStream`. Default: to the end. */
  readonly end?: number | undefined;
  /** How many chunks of a file are read beyond the one asked for, where the arena has memory to spare. Default 8. */
  readonly readAhead?: number | undefined;
  /** Ends the reading with its `reason`. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_READ_AHEAD = 8;

/**
 * The bytes of a file or a stream, in chunks that lie in the arena. Each is the consumer's to release; when the arena is full,
 * reading waits until somebody does.
 *
 * - A path, a FileHandle or anything else with an `fd`: the system reads straight into arena memory; nothing is copied. What is read ahead uses only memory
 *   that is free, so the arena bounds it. A handle stays open, a path's file is closed.
 * - A Readable (an accepted socket, a request, stdin): Node has put its data into Buffers of its own; they are copied into the
 *   arena, once, and what is there at a time shares chunks. A stream is destroyed when reading stops early.
 *
 * Stopping early (`break`, `return()`, an error, an abort) gives back whatever was not handed out yet.
 * @throws TypeError, RangeError for bad arguments; when iterated, what opening and reading throw
 */
export function readChunks(
  arena: ChunkArena,
  source: PathLike | OpenFile | Readable,
  options: ReadOptions = {},
): StoppableIterator<Bytes> {
  const chunkSize = chunkSizeFor(arena, options.chunkSize);
  const { start, end, signal } = options;
  if (start !== undefined) checkInteger(start, 'start', 0);
  if (end !== undefined) checkInteger(end, 'end', start ?? 0);
  const readAhead = checkInteger(options.readAhead ?? DEFAULT_READ_AHEAD, 'readAhead', 0);
  if (source instanceof Readable) {
    if (start !== undefined || end !== undefined) throw new TypeError('start and end are for files, not for streams');
    return stoppable(signal, (stop) => readReadable(arena, source, chunkSize, stop));
  }
  if (!isFileSource(source)) {
    throw new TypeError(`source must be a path, a FileHandle, { fd } or a Readable, got ${describe(source)}`);
  }
  checkSignal(signal);
  const behind = end === undefined ? Number.POSITIVE_INFINITY : end + 1;
  return new FileChunks(arena, source, { chunkSize, start, end: behind, readAhead, signal });
}

function isFileSource(source: unknown): source is PathLike | OpenFile {
  if (typeof source === 'string' || source instanceof Uint8Array || source instanceof URL) return true;
  return typeof source === 'object' && source !== null && typeof (source as Partial<OpenFile>).fd === 'number';
}
