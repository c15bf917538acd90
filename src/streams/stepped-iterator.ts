import type { StoppableIterator } from './stoppable.js';

/** The result of a call of `next()`. */
export type Step<Result> = IteratorResult<Result, undefined>;

/** The result at the end. */
export const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/**
 * An iterator that answers at once when it can: a result that is there is a promise that is already resolved. An async
 * generator makes several promises for each. Calls are served one after the other.
 */
export abstract class SteppedIterator<Result> implements StoppableIterator<Result> {
  /** The call that came last, while it has not settled. */
  private underWay: Promise<unknown> | undefined;
  /** Whether the iterator gives nothing more. */
  protected isOver = false;

  /** A result that is there now. It may throw. */
  protected abstract take(): Result | undefined;

  /** Waits until {@link take} may have a result, or sets {@link isOver}. */
  protected abstract more(): Promise<void>;

  /** Gives everything back. Called once, with the error that ended the iteration, if any. */
  protected abstract stop(): Promise<void>;

  next(): Promise<Step<Result>> {
    const { underWay } = this;
    if (underWay !== undefined) return this.serve(underWay.then(this.step, this.step));
    if (this.isOver) return Promise.resolve(DONE);
    try {
      const value = this.take();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    } catch (error) {
      return this.serve(this.fail(error));
    }
    return this.serve(this.step());
  }

  async return(): Promise<Step<Result>> {
    await this.finish();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
  }

  /** Ends the iteration. A second call does nothing. */
  protected async finish(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
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
        const value = this.take();
        if (value !== undefined) return { done: false, value };
        await this.more();
      }
      return DONE;
    } catch (error) {
      return await this.fail(error);
    }
  };

  /** Gives everything back and rejects with `error`, if `return()` has not ended the iteration before. */
  private async fail(error: unknown): Promise<Step<Result>> {
    if (this.isOver) return DONE;
    try {
      await this.finish();
    } catch {
      // The first error counts.
    }
    throw error;
  }
}
