import { Bytes } from '../index.js';
import { iteratorOf, type Source, type StoppableIterator } from './stoppable.js';

/** Makes results of chunks, without waiting. */
interface Parser<Result> {
  feed(chunk: unknown): void;
  take(): Result | undefined;
  end(): Result | undefined;
  release(): void;
}

type Step<Result> = IteratorResult<Result, undefined>;

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/**
 * The results of a parser, one by one. Only at the end of a chunk does anybody wait: a result of the present chunk is a
 * promise that is already resolved. (An async generator took 2.5 times as long for lines of 120 bytes.)
 */
export class RecordIterator<Result> implements StoppableIterator<Result> {
  private readonly source: ReturnType<typeof iteratorOf<Bytes>>;
  private readonly parser: Parser<Result>;
  /** The call that came last, while it has not settled. Calls are served one after the other. */
  private underWay: Promise<unknown> | undefined;
  private isOver = false;
  private hasSourceEnded = false;

  constructor(source: Source<Bytes>, parser: Parser<Result>) {
    this.source = iteratorOf(source);
    this.parser = parser;
  }

  next(): Promise<Step<Result>> {
    const { underWay } = this;
    if (underWay !== undefined) return this.serve(underWay.then(this.step, this.step));
    if (this.isOver) return Promise.resolve(DONE);
    try {
      const value = this.parser.take();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    } catch (error) {
      return this.serve(this.fail(error));
    }
    return this.serve(this.step());
  }

  async return(): Promise<Step<Result>> {
    await this.stop();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private serve(call: Promise<Step<Result>>): Promise<Step<Result>> {
    this.underWay = call;
    const forget = (): void => {
      if (this.underWay === call) this.underWay = undefined;
    };
    call.then(forget, forget);
    return call;
  }

  private readonly step = async (): Promise<Step<Result>> => {
    try {
      while (!this.isOver) {
        const value = this.parser.take() ?? (this.hasSourceEnded ? this.takeLast() : undefined);
        if (value !== undefined) return { done: false, value };
        if (!this.hasSourceEnded) await this.pull();
      }
      return DONE;
    } catch (error) {
      return await this.fail(error);
    }
  };

  /** The last result, at the end of the source. */
  private takeLast(): Result | undefined {
    const value = this.parser.end();
    if (value === undefined) this.isOver = true;
    return value;
  }

  /** Gets the next chunk. */
  private async pull(): Promise<void> {
    const { done, value } = await this.ask();
    if (done) this.hasSourceEnded = true;
    else if (!this.isOver) this.parser.feed(value);
    else if (value instanceof Bytes) Bytes.giveBack(value); // return() came while this chunk was awaited
  }

  private async ask(): Promise<IteratorResult<Bytes, unknown>> {
    try {
      return await this.source.next();
    } catch (error) {
      this.hasSourceEnded = true;
      throw error;
    }
  }

  /** Gives everything back and rejects with `error`, if `return()` has not ended the reading before. */
  private async fail(error: unknown): Promise<Step<Result>> {
    if (this.isOver) return DONE;
    try {
      await this.stop();
    } catch {
      // The first error counts.
    }
    throw error;
  }

  private async stop(): Promise<void> {
    const wasOver = this.isOver;
    this.isOver = true;
    this.parser.release();
    if (!wasOver && !this.hasSourceEnded) await this.source.return?.();
  }
}
