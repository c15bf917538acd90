import { add } from '../base/atomics.js';
import { ALLOCATIONS_OK, FREES } from '../base/counters.js';
import type { Memory } from '../memory/memory.js';
import type { SharedBlocks } from './blocks.js';
import { blockOrder, type Control, holderCount, holdersWord } from './control.js';
import { type Lane, ORDER, OWNED, UNITS_CLAIMED, UNITS_FREED } from './lane.js';
import type { Requests } from './requests.js';

/**
 * The blocks in use that this thread holds, and how it takes and drops its holds (docs/threads.md, T2 to T4).
 *
 * The comment "Straight line." marks plain stores that follow an atomic operation or each other directly: no call and
 * no loop may come in between.
 */
export class Holdings {
  private readonly words: Int32Array;
  /** Index of the holders word of unit 0. */
  private readonly holders: number;
  private readonly lane: Int32Array;
  private readonly holds: Int32Array;
  private readonly counters: Float64Array;
  private readonly blocks: SharedBlocks;
  private readonly requests: Requests;
  /** The memory to scrub; undefined without the zero policy. */
  private readonly scrubbed: Memory | undefined;
  /** Size of a unit, and offset of the first unit in the memory, in bytes. */
  private readonly unit: number;
  private readonly base: number;

  constructor(control: Control, lane: Lane, blocks: SharedBlocks, requests: Requests, memory: Memory) {
    this.words = control.words;
    this.holders = control.holders;
    this.lane = lane.words;
    this.holds = lane.holds;
    this.counters = lane.counters;
    this.blocks = blocks;
    this.requests = requests;
    this.scrubbed = control.plan.zeroes ? memory : undefined;
    this.unit = control.plan.unit;
    this.base = control.plan.base;
  }

  /** Turns the block that the lane owns into a block in use, with this thread as its holder. */
  adopt(block: number, order: number): void {
    const { lane, counters } = this;
    this.words[this.holders + block] = holdersWord(order, 1);
    // Straight line.
    this.holds[block] = 1;
    counters[ALLOCATIONS_OK] = (counters[ALLOCATIONS_OK] as number) + 1;
    counters[UNITS_CLAIMED] = (counters[UNITS_CLAIMED] as number) + (1 << order);
    lane[OWNED] = 0;
  }

  orderOf(block: number): number {
    return blockOrder(this.words[this.holders + block] as number);
  }

  /**
   * Whether this thread, which holds the block, is its only holder. A plain read is enough: only holders can raise the
   * count, so a value of 1 is right. A larger value that is stale only makes the answer false.
   */
  isSole(block: number): boolean {
    return holderCount(this.words[this.holders + block] as number) === 1;
  }

  /** Counts one more holder, which is not this thread. */
  share(block: number): void {
    add(this.words, this.holders + block, 1);
  }

  /**
   * Drops one of this thread's holds on the block. The last holder frees the block. Under the zero policy it scrubs the
   * first `dirty` bytes before that.
   * @returns the order of the free block that the block is now part of; -1 while there are other holders, or when the
   *   block was handed over to a waiter
   */
  drop(block: number, order: number, dirty: number): number {
    const { words, lane, holds, counters } = this;
    const at = this.holders + block;
    const last = holdersWord(order, 1);
    if (words[at] !== last) {
      const before = add(words, at, -1);
      // Straight line. Either there are other holders, or all others have left and this thread is the only one again.
      if (before !== last) {
        holds[block] = (holds[block] as number) - 1;
        return -1;
      }
      words[at] = before;
    }
    if (this.scrubbed !== undefined && dirty > 0) {
      const offset = this.base + block * this.unit;
      this.scrubbed.zero(offset, offset + dirty);
    }
    // Straight line.
    holds[block] = 0;
    lane[OWNED] = block + 1;
    lane[ORDER] = order;
    counters[FREES] = (counters[FREES] as number) + 1;
    counters[UNITS_FREED] = (counters[UNITS_FREED] as number) + (1 << order);
    return this.requests.handOver(block, order) ? -1 : this.blocks.release(block, order);
  }

  /** As {@link drop}, for a block whose content is not known: all of it counts as dirty. */
  dropAll(block: number): number {
    const order = this.orderOf(block);
    return this.drop(block, order, this.unit * (1 << order));
  }
}
