import { load, store } from '../base/atomics.js';
import {
  ALLOCATIONS_FAILED,
  ALLOCATIONS_OK,
  FREES,
  FROZEN,
  LEAKS_PINNED,
  LEAKS_RECLAIMED,
  LONGEST_WAIT,
  SPILLS,
  WAIT_COUNTERS,
  WAITING_NOW,
} from '../base/counters.js';
import { doNothing } from '../base/do-nothing.js';
import { type ArenaMetrics, Engine, type ThreadFigures } from '../engine/engine.js';
import type { Allocation, Delivery, Parcel } from '../handles/allocation.js';
import type { Ticket } from '../handles/tickets.js';
import type { Memory } from '../memory/memory.js';
import type { SharedBlocks } from './blocks.js';
import { CLOSED } from './control.js';
import type { Holdings } from './holdings.js';
import {
  COALESCES,
  isActive,
  LANE_COUNTERS,
  LANE_FREE,
  SPLITS,
  STATE,
  UNITS_CLAIMED,
  UNITS_FREED,
  WAITS,
} from './lane.js';
import type { Tools } from './recovery.js';
import type { Requests } from './requests.js';

/**
 * The engine of one thread in a shared arena. Handles, records and the collector's backstop belong to the thread, as in
 * {@link Engine}. What happens to a block when its last handle in this thread goes away depends on all threads
 * together: the last holder in any thread frees it.
 */
export class SharedEngine extends Engine {
  readonly tools: Tools;
  private readonly words: Int32Array;
  private readonly sharedBlocks: SharedBlocks;
  private readonly holdings: Holdings;
  private readonly requests: Requests;
  /** A block that another thread handed over and no caller here has taken yet. This thread holds it. -1 for none. */
  private offeredBlock = -1;
  private offeredOrder = 0;
  private detached = false;
  /** Whether this thread has given its lane back: the lane may belong to another thread by now. */
  private hasLeft = false;
  /** Gives this thread's wait line the blocks that other threads handed over for it. */
  takeIn: () => void = doNothing;

  constructor(tools: Tools, memory: Memory) {
    const { control, blocks, lane } = tools;
    const { unit, units, base, zeroes, spills } = control.plan;
    const { warmed } = control;
    super({ memory, blocks, unit, units, base, zeroes, warmed, spills, dealloc: undefined }, lane.counters);
    this.tools = tools;
    this.words = control.words;
    this.sharedBlocks = blocks;
    this.holdings = tools.holdings;
    this.requests = tools.requests;
  }

  override claim(order: number, capacity: number): Allocation | undefined {
    const record = this.claimOrWait(order, capacity);
    if (record === undefined) this.countFailure('ARENA_FULL', capacity);
    return record;
  }

  override claimOrWait(order: number, capacity: number): Allocation | undefined {
    const { sharedBlocks: blocks, holdings } = this;
    if (this.isClosed || this.words[CLOSED] !== 0) throw this.refusal('ARENA_CLOSED');
    if (this.offeredBlock >= 0 && this.offeredOrder === order) return this.takeOffered(capacity);
    const block = blocks.claim(order);
    if (block >= 0) holdings.adopt(block, order);
    if (blocks.revealed) this.serve();
    return block < 0 ? undefined : this.newRecord(block, order, capacity);
  }

  override release(record: Allocation): void {
    const { trace } = record;
    trace.lent = false;
    const freedOrder = this.holdings.drop(trace.block, trace.order, record.dirtyEnd - record.offset);
    this.keepRecord(record);
    this.released(freedOrder);
  }

  override isSoleHolder(record: Allocation): boolean {
    return record.holders === 1 && this.holdings.isSole(record.trace.block);
  }

  override parcel(record: Allocation, offset: number, length: number): Parcel {
    return { engine: this, block: record.trace.block, start: offset - record.offset, length };
  }

  override issueTicket(record: Allocation, offset: number, length: number): Ticket {
    const { control, messages } = this.tools;
    const message = messages.write(this.parcel(record, offset, length), record.holders === 1);
    return Object.freeze({
      type: 'arena-alligator/ticket',
      arena: control.id,
      message,
      state: messages.issue(message),
    });
  }

  override get closed(): boolean {
    return this.isClosed || load(this.tools.control.words, CLOSED) !== 0;
  }

  /** Closes the arena in all threads. */
  override close(): void {
    super.close();
    store(this.tools.control.words, CLOSED, 1);
    this.tools.control.wakeAll();
  }

  override largestFreeOrder(): number {
    if (!this.hasLeft) this.settle();
    return this.tools.blocks.largestFreeOrder();
  }

  /**
   * The sums over all threads that were ever attached. The counters are read one after the other, so the sums are exact
   * when no thread is at work.
   */
  override metrics(): ArenaMetrics {
    const sums = this.sums();
    const sum = (counter: number): number => sums[counter] as number;
    return {
      allocationsOk: sum(ALLOCATIONS_OK),
      allocationsFailed: sum(ALLOCATIONS_FAILED),
      frees: sum(FREES),
      frozen: sum(FROZEN),
      spills: sum(SPILLS),
      bytesReserved: this.bytesReserved,
      bytesLive: (sum(UNITS_CLAIMED) - sum(UNITS_FREED)) * this.unit,
      leaksReclaimed: sum(LEAKS_RECLAIMED),
      leaksPinned: sum(LEAKS_PINNED),
    };
  }

