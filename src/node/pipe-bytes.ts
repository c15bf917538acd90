import { finished, type Writable } from 'node:stream';
import { abortReason, addAbortCallback, checkSignal, removeAbortCallback } from '../base/abort-signals.js';
import { describe } from '../base/check.js';
import type { Bytes } from '../index.js';
import { type BytesList, giveBack } from './bytes-list.js';
import { checkOpen, needsDrain, prematureClose, send } from './send.js';
import { checkWritten, isWritable } from './write-bytes.js';

export interface PipeOptions {
  /** Whether the stream is ended after the last chunk. Default true. */
  readonly end?: boolean | undefined;
  /** Ends the pipe with its `reason`. */
  readonly signal?: AbortSignal | undefined;
}

type Chunk = Bytes | BytesList;

/**
 * Writes everything that `source` gives to `writable` without copying it, and no faster than that takes it: after a `write`
 * that says so it waits for `drain`. Each chunk is released when the stream has finished with its memory.
 *
 * Resolves when everything was written and, unless `end` is false, the stream has finished. When anything fails (the source,
 * the stream, the signal) the source is stopped, the stream destroyed, and the promise rejected when all memory is back. What
 * an array has not given by then stays its owner's.
 * @throws TypeError for bad arguments
 */
export async function pipeBytes(
  source: AsyncIterable<Chunk> | Iterable<Chunk>,
  writable: Writable,
  options: PipeOptions = {},
): Promise<void> {
  if (!isWritable(writable)) throw new TypeError(`writable must be a Writable, got ${describe(writable)}`);
  const { end = true, signal } = options;
  checkSignal(signal);
  const pipe = new Pipe(iteratorOf(source), writable);
  const onAbort = (): void => pipe.fail(signal && abortReason(signal));
  if (signal?.aborted) onAbort();
  else if (signal !== undefined) addAbortCallback(signal, onAbort);
  try {
    await pipe.run(end);
  } finally {
    if (signal !== undefined) removeAbortCallback(signal, onAbort);
  }
}

type AnyIterator = AsyncIterator<Chunk, unknown> | Iterator<Chunk, unknown>;

function iteratorOf(source: AsyncIterable<Chunk> | Iterable<Chunk>): AnyIterator {
  if (typeof source === 'object' && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new TypeError(`source must be iterable, got ${describe(source)}`);
}

class Pipe {
  private readonly source: AnyIterator;
  private readonly writable: Writable;
  private readonly sendings = new Set<Promise<void>>();
  private failure: { readonly reason: unknown } | undefined;
  private hasEnded = false;
  /** Ends what is being waited for. */
  private interrupt: (reason: unknown) => void = () => undefined;
  private asked: Promise<IteratorResult<Chunk, unknown>> | undefined;

  constructor(source: AnyIterator, writable: Writable) {
    this.source = source;
    this.writable = writable;
  }

  /** Ends the pipe; the first reason counts. */
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
      // Somebody else ended it: there will be no drain, and nothing more is taken.
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
      writable.on('error', () => undefined); // it has been told
      writable.destroy(error instanceof Error ? error : undefined);
      await this.giveUp();
      throw error;
    } finally {
      stopWatching();
    }
  }

  private async next(): Promise<Chunk | undefined> {
    this.asked = Promise.resolve(this.source.next());
    const { done, value } = await this.unlessFailed(this.asked);
    this.asked = undefined;
    return done ? undefined : value;
  }

  private async pass(chunk: Chunk): Promise<void> {
    checkWritten(chunk);
    const done = send(this.writable, chunk);
    this.sendings.add(done);
    const forget = (): void => void this.sendings.delete(done);
    done.then(forget, (error: unknown) => this.fail(error)).then(forget);
    if (needsDrain(this.writable))
      await this.unlessFailed(new Promise<void>((resolve) => void this.writable.once('drain', resolve)));
  }

  /** Waits for `promise`, but no longer than until the pipe fails. Unlike a race it leaves nothing behind. */
  private unlessFailed<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.interrupt = reject;
      if (this.failure !== undefined) reject(this.failure.reason);
      promise.then(resolve, reject);
    });
  }

  /** Stops the source and waits for the memory that is under way. */
  private async giveUp(): Promise<void> {
    const { asked } = this;
    // A generator that is busy answers return() only afterwards; whether it ever does is its own affair.
    const returned = this.stopSource().catch(() => undefined);
    if (asked === undefined) await returned;
    else asked.then(({ value, done }) => !done && giveBack(value as Chunk)).catch(() => undefined);
    await Promise.allSettled(this.sendings);
  }

  private async stopSource(): Promise<void> {
    await this.source.return?.();
  }
}
