import { add, compareExchange, load, store } from '../base/atomics.js';
import { ALLOCATIONS_OK } from '../base/counters.js';
import type { SharedBlocks } from './blocks.js';
import { ARRIVALS, type Control, WAITING } from './control.js';
import { holdersWord } from './holders.js';
import { CELL, CELLS, type Lane, OWNED } from './lane.js';
import { UNITS_CLAIMED } from './lane-counters.js';

// The state of a cell, in its two lowest bits. Above them: the order that is waited for and a number that no other request
// of this cell had lately; or the block that was granted.
const EMPTY = 0;
const WAITING_FOR = 1;
const GRANTED = 2;
const STATE_BITS = 2;
const ORDER_BITS = 5;

/** Requests of threads for memory that others are to hand over (docs/threads.md, T10). */
export class Requests {
  private readonly control: Control;
  private readonly words: Int32Array;
  private readonly lane: Lane;
  private readonly blocks: SharedBlocks;
  /** Index of the holders of unit 0. */
  private readonly holders: number;
  private sequence = 0;

  constructor(control: Control, lane: Lane, blocks: SharedBlocks) {
    this.control = control;
    this.words = control.words;
    this.lane = lane;
    this.blocks = blocks;
    this.holders = control.holders;
  }

  /** Asks for a block of the order. Whoever asks tries to claim again afterwards, and only then sleeps. */
  post(cell: number, order: number): void {
    const at = this.lane.start + CELL + 2 * cell;
    this.sequence = (this.sequence + 1) & 0x1ff_ffff;
    this.words[at + 1] = add(this.words, ARRIVALS, 1);
    store(this.words, at, (((this.sequence << ORDER_BITS) | order) << STATE_BITS) | WAITING_FOR);
    store(this.words, WAITING, 1);
  }

  /** The block that was granted, which this thread then holds; -1 for none. */
  take(cell: number): number {
    const at = this.lane.start + CELL + 2 * cell;
    const state = load(this.words, at);
    if ((state & 3) !== GRANTED) return -1;
    const block = state >>> STATE_BITS;
    // Straight line. Nobody else changes a cell that was granted.
    this.lane.holds[block] = 1;
    this.words[at] = EMPTY;
    return block;
  }

  /** Asks no longer. @returns the block that had been granted by then, which this thread holds; -1 for none */
  withdraw(cell: number): number {
    const at = this.lane.start + CELL + 2 * cell;
    const state = load(this.words, at);
    if ((state & 3) === WAITING_FOR && compareExchange(this.words, at, state, EMPTY) === state) return -1;
    return this.take(cell);
  }

  /** Whether somebody may wait. To be asked after memory came free. */
  get isAwaited(): boolean {
    return load(this.words, WAITING) !== 0;
  }

  /**
   * Hands the block that this thread owns to the one that has waited longest, if that is what he needs: it is never free, so nobody
   * can come before him.
   */
  handOver(block: number, order: number): boolean {
    // A plain read: who comes too late here is found after the block was freed.
    if (this.words[WAITING] === 0) return false;
    const at = this.oldest(this.blocks.maxOrder + 1);
    if (at < 0) return false;
    const state = load(this.words, at);
    return (state & 3) === WAITING_FOR && orderIn(state) === order && this.grant(at, state, block, order);
  }

  /**
   * Hands free memory to those who wait, the oldest first, for as long as any can be had. A single scan for each is
   * enough: whoever makes memory findable serves after it.
   */
  serve(): void {
    const { words, blocks } = this;
    let tooLarge = blocks.maxOrder + 1;
    while (load(words, WAITING) !== 0) {
      const at = this.oldest(tooLarge);
      if (at < 0) {
        // Somebody is to be served another time, or nobody waits: then he who comes meanwhile has set the flag before we look again.
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
        // It may have been the missing half of a larger one.
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

  /** Index of the cell that has waited longest of those that need an order below `limit`; -1 for none. */
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
