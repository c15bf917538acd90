import { finished, type Readable } from 'node:stream';
import { addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import type { ArenaBuffer, Bytes } from '../index.js';
import type { ChunkArena } from './chunk-arena.js';

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
  const events = new ReadableEvents(source, signal);
  try {
    for (;;) {
      signal.throwIfAborted();
      const data: unknown = source.destroyed ? null : source.read();
      if (data === null) {
        if (buffer !== undefined) {
          const chunk = buffer.freeze();
          buffer = undefined;
          yield chunk;
        } else if (events.hasEnded) {
          if (events.error) throw events.error;
          return;
        } else {
          await events.next();
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
    events.stop();
    if (!events.hasEnded) source.destroy();
  }
}

/** Tells when to read from a stream again. */
class ReadableEvents {
  /** Whether the stream will give no more data. */
  hasEnded = false;
  error: Error | null | undefined;
  private wake: () => void = () => undefined;
  private readonly source: Readable;
  private readonly signal: AbortSignal;
  private readonly stopFinished: () => void;
  private readonly look = (): void => this.wake();
  private readonly onAbort = (): void => {
    if (!this.hasEnded) this.source.destroy();
    this.wake();
  };

  constructor(source: Readable, signal: AbortSignal) {
    this.source = source;
    this.signal = signal;
    source.on('readable', this.look);
    addAbortCallback(signal, this.onAbort);
    this.stopFinished = finished(source, { writable: false }, (error) => {
      this.hasEnded = true;
      this.error = error;
      this.wake();
    });
  }

  /** Waits for data, the end or the signal. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  stop(): void {
    this.source.off('readable', this.look);
    removeAbortCallback(this.signal, this.onAbort);
    this.stopFinished();
  }
}
