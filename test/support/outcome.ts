/** The outcome of a promise, which can be read without waiting for it. */
export class Outcome<T> {
  value: T | undefined;
  error: unknown;
  state: 'pending' | 'resolved' | 'rejected' = 'pending';

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.state = 'resolved';
        this.value = value;
      },
      (error: unknown) => {
        this.state = 'rejected';
        this.error = error;
      },
    );
  }
}

/** Lets everything that is ready run, including chains of promise reactions. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
