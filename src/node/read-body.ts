import { Readable } from 'node:stream';
import { abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';
import { StopSignal } from '../base/stop-signal.js';
import { ArenaError } from '../index.js';
import type { BytesList } from '../streams/bytes-list.js';
import { type ChunkArena, chunkSizeFor } from '../streams/chunk-arena.js';
import { checkWaitOptions } from '../waiting/wait-options.js';
import { BodyMemory } from './body-memory.js';
import { type DataSource, IteratedData, ReadableData } from './data-sources.js';
import { checkBuffers, freeBuffer, type StreamBuffers } from './stream-buffers.js';

/** Thrown when a body is longer than allowed. */
export class BodyError extends ArenaError {
  override readonly name: string = 'BodyError';
  declare readonly code: 'BODY_TOO_LARGE';
  /** The most bytes that were allowed. */
  readonly maxLength: number;

  constructor(maxLength: number) {
    super('BODY_TOO_LARGE', `the body exceeds the limit of ${maxLength} bytes`);
    this.maxLength = maxLength;
  }
}

export interface BodyOptions {
  /** The most bytes of the body. Default 1 MiB. */
  readonly maxLength?: number | undefined;
  /** Bytes of the body, where they are known. Default: the `content-length` of an http request. */
  readonly length?: number | undefined;
  /**
   * What happens when the arena is full in the middle of a body of unknown length. `true`, the default: the body moves
   * to the heap, where it takes at most twice `maxLength`. `false`: the promise rejects with AllocError ARENA_FULL.
   */
  readonly spill?: boolean | undefined;
  /** Whether the Buffers of the source are freed once they were copied. Default `'leave'`. See {@link StreamBuffers}. */
  readonly buffers?: Exclude<StreamBuffers, 'adopt'> | undefined;
  /** The longest time in ms to wait for memory. A longer one rejects with a DOMException named `TimeoutError`. */
  readonly timeout?: number | undefined;
  /** Aborting it stops the source (a Readable is destroyed), and rejects with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** A stream whose length may be known, as that of an http message is. */
export type BodySource = AsyncIterable<Uint8Array> | (Readable & { readonly headers?: object });

const DEFAULT_MOST = 1024 * 1024;

/**
 * Reads a whole body into the arena. Release the list when you are done with it.
 *
 * Bodies that are read at the same time never wait for each other's memory:
 * - A body of known length first waits until the arena has memory for all of it, and then begins to read. In a buddy
 *   arena it waits for one block. In a fixed arena it may need several slots: it takes those that are free, and gives
 *   them back when the rest does not come within 10 ms, later up to 160 ms. Bodies that need several slots take their
 *   turns in the order of the calls of a thread.
 * - A body of unknown length waits for its first piece only. When the arena is full later on, it moves to the heap, or
 *   fails (`spill`).
 *
 * When the promise rejects, all memory is back. A Readable is left as it is, so that a server can still answer, except
 * after an abort. Other sources are stopped.
 *
 * Rejects with BodyError BODY_TOO_LARGE; AllocError REQUEST_TOO_LARGE for a known length beyond the arena, ARENA_FULL
 * or ARENA_CLOSED; a DOMException named `TimeoutError`; the signal's reason; the error of the source; TypeError or
 * RangeError for bad arguments.
 */
export async function readBody(arena: ChunkArena, source: BodySource, options: BodyOptions = {}): Promise<BytesList> {
  const chunkSize = chunkSizeFor(arena, undefined);
  if (typeof source !== 'object' || source === null || !(Symbol.asyncIterator in source)) {
    throw new TypeError(`source must be a Readable or an async iterable, got ${describe(source)}`);
  }
  const maxLength = checkInteger(options.maxLength ?? DEFAULT_MOST, 'maxLength', 0);
  const length = options.length === undefined ? declaredLength(source) : checkInteger(options.length, 'length', 0);
  const { signal, timeout } = checkWaitOptions(options);
  const frees = checkBuffers(options.buffers ?? 'leave', ['leave', 'free']) === 'free';
  if (signal?.aborted) throw abortReason(signal);
  if (length !== undefined && length > maxLength) throw new BodyError(maxLength);

  const stop = new StopSignal();
  const onFailure = (error: unknown): void => stop.abort(error);
  const data = source instanceof Readable ? new ReadableData(source, onFailure) : new IteratedData(source, onFailure);
  const onAbort = (): void => {
    stop.abort(signal && abortReason(signal));
    if (source instanceof Readable) source.destroy();
    data.wake();
  };
  if (signal !== undefined) addAbortCallback(signal, onAbort);
  const memory = new BodyMemory(arena, chunkSize, options.spill ?? true, { signal: stop, timeout });
  try {
    const waiting = length === undefined ? undefined : memory.reserve(length);
    if (waiting !== undefined) await waiting;
    await readAll(data, memory, maxLength, frees, stop);
    return memory.take();
  } catch (error) {
    memory.abandon();
    throw error;
  } finally {
    if (signal !== undefined) removeAbortCallback(signal, onAbort);
    data.stop();
  }
}

async function readAll(
  data: DataSource,
  memory: BodyMemory,
  maxLength: number,
  frees: boolean,
  stop: StopSignal,
): Promise<void> {
  for (;;) {
    stop.throwIfAborted();
    const part = data.read();
    if (part === null) {
      if (data.hasEnded) return;
      await data.next();
      continue;
    }
    if (!(part instanceof Uint8Array)) {
      throw new TypeError(`the source must give bytes (no encoding, no object mode), got ${describe(part)}`);
    }
    if (part.length > maxLength - memory.length) throw new BodyError(maxLength);
    const asking = memory.append(part);
    if (asking !== undefined) await asking;
    if (frees && data.isSoleReader) freeBuffer(part);
  }
}

/** The `content-length` of a request. That of a response may belong to a body that is not sent (HEAD, 304). */
function declaredLength(source: BodySource): number | undefined {
  const { headers, statusCode } = source as {
    readonly headers?: { readonly 'content-length'?: unknown };
    readonly statusCode?: unknown;
  };
  const declared = typeof statusCode === 'number' ? undefined : headers?.['content-length'];
  return typeof declared === 'string' && /^\d{1,15}$/.test(declared) ? Number(declared) : undefined;
}
