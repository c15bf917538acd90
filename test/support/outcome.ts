/** What became of a promise, to be looked at without waiting for it. */
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

/** Lets everything that is ready run: promise reactions of promise reactions included. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
