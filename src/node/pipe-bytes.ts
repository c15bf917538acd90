import { finished, type Writable } from 'node:stream';
import { abortReason, addAbortCallback, checkSignal, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import { doNothing } from '../base/do-nothing.js';
import { shortLived } from '../base/short-lived.js';
import type { Bytes } from '../index.js';
import { type BytesList, checkWritten, giveBack } from '../streams/bytes-list.js';
import { checkSource, iteratorOf, type Source } from '../streams/stoppable.js';
import { checkTimeout, timeoutError } from '../waiting/wait-options.js';
import { sendThen } from './send.js';
import { checkOpen, needsDrain, prematureClose } from './stream-writes.js';
import { isWritable } from './write-bytes.js';

export interface PipeOptions {
  /** Whether to end the stream after the last chunk. Default true. */
  readonly end?: boolean | undefined;
  /** Aborting it ends the pipe with the signal's `reason`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The longest time in ms until the stream has finished with a chunk. A longer one fails the pipe with a DOMException
   * named `TimeoutError`. Default: no limit.
   */
  readonly timeout?: number | undefined;
}

type Chunk = Bytes | BytesList;

/**
 * Writes the chunks of `source` to `writable` without copying them, and no faster than `writable` takes them: when a
 * `write` asks for it, the pipe waits for `drain`. Chunks that are there at the same time go out as one vectored write.
 * Each chunk is released when the stream has finished with its memory.
 *
 * Resolves when everything was written and, unless `end` is false, the stream has finished. When the source, the stream
 * or the signal fails, the source is stopped, the stream is destroyed, and the promise rejects once all memory is back.
 * If `source` is an array, the chunks that were not taken by then still belong to the caller.
 * @throws TypeError (as a rejection) for bad arguments
 */
export async function pipeBytes(source: Source<Chunk>, writable: Writable, options: PipeOptions = {}): Promise<void> {
  if (!isWritable(writable)) throw new TypeError(`writable must be a Writable, got ${describe(writable)}`);
  const { end = true, signal, timeout } = options;
  checkTimeout(timeout);
  checkSignal(signal);
  checkSource(source);
  const pipe = new Pipe(iteratorOf(source), writable, timeout, end);
  const onAbort = (): void => pipe.fail(signal && abortReason(signal));
  if (signal?.aborted) onAbort();
  else if (signal !== undefined) addAbortCallback(signal, onAbort);
  try {
    pipe.begin();
    await pipe.done;
  } finally {
    if (signal !== undefined) removeAbortCallback(signal, onAbort);
  }
}

type AnyIterator = ReturnType<typeof iteratorOf<Chunk>>;

/**
 * Asks the source for one chunk after the other and writes each. It is written with callbacks: promises for each chunk
 * made 30 % of the garbage of an http server that echoes bodies (Node 20).
 */
class Pipe {
  /** Settles when the pipe has ended and all memory is back. */
  readonly done: Promise<void>;
  private readonly source: AnyIterator;
  private readonly writable: Writable;
  private readonly timeout: number | undefined;
  private readonly ends: boolean;
  private failure: { readonly reason: unknown } | undefined;
  /** Chunks that the stream has not finished with. */
  private underWay = 0;
  private isAsking = false;
  private isStopping = false;
  private hasSourceEnded = false;
  private hasEnded = false;
  private isCorked = false;
  private resolve: () => void = doNothing;
  private reject: (reason: unknown) => void = doNothing;
  private stopWatching: () => void = doNothing;

  constructor(source: AnyIterator, writable: Writable, timeout: number | undefined, ends: boolean) {
    this.timeout = timeout;
    this.source = source;
    this.writable = writable;
    this.ends = ends;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  begin(): void {
    const { writable } = this;
    this.stopWatching = finished(writable, { readable: false }, (error) => {
      // The stream failed, or other code ended it. No drain will come, and it takes no more data.
      if (error ?? !this.hasEnded) this.fail(error ?? prematureClose());
      else this.settle();
    });
    try {
      checkOpen(writable);
    } catch (error) {
      this.fail(error);
    }
    this.ask();
  }

  /** Ends the pipe: stops the source and the stream. Only the first reason counts. */
  fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { reason };
    const { writable } = this;
    writable.off('drain', this.ask);
    writable.on('error', () => undefined); // the rejection reports it
    writable.destroy(reason instanceof Error ? reason : undefined);
    // While a next() is pending, a generator answers return() only after it, perhaps never. So do not wait for that.
    this.isStopping = !this.isAsking;
    const onStopped = (): void => {
      this.isStopping = false;
      this.advance();
    };
    this.stopSource().then(onStopped, onStopped);
    this.advance();
  }

  private readonly ask = shortLived((): void => {
    if (this.failure !== undefined) return; // before anything is taken from the source
    this.isAsking = true;
    try {
      Promise.resolve(this.source.next()).then(this.onAnswer, this.onSourceFailed);
    } catch (error) {
      this.onSourceFailed(error);
    }
  });

  private readonly onAnswer = shortLived((answer: IteratorResult<Chunk, unknown>): void => {
    this.isAsking = false;
    try {
      this.take(answer);
    } catch (error) {
      this.fail(error); // an answer that is none, or a chunk that is none
    }
  });

  private take({ done, value }: IteratorResult<Chunk, unknown>): void {
    if (done) {
      this.hasSourceEnded = true;
      this.advance();
      return;
    }
    checkWritten(value);
    if (this.failure === undefined) this.pass(value);
    else giveBack(value);
  }

  private readonly onSourceFailed = shortLived((error: unknown): void => {
    this.isAsking = false;
    this.fail(error);
  });

  private pass(chunk: Chunk): void {
    const { writable } = this;
    this.cork();
    this.underWay++;
    const timer = this.startTimer();
    sendThen(writable, chunk, (error) => {
      clearTimeout(timer);
      this.underWay--;
      if (error !== undefined) this.fail(error);
      this.advance();
    });
    if (needsDrain(writable)) writable.once('drain', this.ask);
    else this.ask();
  }

  /** Ends the stream, or settles, if nothing is to be waited for any more. */
  private advance(): void {
    if (this.underWay > 0) return;
    if (this.failure !== undefined) {
      if (!this.isStopping) this.settle();
    } else if (this.hasSourceEnded && !this.hasEnded) {
      this.hasEnded = true;
      if (this.ends) this.writable.end();
      else this.settle();
    }
  }

  private settle(): void {
    this.stopWatching();
    if (this.failure === undefined) this.resolve();
    else this.reject(this.failure.reason);
  }

  /** Chunks that are there at the same time go out as one vectored write: those of one run of promise reactions. */
  private cork(): void {
    if (this.isCorked) return;
    this.isCorked = true;
    const { writable } = this;
    writable.cork?.();
    process.nextTick(() => {
      this.isCorked = false;
      try {
        writable.uncork?.();
      } catch (error) {
        this.fail(error);
      }
    });
  }

  private startTimer(): NodeJS.Timeout | undefined {
    const { timeout } = this;
    if (timeout === undefined) return undefined;
    return setTimeout(() => this.fail(timeoutError('the stream did not finish with a chunk', timeout)), timeout);
  }

  private async stopSource(): Promise<void> {
    await this.source.return?.();
  }
}
