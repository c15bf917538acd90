import { Readable } from 'node:stream';
import { abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';
import { ArenaError } from '../index.js';
import { checkWaitOptions } from '../waiting/wait-options.js';
import { BodyMemory } from './body-memory.js';
import type { BytesList } from './bytes-list.js';
import { type ChunkArena, chunkSizeFor } from './chunk-arena.js';

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
  /** Bytes of the body, where they are known. Default: the `content-length` of an http message. */
  readonly length?: number | undefined;
  /** Bytes of a piece. Default: the slot capacity, or 64 KiB in a buddy arena. */
  readonly chunkSize?: number | undefined;
  /**
   * What happens when the arena is full in the middle of a body of unknown length. `true`, the default: the body moves
   * to the heap, where it takes at most twice `maxLength`. `false`: the promise rejects with AllocError ARENA_FULL.
   */
  readonly spill?: boolean | undefined;
  /** The longest time in ms to wait for memory. A longer one rejects with a DOMException named `TimeoutError`. */
  readonly timeout?: number | undefined;
  /** Aborting it destroys a Readable source, and rejects with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
}

/** A stream whose length may be known, as that of an http message is. */
export type BodySource = AsyncIterable<Uint8Array> | (Readable & { readonly headers?: object });

const DEFAULT_MOST = 1024 * 1024;

/**
 * Reads a whole body into the arena. Release the list when you are done with it.
 *
 * Bodies that are read at the same time never wait for each other's memory:
 * - A body of known length first waits until the arena has memory for all of it, and then begins to read. Such bodies
 *   are served in the order of their calls. While one waits it holds memory for at most 10 ms at a time.
 * - A body of unknown length waits for its first piece only. When the arena is full later on, it moves to the heap, or
 *   fails (`spill`).
 *
 * When the promise rejects, all memory is back, and the source is left as it is, so that a server can still answer. The
 * exception is an abort.
 *
 * Rejects with BodyError BODY_TOO_LARGE; AllocError REQUEST_TOO_LARGE for a known length beyond the arena, ARENA_FULL
 * or ARENA_CLOSED; a DOMException named `TimeoutError`; the signal's reason; the error of the source; TypeError or
 * RangeError for bad arguments.
 */
export async function readBody(arena: ChunkArena, source: BodySource, options: BodyOptions = {}): Promise<BytesList> {
  const chunkSize = chunkSizeFor(arena, options.chunkSize);
  if (typeof source !== 'object' || source === null || !(Symbol.asyncIterator in source)) {
    throw new TypeError(`source must be a Readable or an async iterable, got ${describe(source)}`);
  }
  const maxLength = checkInteger(options.maxLength ?? DEFAULT_MOST, 'maxLength', 0);
  const length = options.length === undefined ? declaredLength(source) : checkInteger(options.length, 'length', 0);
  const limits = checkWaitOptions(options);
  const { signal } = limits;
  if (signal?.aborted) throw abortReason(signal);
  if (length !== undefined && length > maxLength) throw new BodyError(maxLength);
  const memory = new BodyMemory(arena, chunkSize, options.spill ?? true, limits);
  const onAbort = (): void => void (source instanceof Readable && source.destroy());
  if (signal !== undefined) addAbortCallback(signal, onAbort);
  try {
    if (length !== undefined) await memory.reserve(length);
    for await (const data of dataOf(source)) {
      if (!(data instanceof Uint8Array)) {
        throw new TypeError(`the stream must give bytes (no encoding, no object mode), got ${describe(data)}`);
      }
      if (data.length > maxLength - memory.length) throw new BodyError(maxLength);
      await memory.append(data);
      if (signal?.aborted) throw abortReason(signal);
    }
    return memory.take();
  } catch (error) {
    memory.abandon();
    throw signal?.aborted ? abortReason(signal) : error;
  } finally {
    if (signal !== undefined) removeAbortCallback(signal, onAbort);
  }
}

/** A Readable survives the end of the loop: its owner may have to answer on it. */
function dataOf(source: BodySource): AsyncIterable<unknown> {
  return source instanceof Readable
    ? { [Symbol.asyncIterator]: () => source.iterator({ destroyOnReturn: false }) }
    : source;
}

function declaredLength(source: BodySource): number | undefined {
  const { headers } = source as { readonly headers?: { readonly 'content-length'?: unknown } };
  const declared = headers?.['content-length'];
  return typeof declared === 'string' && /^\d{1,15}$/.test(declared) ? Number(declared) : undefined;
}
