import { shortLived } from '../base/short-lived.js';
import { Answers, DONE } from './answers.js';
import type { StoppableIterator } from './stoppable.js';

/**
 * An iterator that answers at once when it can: a result that is there is a promise that is already resolved. A call
 * that waits makes one promise. An async function or generator makes several for each result: a server of 256 KiB
 * bodies made 1.7 times the garbage of Node's own iterator with them, and 1.1 times without (Node 20, one machine).
 * Calls are served in their order.
 */
export abstract class SteppedIterator<Result> implements StoppableIterator<Result> {
  private readonly answers = new Answers<Result>();
  /** Whether {@link more} is under way, or {@link stop} after an error. */
  private isBusy = false;
  /** Whether an error waits to be told until everything was given back. */
  private isFailing = false;
  /** Settles when everything was given back. */
  private stopping: Promise<void> | undefined;
  /** Whether the iterator gives nothing more. */
  protected isOver = false;

  /** A result that is there now. It may throw. */
  protected abstract take(): Result | undefined;

  /**
   * Gets what {@link take} needs for a result, or sets {@link isOver}.
   * @returns a promise, or undefined when {@link advance} will be called
   */
  protected abstract more(): Promise<void> | undefined;

  /** Gives everything back. Called once, with the error that ended the iteration, if any. */
  protected abstract stop(): Promise<void>;

  next(): Promise<IteratorResult<Result, undefined>> {
    const { answers } = this;
    if (!answers.areAwaited) {
      if (this.isOver && !this.isFailing) return Promise.resolve(DONE);
      const value = this.isFailing ? undefined : this.tryTake();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    }
    const answer = answers.ask();
    this.advance();
    return answer;
  }

  async return(): Promise<IteratorResult<Result, undefined>> {
    try {
      await this.finish();
    } finally {
      if (!this.isFailing) this.answers.end();
    }
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Answers the calls that wait, as far as there are results. */
  protected readonly advance: () => void = shortLived((): void => {
    const { answers } = this;
    while (!this.isBusy && answers.areAwaited) {
      if (this.isOver) {
        answers.end();
        return;
      }
      const value = this.tryTake();
      if (value !== undefined) answers.give(value);
      else if (!this.isOver && !this.isBusy) {
        const more = this.more();
        if (more === undefined) return;
        this.isBusy = true;
        more.then(this.onMore, this.onFailure);
      }
    }
  });

  /** Ends the iteration. Every call waits until everything was given back. */
  protected finish(): Promise<void> {
    // A source that has ended by itself has given everything back.
    if (this.isOver && this.stopping === undefined) return Promise.resolve();
    this.isOver = true;
    this.stopping ??= this.stop();
    return this.stopping;
  }

  private tryTake(): Result | undefined {
    try {
      return this.take();
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  private readonly onMore = shortLived((): void => {
    this.isBusy = false;
    this.advance();
  });

  private readonly onFailure = shortLived((error: unknown): void => {
    this.isBusy = false;
    this.fail(error);
  });

  /** Gives everything back, and then rejects the oldest call with `error`, unless `return()` came before. */
  private fail(error: unknown): void {
    if (this.isOver) {
      this.advance();
      return;
    }
    this.answers.fail(error);
    this.isFailing = true;
    this.isBusy = true;
    const onStopped = (): void => {
      this.isFailing = false;
      this.onMore();
    };
    this.finish().then(onStopped, onStopped); // the first error counts
  }
}
