import { wait } from '../base/atomics.js';
import { LONGEST_WAIT, WAITING_NOW, WAITS_CANCELLED, WAITS_SERVED } from '../base/counters.js';
import { environment } from '../base/environment.js';
import { shortLived } from '../base/short-lived.js';
import type { Allocation } from '../handles/allocation.js';
import type { OtherThreads, WaitLine } from '../waiting/wait-line.js';
import { timeoutError } from '../waiting/wait-options.js';
import type { SharedEngine } from './engine.js';
import { BLOCKING_CELL, OLDEST_CELL, SMALLEST_CELL, WAITS } from './lane.js';
import type { Sleeper } from './sleeper.js';

/** Requests from other threads what this thread's wait line waits for, and gives the line what they hand over. */
export class LineFeeder implements OtherThreads {
  private readonly engine: SharedEngine;
  private readonly line: WaitLine;
  private readonly sleeper: Sleeper;
  /** For each cell: the order that was requested; -1 for none. */
  private readonly asked = [-1, -1];
  private readonly look = shortLived((): void => this.takeIn());

  constructor(engine: SharedEngine, line: WaitLine, sleeper: Sleeper) {
    this.engine = engine;
    this.line = line;
    this.sleeper = sleeper;
    engine.takeIn = this.look;
  }

  ask(oldest: number, smallest: number): boolean {
    if (oldest < 0) this.sleeper.remove(this.look);
    else this.sleeper.add(this.look);
    // Blocks that were handed over for requests that have ended. Giving them up serves other waiters, which may call
    // `ask` again, so it comes last, when everything is requested.
    const late: number[] = [];
    const first = this.askFor(OLDEST_CELL, oldest, late);
    const second = this.askFor(SMALLEST_CELL, smallest < oldest ? smallest : -1, late);
    for (const block of late) this.engine.giveUp(block);
    return first || second;
  }

  waitCounts(): Float64Array {
    return this.engine.waitCounts();
  }

  private askFor(cell: number, order: number, late: number[]): boolean {
    const { requests } = this.engine.tools;
    if (this.asked[cell] === order) return false;
    const block = this.asked[cell] === -1 ? -1 : requests.withdraw(cell);
    if (block >= 0) late.push(block);
    this.asked[cell] = order;
    if (order < 0) return false;
    requests.post(cell, order);
    return true;
  }

  private takeIn(): void {
    for (const cell of [OLDEST_CELL, SMALLEST_CELL]) {
      const block = this.engine.tools.requests.take(cell);
      if (block < 0) continue;
      const order = this.asked[cell] as number;
      this.asked[cell] = -1;
      this.engine.offer(block, order);
      this.line.offered(order);
      this.engine.endOffer();
    }
    if (this.engine.closed) this.line.close();
  }
}

/**
 * Claims a block of `order` with `capacity` visible bytes. The thread sleeps until there is one.
 * @param timeout ms; undefined waits without a limit
 * @throws AllocError ARENA_CLOSED when the arena is closed; a DOMException named TimeoutError when the time is up;
 *   TypeError when it would have to wait and the thread must not block
 */
export function claimBlocking(
  engine: SharedEngine,
  sleeper: Sleeper,
  order: number,
  capacity: number,
  timeout: number | undefined,
): Allocation {
  const record = engine.claimOrWait(order, capacity);
  if (record !== undefined) return record;
  checkMayBlock();
  return counted(engine, () => sleepUntilServed(engine, sleeper, order, capacity, timeout));
}

/** Runs `wait`, and counts it among the waits of this thread. */
function counted(engine: SharedEngine, wait: () => Allocation): Allocation {
  const { counters } = engine.tools.lane;
  const count = (counter: number, change: number): void => {
    counters[WAITS + counter] = (counters[WAITS + counter] as number) + change;
  };
  const start = environment.now();
  count(WAITING_NOW, 1);
  try {
    const record = wait();
    count(WAITS_SERVED, 1);
    return record;
  } catch (error) {
    count(WAITS_CANCELLED, 1);
    throw error;
  } finally {
    count(WAITING_NOW, -1);
    counters[WAITS + LONGEST_WAIT] = Math.max(counters[WAITS + LONGEST_WAIT] as number, environment.now() - start);
  }
}

function sleepUntilServed(
  engine: SharedEngine,
  sleeper: Sleeper,
  order: number,
  capacity: number,
  timeout: number | undefined,
): Allocation {
  const { requests } = engine.tools;
  const deadline = environment.now() + (timeout ?? Number.POSITIVE_INFINITY);
  let wakes = sleeper.wakes;
  requests.post(BLOCKING_CELL, order);
  // This thread may hold memory that it can do without, and cannot be asked for it while it sleeps.
  engine.pressure.relieve(() => false);
  for (;;) {
    const block = requests.take(BLOCKING_CELL);
    if (block >= 0) return engine.newRecord(block, order, capacity);
    const found = claimUnlessClosed(engine, order, capacity);
    const left = deadline - environment.now();
    if (found !== undefined || engine.closed || left <= 0) {
      const late = requests.withdraw(BLOCKING_CELL);
      if (found === undefined && late >= 0) return engine.newRecord(late, order, capacity);
      if (late >= 0) engine.giveUp(late);
      if (found !== undefined) return found;
      if (engine.closed) throw engine.refusal('ARENA_CLOSED');
      throw timeoutError('no memory came free', timeout ?? 0);
    }
    sleeper.sleep(wakes, left);
    wakes = sleeper.wakes;
  }
}

function claimUnlessClosed(engine: SharedEngine, order: number, capacity: number): Allocation | undefined {
  try {
    return engine.claimOrWait(order, capacity);
  } catch (error) {
    if (engine.closed) return undefined;
    throw error;
  }
}

let mayBlock = false;

/** Checks that this thread may block. @throws TypeError when it must not: the main thread of a page */
export function checkMayBlock(): void {
  if (mayBlock) return;
  try {
    wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
  } catch (cause) {
    throw new TypeError('this thread must not block: use the asynchronous method instead', { cause });
  }
  mayBlock = true;
}
