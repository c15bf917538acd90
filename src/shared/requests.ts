import { add, compareExchange, load, store } from '../base/atomics.js';
import { ALLOCATIONS_OK } from '../base/counters.js';
import type { SharedBlocks } from './blocks.js';
import { ARRIVALS, type Control, holdersWord, WAITING } from './control.js';
import { CELL, CELLS, type Lane, OWNED, UNITS_CLAIMED } from './lane.js';

// The two lowest bits of a cell are its state. The bits above are the order that the request waits for and a number
// that no other recent request of this cell had; or the block that was granted.
const EMPTY = 0;
const WAITING_FOR = 1;
const GRANTED = 2;
const STATE_BITS = 2;
const ORDER_BITS = 5;

/** Requests of threads for memory that other threads hand over (docs/threads.md, T10). */
export class Requests {
  private readonly control: Control;
  private readonly words: Int32Array;
  private readonly lane: Lane;
  private readonly blocks: SharedBlocks;
  /** Index of the holders word of unit 0. */
  private readonly holders: number;
  private sequence = 0;

  constructor(control: Control, lane: Lane, blocks: SharedBlocks) {
    this.control = control;
    this.words = control.words;
    this.lane = lane;
    this.blocks = blocks;
    this.holders = control.holders;
  }

  /** Requests a block of the order. After that the caller must try to claim again, and only then may sleep. */
  post(cell: number, order: number): void {
    const at = this.lane.start + CELL + 2 * cell;
    this.sequence = (this.sequence + 1) & 0x1ff_ffff;
    this.words[at + 1] = add(this.words, ARRIVALS, 1);
    store(this.words, at, (((this.sequence << ORDER_BITS) | order) << STATE_BITS) | WAITING_FOR);
    store(this.words, WAITING, 1);
  }

  /** Takes the block that was granted, which this thread then holds; -1 for none. */
  take(cell: number): number {
    const at = this.lane.start + CELL + 2 * cell;
    const state = load(this.words, at);
    if ((state & 3) !== GRANTED) return -1;
    const block = state >>> STATE_BITS;
    // Straight line. No other thread changes a cell that was granted.
    this.lane.holds[block] = 1;
    this.words[at] = EMPTY;
    return block;
  }

  /**
   * Withdraws the request.
   * @returns the block that had been granted by then, which this thread then holds; -1 for none
   */
  withdraw(cell: number): number {
    const at = this.lane.start + CELL + 2 * cell;
    const state = load(this.words, at);
    if ((state & 3) === WAITING_FOR && compareExchange(this.words, at, state, EMPTY) === state) return -1;
    return this.take(cell);
  }

  /** Whether a thread may be waiting. Read it after memory has come free. */
  get isAwaited(): boolean {
    return load(this.words, WAITING) !== 0;
  }

  /**
   * Hands the block that this thread owns to the waiter that has waited longest, if that waiter needs exactly this
   * order. The block is never free in between, so no other thread can take it first.
   */
  handOver(block: number, order: number): boolean {
    // A plain read is enough: a waiter that comes too late to be seen here is found after the block was freed.
    if (this.words[WAITING] === 0) return false;
    const at = this.oldest(this.blocks.maxOrder + 1);
    if (at < 0) return false;
    const state = load(this.words, at);
    return (state & 3) === WAITING_FOR && orderIn(state) === order && this.grant(at, state, block, order);
  }

  /**
   * Hands free memory to waiters, the oldest first, as long as a waiter's request fits. One scan for each waiter is
   * enough: a thread that makes memory findable serves waiters afterwards.
   */
  serve(): void {
    const { words, blocks } = this;
    let tooLarge = blocks.maxOrder + 1;
    while (load(words, WAITING) !== 0) {
      const at = this.oldest(tooLarge);
      if (at < 0) {
        // Either the remaining waiters must be served another time, or there is no waiter. If there is none, clear the
        // flag and look again: a waiter whose flag was cleared here had posted its cell before.
        if (this.oldest(blocks.maxOrder + 1) >= 0) return;
        store(words, WAITING, 0);
        if (this.oldest(blocks.maxOrder + 1) < 0) return;
        store(words, WAITING, 1);
        tooLarge = blocks.maxOrder + 1;
        continue;
      }
      const state = load(words, at);
      if ((state & 3) !== WAITING_FOR) continue;
      const order = orderIn(state);
      const block = blocks.claimClosing(order);
      if (block < 0) tooLarge = order;
      else if (!this.grant(at, state, block, order)) {
        blocks.release(block, order);
        // The block may have been the missing half of a larger one.
        tooLarge = blocks.maxOrder + 1;
      }
      if (blocks.revealed) tooLarge = blocks.maxOrder + 1;
      blocks.revealed = false;
    }
  }

  private grant(at: number, state: number, block: number, order: number): boolean {
    const { words, lane: own } = this;
    const { words: lane, counters } = own;
    words[this.holders + block] = holdersWord(order, 1);
    if (compareExchange(words, at, state, (block << STATE_BITS) | GRANTED) !== state) return false;
    // Straight line.
    lane[OWNED] = 0;
    counters[ALLOCATIONS_OK] = (counters[ALLOCATIONS_OK] as number) + 1;
    counters[UNITS_CLAIMED] = (counters[UNITS_CLAIMED] as number) + (1 << order);
    this.control.wake(this.control.laneOf(at));
    return true;
  }

  /** Index of the cell that has waited longest among those that need an order below `limit`; -1 for none. */
  private oldest(limit: number): number {
    let found = -1;
    let arrival = 0;
    const used = this.control.lanesUsed;
    for (let number = 0; number < used; number++) {
      for (let cell = 0; cell < CELLS; cell++) {
        const at = this.control.laneWord(number, CELL + 2 * cell);
        const state = load(this.words, at);
        if ((state & 3) !== WAITING_FOR || orderIn(state) >= limit) continue;
        const since = this.words[at + 1] as number;
        if (found >= 0 && ((since - arrival) | 0) > 0) continue;
        found = at;
        arrival = since;
      }
    }
    return found;
  }
}

function orderIn(state: number): number {
  return (state >>> STATE_BITS) & ((1 << ORDER_BITS) - 1);
}