  get splits(): number {
    return this.sums()[SPLITS] as number;
  }

  get coalesces(): number {
    return this.sums()[COALESCES] as number;
  }

  /** As `OtherThreads.waitCounts`. */
  waitCounts(): Float64Array {
    const counts = this.sums().slice(WAITS, WAITS + WAIT_COUNTERS);
    const { control } = this.tools;
    let longest = 0;
    for (let number = 0; number < control.lanesUsed; number++) {
      longest = Math.max(longest, control.lane(number).counters[WAITS + LONGEST_WAIT] as number);
    }
    counts[LONGEST_WAIT] = longest;
    return counts;
  }

  override threads(): readonly ThreadFigures[] {
    const { control } = this.tools;
    const found: ThreadFigures[] = [];
    for (let number = 0; number < control.lanesUsed; number++) {
      const { start, counters } = control.lane(number);
      const state = load(control.words, start + STATE);
      if (!isActive(state)) continue;
      const count = (counter: number): number => counters[counter] as number;
      found.push({
        threadId: state >>> 2,
        allocationsOk: count(ALLOCATIONS_OK),
        frees: count(FREES),
        waiting: count(WAITS + WAITING_NOW),
      });
    }
    return found;
  }

  private sums(): Float64Array {
    const { control } = this.tools;
    const sums = new Float64Array(LANE_COUNTERS);
    for (let number = 0; number < control.lanesUsed; number++) {
      const { counters } = control.lane(number);
      for (let counter = 0; counter < LANE_COUNTERS; counter++) {
        sums[counter] = (sums[counter] as number) + (counters[counter] as number);
      }
    }
    return sums;
  }

  /**
   * Closes resting words, which merges their blocks, and serves waiters. A block that no waiter took may rest again, so
   * this repeats until no word rests.
   */
  private settle(): void {
    const { blocks } = this.tools;
    for (blocks.closeResting(); blocks.revealed; blocks.closeResting()) this.serve();
  }

  /** Hands free memory to waiters in any thread. */
  serve(): void {
    const { requests, blocks } = this.tools;
    blocks.revealed = false;
    if (requests.isAwaited) requests.serve();
  }

  /** Makes {@link claimOrWait} return this block, which the thread holds, to the next request for its order. */
  offer(block: number, order: number): void {
    this.offeredBlock = block;
    this.offeredOrder = order;
  }

  /** Gives the offered block back if no caller has taken it. */
  endOffer(): void {
    const block = this.offeredBlock;
    this.offeredBlock = -1;
    if (block >= 0) this.giveUp(block);
  }

  /** Drops this thread's hold on a block that has no record here. */
  giveUp(block: number): void {
    this.released(this.holdings.dropAll(block));
  }

  /**
   * Makes the record of a block that arrived with a message. This thread does not know what other threads wrote, so all
   * of the block counts as written.
   */
  arrived({ block }: Delivery): Allocation {
    const order = this.holdings.orderOf(block);
    const record = this.recordOf(block, order, this.unit * (1 << order));
    record.dirtyEnd = record.limit;
    return record;
  }

  /** The last handle here left with a message, which took over the hold: nothing is released. */
  override departed(record: Allocation): void {
    record.trace.lent = false;
    this.keepRecord(record);
    if (this.detached) this.leaveIfEmpty();
  }

  /** Refuses new allocations in this thread only. */
  closeHere(): void {
    super.close();
  }

  /** Gives the lane back as soon as the last handle here is released. All waits here must have ended before. */
  leave(): void {
    this.detached = true;
    this.leaveIfEmpty();
  }

  protected override recoverBlock(block: number): number {
    this.giveUp(block);
    return -1; // giveUp() has already done everything that follows a release
  }

  private takeOffered(capacity: number): Allocation {
    const block = this.offeredBlock;
    this.offeredBlock = -1;
    return this.newRecord(block, this.offeredOrder, capacity);
  }

  /** Makes the record of a block that this thread holds for a request. */
  newRecord(block: number, order: number, capacity: number): Allocation {
    if (this.warmed !== undefined) this.warm(this.warmed, block, order);
    return this.recordOf(block, order, capacity);
  }

  private released(freedOrder: number): void {
    if (freedOrder >= 0 && this.requests.isAwaited) this.requests.serve();
    if (this.afterRelease !== undefined) {
      // A block that was handed to this thread itself goes to its waiter within this call.
      this.takeIn();
      if (freedOrder >= 0) this.afterRelease?.(freedOrder);
    }
    if (this.detached) this.leaveIfEmpty();
  }

  private leaveIfEmpty(): void {
    const { control, lane } = this.tools;
    if (!lane.holds.every((count) => count === 0)) return;
    this.detached = false;
    this.settle();
    this.hasLeft = true;
    this.tools.messages.disown();
    // From here on the lane's counters belong to another thread, so this thread counts in its own memory.
    this.counters = new Float64Array(LANE_COUNTERS);
    store(control.words, lane.start + STATE, LANE_FREE);
    control.wakeAll();
  }
}
