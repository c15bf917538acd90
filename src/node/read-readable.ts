import type { Readable } from 'node:stream';
import { addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import type { ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from '../streams/chunk-arena.js';
import { ReadableData } from './data-sources.js';

/**
 * Copies the data of a stream into chunks. Data that is available at the same time shares chunks. A chunk that is not
 * full does not wait for more data.
 */
export async function* readReadable(
  arena: ChunkArena,
  source: Readable,
  chunkSize: number,
  limits: { readonly signal: AbortSignal; readonly timeout: number | undefined },
): AsyncGenerator<Bytes, undefined, undefined> {
  const { signal } = limits;
  let buffer: ArenaBuffer | undefined;
  let failure: Error | undefined;
  const stream = new ReadableData(source, (error) => {
    failure = error;
  });
  const onAbort = (): void => {
    if (!stream.hasEnded) source.destroy();
    stream.wake();
  };
  addAbortCallback(signal, onAbort);
  try {
    for (;;) {
      signal.throwIfAborted();
      const data = stream.read();
      if (data === null) {
        if (buffer !== undefined) {
          const chunk = buffer.freeze();
          buffer = undefined;
          yield chunk;
        } else if (stream.hasEnded) {
          if (failure) throw failure;
          return;
        } else {
          await stream.next();
        }
        continue;
      }
      if (!(data instanceof Uint8Array)) {
        throw new TypeError(
          `the stream must give Uint8Array chunks (no encoding, no object mode), got ${describe(data)}`,
        );
      }
      for (let at = 0; at < data.length; ) {
        buffer ??= await arena.allocateAsync(chunkSize, limits);
        const count = Math.min(data.length - at, chunkSize - buffer.length);
        buffer.putSlice(data.subarray(at, at + count));
        at += count;
        if (buffer.length < chunkSize) continue;
        const chunk = buffer.freeze();
        buffer = undefined;
        yield chunk;
      }
    }
  } finally {
    buffer?.abandon();
    stream.stop();
    removeAbortCallback(signal, onAbort);
    if (!stream.hasEnded) source.destroy();
  }
}
