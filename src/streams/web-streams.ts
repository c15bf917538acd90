import { checkSignal } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import { checkTimeout } from '../waiting/wait-options.js';
import { type BytesList, checkWritten, copyInto, giveBack } from './bytes-list.js';
import { type ChunkArena, chunkSizeFor } from './chunk-arena.js';
import { ReceivedChunks } from './received-chunks.js';
import type { StoppableIterator } from './stoppable.js';

/**
 * Makes a Web stream of bytes from the chunks of an arena. It takes a chunk only when the reader asks for data.
 *
 * Every byte is copied once, into the buffer of a `BYOB` reader or into a new one. The copy is needed because a Web
 * stream takes its buffers away from their owner and never tells when it is done with one. Each chunk is released when
 * it was copied.
 */
export function toReadableStream(source: AsyncIterable<Bytes | BytesList>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const iterator = source[Symbol.asyncIterator]();
  let rest: Bytes | BytesList | undefined;
  const next = async (): Promise<Bytes | BytesList | undefined> => {
    const { done, value } = await iterator.next();
    if (!done) checkWritten(value);
    return done ? undefined : value;
  };
  const stop = async (): Promise<void> => {
    if (rest !== undefined) giveBack(rest);
    await iterator.return?.();
  };
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      try {
        rest ??= await next();
        while (rest?.isEmpty) {
          giveBack(rest);
          rest = await next();
        }
      } catch (error) {
        await stop();
        throw error;
      }
      const view = controller.byobRequest?.view;
      if (rest === undefined) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      const chunk = rest;
      rest = undefined;
      try {
        if (view == null) {
          controller.enqueue(chunk.toUint8Array());
          return;
        }
        const count = copyInto(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), chunk);
        if (count < chunk.length) rest = chunk.slice(count);
        controller.byobRequest?.respond(count);
      } finally {
        chunk.release();
      }
    },
    cancel: stop,
  });
}

export interface ReceiveOptions {
  /** The most bytes in a chunk. Default: the slot capacity, or 64 KiB in a buddy arena. */
  readonly chunkSize?: number | undefined;
  /** Aborting it ends the reading with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest wait for memory, in ms. A longer one ends with a DOMException named `TimeoutError`. Default: no limit.
   */
  readonly timeout?: number | undefined;
}

/**
 * Copies the data of a Web stream (the body of a `fetch`, for example) into chunks in the arena, once. The consumer
 * releases each chunk. Reading waits while the arena is full, and the stream is cancelled when reading stops early.
 * @throws TypeError, RangeError for bad arguments; when iterated, the error of the stream, TypeError when it gives
 *   anything but a Uint8Array, and AllocError ARENA_CLOSED
 */
export function fromReadableStream(
  arena: ChunkArena,
  stream: ReadableStream<Uint8Array>,
  options: ReceiveOptions = {},
): StoppableIterator<Bytes> {
  const chunkSize = chunkSizeFor(arena, options.chunkSize);
  if (typeof stream?.getReader !== 'function') {
    throw new TypeError(`stream must be a ReadableStream, got ${describe(stream)}`);
  }
  const { signal, timeout } = options;
  checkTimeout(timeout);
  checkSignal(signal);
  return new ReceivedChunks(arena, stream, { chunkSize, signal, timeout });
}
