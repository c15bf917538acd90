import { finished, type Writable } from 'node:stream';
import { abortReason, addAbortCallback, checkSignal, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import { type BytesList, checkWritten, giveBack } from '../streams/bytes-list.js';
import { checkSource, iteratorOf, type Source } from '../streams/stoppable.js';
import { checkTimeout, timeoutError } from '../waiting/wait-options.js';
import { send } from './send.js';
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
  const pipe = new Pipe(iteratorOf(source), writable, timeout);
  const onAbort = (): void => pipe.fail(signal && abortReason(signal));
  if (signal?.aborted) onAbort();
  else if (signal !== undefined) addAbortCallback(signal, onAbort);
  try {
    await pipe.run(end);
  } finally {
    if (signal !== undefined) removeAbortCallback(signal, onAbort);
  }
}

type AnyIterator = ReturnType<typeof iteratorOf<Chunk>>;

class Pipe {
  private readonly source: AnyIterator;
  private readonly writable: Writable;
  private readonly timeout: number | undefined;
  private readonly sendings = new Set<Promise<void>>();
  private failure: { readonly reason: unknown } | undefined;
  private hasEnded = false;
  private isCorked = false;
  /** Rejects the wait that is under way. */
  private interrupt: (reason: unknown) => void = () => undefined;
  private asked: Promise<IteratorResult<Chunk, unknown>> | undefined;

  constructor(source: AnyIterator, writable: Writable, timeout: number | undefined) {
    this.timeout = timeout;
    this.source = source;
    this.writable = writable;
  }

  /** Ends the pipe. Only the first reason counts. */
  fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { reason };
    this.interrupt(reason);
  }

  async run(end: boolean): Promise<void> {
    const { writable } = this;
    let onFinish: () => void = () => undefined;
    const finish = new Promise<void>((resolve) => {
      onFinish = resolve;
    });
    const stopWatching = finished(writable, { readable: false }, (error) => {
      // The stream failed, or other code ended it. No drain will come, and it takes no more data.
      if (error ?? !this.hasEnded) this.fail(error ?? prematureClose());
      else onFinish();
    });
    try {
      checkOpen(writable);
      for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) await this.pass(chunk);
      await this.unlessFailed(Promise.all(this.sendings));
      if (!end) return;
      this.hasEnded = true;
      writable.end();
      await this.unlessFailed(finish);
    } catch (error) {
      writable.on('error', () => undefined); // the rejection reports it
      writable.destroy(error instanceof Error ? error : undefined);
      await this.giveUp();
      throw error;
    } finally {
      stopWatching();
    }
  }

  private async next(): Promise<Chunk | undefined> {
    if (this.failure !== undefined) throw this.failure.reason; // before anything is taken from the source
    this.asked = Promise.resolve(this.source.next());
    const { done, value } = await this.unlessFailed(this.asked);
    this.asked = undefined;
    return done ? undefined : value;
  }

  private async pass(chunk: Chunk): Promise<void> {
    checkWritten(chunk);
    this.cork();
    const done = send(this.writable, chunk);
    this.sendings.add(done);
    const timer = this.startTimer();
    const forget = (): void => {
      clearTimeout(timer);
      this.sendings.delete(done);
    };
    done.then(forget, (error: unknown) => this.fail(error)).then(forget);
    if (needsDrain(this.writable))
      await this.unlessFailed(new Promise<void>((resolve) => void this.writable.once('drain', resolve)));
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

  /** Waits for `promise` or until the pipe fails. Unlike `Promise.race` it leaves no callbacks behind. */
  private unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.interrupt = reject;
      if (this.failure !== undefined) reject(this.failure.reason);
      promise.then(resolve, reject);
    });
  }

  /** Stops the source and waits until the stream has finished with all memory. */
  private async giveUp(): Promise<void> {
    const { asked } = this;
    // While a next() is pending, a generator answers return() only after it, perhaps never. So do not wait for that.
    const returned = this.stopSource().catch(() => undefined);
    if (asked === undefined) await returned;
    else asked.then(({ value, done }) => !done && giveBack(value as Chunk)).catch(() => undefined);
    await Promise.allSettled(this.sendings);
  }

  private async stopSource(): Promise<void> {
    await this.source.return?.();
  }
}
