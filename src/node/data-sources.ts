import { finished, type Readable } from 'node:stream';
import { doNothing } from '../base/do-nothing.js';
import { shortLived } from '../base/short-lived.js';

/** Data that comes bit by bit. */
export interface DataSource {
  /** Whether no more data will come. Data may be left to read. */
  readonly hasEnded: boolean;
  /** Whether nobody else got the data that was read last. */
  readonly isSoleReader: boolean;
  /** Returns data that is there, or null. */
  read(): unknown;
  /** Waits for data, the end, a failure, or {@link wake}. */
  next(): Promise<void>;
  /** Ends the wait of {@link next}. */
  wake(): void;
  /** Takes the listeners off. */
  stop(): void;
}

/** The data of a stream. Reading it does not destroy the stream. */
export class ReadableData implements DataSource {
  hasEnded = false;
  isSoleReader = false;
  wake: () => void = doNothing;
  private readonly source: Readable;
  private readonly stopFinished: () => void;
  private readonly look = shortLived((): void => this.wake());

  /** @param onFailure called with the error of the stream, also while nobody reads */
  constructor(source: Readable, onFailure: (error: Error) => void) {
    this.source = source;
    source.on('readable', this.look);
    this.stopFinished = finished(source, { writable: false }, (error) => {
      this.hasEnded = true;
      if (error) onFailure(error);
      this.wake();
    });
  }

  read(): unknown {
    const { source } = this;
    if (source.destroyed) return null;
    this.isSoleReader = source.listenerCount('data') === 0;
    return source.read();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  stop(): void {
    this.source.off('readable', this.look);
    this.stopFinished();
  }
}

/** What tells who else gets the data of a stream. */
interface Listened {
  listenerCount(event: 'data'): number;
}

/** What an async iterable gives. A `next()` of it that never settles keeps nobody waiting who was woken. */
export class IteratedData implements DataSource {
  hasEnded = false;
  isSoleReader = false;
  wake: () => void = doNothing;
  private readonly source: AsyncIterable<unknown> & Partial<Listened>;
  private readonly iterator: AsyncIterator<unknown>;
  private readonly onFailure: (error: unknown) => void;
  private value: unknown = null;
  private isAsked = false;

  constructor(source: AsyncIterable<unknown>, onFailure: (error: unknown) => void) {
    this.iterator = source instanceof ReadableStream ? readerOf(source) : source[Symbol.asyncIterator]();
    this.onFailure = onFailure;
    this.source = source;
  }

  read(): unknown {
    const { value, source } = this;
    this.isSoleReader = !source.listenerCount?.('data');
    this.value = null;
    return value;
  }

  next(): Promise<void> {
    if (!this.isAsked) void this.ask();
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  stop(): void {
    if (!this.hasEnded) void this.stopIterator();
  }

  private async ask(): Promise<void> {
    this.isAsked = true;
    try {
      const { done, value } = await this.iterator.next();
      this.hasEnded = done === true;
      this.value = done ? null : (value ?? undefined); // only the lack of data is null
    } catch (error) {
      this.hasEnded = true;
      this.onFailure(error);
    }
    this.isAsked = false;
    this.wake();
  }

  private async stopIterator(): Promise<void> {
    try {
      await this.iterator.return?.();
    } catch {
      // The reading has failed of something else.
    }
  }
}

/** The iterator of a Web stream would not cancel the stream while a read of it is pending. */
function readerOf(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    next: () => reader.read(),
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
