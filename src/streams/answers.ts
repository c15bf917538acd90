interface Asked<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(reason: unknown): void;
}

/** The result at the end. */
export const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/**
 * The `next()` calls that wait for an answer, first in, first out.
 *
 * It serves iterators that are written by hand. An async generator makes three times the garbage, and the adapters for
 * files and sockets must cost the garbage collector far less than Node's streams do.
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

  /** Answers the oldest waiting call. */
  give(value: T): void {
    this.asked.shift()?.resolve({ done: false, value });
  }

  /** Stores a failure, with which `end()` rejects the oldest waiting call. Only the first failure counts. */
  fail(reason: unknown): void {
    this.failure ??= { reason };
  }

  forgetFailure(): void {
    this.failure = undefined;
  }

  /** Answers all waiting calls with `done`. If there is a failure, the oldest call is rejected with it instead. */
  end(): void {
    for (const { resolve, reject } of this.asked.splice(0)) {
      const { failure } = this;
      this.failure = undefined;
      if (failure === undefined) resolve(DONE);
      else reject(failure.reason);
    }
  }
}
