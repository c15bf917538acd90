import { checkFunction, describe } from '../base/check.js';

/** One request that waits for memory, as a strategy sees it. */
export interface WaitingRequest {
  /**
   * Takes the memory for this request now and resolves its promise.
   * @returns whether it could be had; false too for a request that no longer waits
   */
  claim(): boolean;
  /**
   * Sets a region aside for this request, which gets it when all of that has come free. For requests too large for
   * what comes free; one at a time, and for 100 ms at most (each time twice as long, up to 10 s), with pauses as long.
   * Does nothing for slots and the smallest blocks, which everything that comes free can serve.
   * @returns whether it has a region now, or was served at once
   */
  reserve(): boolean;
}

/** A place in a strategy's line. */
export interface WaitRegistration {
  /**
   * Joins the line. A strategy that keeps `request` and calls its `claim()` in `wake` hands memory over in that very
   * call; one that ignores it and resolves {@link woken} only gives a hint to try again.
   */
  prepare(request?: WaitingRequest): void;
  /** Leaves the line: the request was served or gave up. Does nothing when it has left already. */
  revoke(): void;
  /** Resolves when it is this one's turn. Never rejects; need not ever settle after {@link revoke}. */
  readonly woken: Promise<void>;
}

/** Who waits for a fixed arena, and who is next. */
export interface Waiter {
  register(): WaitRegistration;
  /** A slot has come free: wake one. */
  wake(): void;
}

/** Who waits for a buddy arena, and who is next. A block of order `k` has `minBlockSize * 2 ** k` bytes. */
export interface BuddyWaiter {
  /** @param order of the block that the request needs */
  register(order: number): WaitRegistration;
  /** A block of `freedOrder`, all merging done, has come free: it serves one request of that order, or several smaller ones. */
  wake(freedOrder: number): void;
}

/** @throws TypeError unless `strategy` has the methods of one. */
export function checkStrategy<Strategy extends Waiter | BuddyWaiter>(strategy: Strategy): Strategy {
  if (typeof strategy !== 'object' || strategy === null) {
    throw new TypeError(`waiters must be an object, got ${describe(strategy)}`);
  }
  checkFunction(strategy.register, 'waiters.register');
  checkFunction(strategy.wake, 'waiters.wake');
  return strategy;
}
