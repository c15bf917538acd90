import { checkFunction, describe } from '../base/check.js';

/** A request that waits for memory, as a strategy sees it. */
export interface WaitingRequest {
  /**
   * Claims the memory for this request now and resolves its promise.
   * @returns whether the memory was free; false also for a request that no longer waits
   */
  claim(): boolean;
  /**
   * Sets a region aside for this request, which gets the region when all of it has come free. Use it for a request that
   * is larger than the blocks that come free. There is one region at a time. It ends after 100 ms if it is not whole,
   * and the request can have no new one for just as long. Each new region of a request lasts twice as long, up to 10 s.
   * Does nothing for slots and the smallest blocks, because every block that comes free can serve those.
   * @returns whether the request has a region now, or was served at once
   */
  reserve(): boolean;
}

/** A place in a strategy's line. */
export interface WaitRegistration {
  /**
   * Joins the line. A strategy that keeps `request` and calls its `claim()` in `wake` hands the memory over in that
   * call. A strategy that ignores `request` and resolves {@link woken} only gives a hint: the request tries again.
   */
  prepare(request?: WaitingRequest): void;
  /** Leaves the line, because the request was served or cancelled. Does nothing if it has already left. */
  revoke(): void;
  /** Resolves when it is this request's turn. Must not reject. After {@link revoke} it may stay pending for ever. */
  readonly woken: Promise<void>;
}

/** A strategy for the requests that wait for a fixed arena: it keeps them and decides which one is next. */
export interface Waiter {
  register(): WaitRegistration;
  /** Wakes one request, because a slot has come free. */
  wake(): void;
}

/**
 * A strategy for the requests that wait for a buddy arena: it keeps them and decides which one is next. A block of
 * order `k` has `minBlockSize * 2 ** k` bytes.
 */
export interface BuddyWaiter {
  /** @param order of the block that the request needs */
  register(order: number): WaitRegistration;
  /**
   * Wakes requests, because a block of order `freedOrder` has come free, after all coalescing. It serves one request of
   * that order, or several smaller ones.
   */
  wake(freedOrder: number): void;
}

/** Checks a strategy and returns it. @throws TypeError unless it is an object with the methods `register` and `wake` */
export function checkStrategy<Strategy extends Waiter | BuddyWaiter>(strategy: Strategy): Strategy {
  if (typeof strategy !== 'object' || strategy === null) {
    throw new TypeError(`waiters must be an object, got ${describe(strategy)}`);
  }
  checkFunction(strategy.register, 'waiters.register');
  checkFunction(strategy.wake, 'waiters.wake');
  return strategy;
}
