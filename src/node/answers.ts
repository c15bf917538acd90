interface Asked<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(reason: unknown): void;
}

const DONE: IteratorResult<never, undefined> = { done: true, value: undefined };

/**
 * Who called `next()` and waits for an answer, first in, first out.
 *
 * For iterators by hand: async generators make three times the garbage, and what feeds from files and sockets has to stay
 * far below what streams cost the collector.
 */
export class Answers<T> {
  private readonly asked: Asked<T>[] = [];
  private failure: { readonly reason: unknown } | undefined;

  ask(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.asked.push({ resolve, reject });
    });
  }

  get areAwaited(): boolean {
    return this.asked.length > 0;
  }

  /** Answers who asked first. */
  give(value: T): void {
    this.asked.shift()?.resolve({ done: false, value });
  }

  /** Notes why it ended, for who asked first or asks next; the first reason counts. */
  fail(reason: unknown): void {
    this.failure ??= { reason };
  }

  forgetFailure(): void {
    this.failure = undefined;
  }

  /** Answers everybody that this is the end, the first with the failure. */
  end(): void {
    for (const { resolve, reject } of this.asked.splice(0)) {
      const { failure } = this;
      this.failure = undefined;
      if (failure === undefined) resolve(DONE);
      else reject(failure.reason);
    }
  }
}
