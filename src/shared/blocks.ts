import { compareExchange, load, store } from '../base/atomics.js';
import type { BlockSource } from '../blocks/block-source.js';
import { bestRun, mergedRun, RUNS, rankOf } from './bit-runs.js';
import { Hints } from './hints.js';
import { EPOCH, enter, type Lane, leave } from './lane.js';
import { type Journal, type Lanes, type Level, type TreeCounters, type TreeShape, WIDEST } from './tree.js';

// A claim that finds nothing looks again when other threads moved memory during its search, at most this often. The
// bound keeps a thread that stopped half-way from blocking others.
const RESCANS = 32;

// A hint that promises too much costs a look. A thread lowers it after it was misled MISLED times in one search, and
// otherwise at one look in LOOKS.
const MISLED = 4;
const LOOKS = 16;

// A thread leaves a word to the others after this many collisions there. Threads meet in one word when memory is tight,
// and would stay: two threads in one word take 190 ns for a claim and release, in two words 47.
const COLLISIONS = 64;

/** A value that no word has after a release. */
const NEVER = 0;

/**
 * Free blocks in shared memory. Any thread claims and releases them without a lock (docs/threads.md, T1 to T7).
 *
 * Several levels of the tree share one word, after Marotta, Ianni, Scarselli, Pellegrini and Quaglia, "A Non-blocking
 * Buddy System for Scalable Memory Allocation on Multi-core Machines" (CLUSTER 2018). Unlike there, a word says what is
 * free, and a word that is wholly free is one bit of the level above and nothing else. So nothing is marked and
 * unmarked on the way up.
 *
 * A thread writes what it takes or gives back into its lane, by plain stores directly after the compare-and-swap. No
 * call and no turn of a loop may come between them, because a thread can be stopped only there.
 */
export class SharedBlocks implements BlockSource {
  /** Set when this thread made memory visible that others may have missed. The code that serves them clears it. */
  revealed = false;
  private readonly words: Int32Array;
  private readonly levels: readonly Level[];
  private readonly hints: readonly Hints[];
  private readonly lane: Int32Array;
  private readonly counters: Float64Array;
  private readonly journal: Journal;
  private readonly counted: TreeCounters;
  private readonly lanes: Lanes;
  /** Index of a word that is not zero while a thread may wait. */
  private readonly waiting: number;
  readonly maxOrder: number;
  /** Whether there is one level of slots. It has a path of its own: claim and release take 90 ns, else 170. */
  private readonly isFlat: boolean;
  private readonly flatStart: number;
  /** By level: the word this thread claims from. The array lies in the lane. */
  private readonly current: Int32Array;
  /** By level: the word that this thread's last split opened, or -1. */
  private readonly opened: Int32Array;
  private looks = 0;
  private collisions = 0;
  /** By level: the word where this thread begins. */
  private readonly home: Int32Array;
  /** Whether the last search skipped a word because another thread claims from it. */
  private avoided = false;

  /** @param share where this thread begins in each level, from 0 to 1 */
  constructor(
    words: Int32Array,
    shape: TreeShape,
    lane: Lane,
    journal: Journal,
    counted: TreeCounters,
    lanes: Lanes,
    waiting: number,
    share: number,
  ) {
    this.words = words;
    this.levels = shape.levels;
    this.lane = lane.words;
    this.counters = lane.counters;
    this.journal = journal;
    this.counted = counted;
    this.lanes = lanes;
    this.waiting = waiting;
    this.hints = shape.levels.map(
      (level) =>
        new Hints(
          words,
          level.hints,
          level.count,
          lane.words,
          (index) => {
            lane.words[journal.at] = level.start + index + 1;
          },
          () => {
            this.revealed = true;
          },
        ),
    );
    this.current = lane.words.subarray(journal.current, journal.current + shape.levels.length);
    this.opened = new Int32Array(shape.levels.length).fill(-1);
    this.home = Int32Array.from(shape.levels, ({ count }) => Math.floor(count * share));
    this.current.set(this.home);
    const top = shape.levels[shape.levels.length - 1] as Level;
    this.maxOrder = top.childOrder + top.longest;
    this.isFlat = this.maxOrder === 0;
    this.flatStart = top.start;
  }

  /** Claims a block of the order. The lane owns it then. @returns its first unit, or -1 when there is none */
  claim(order: number): number {
    const block = this.claimOnce(order);
    return block >= 0 ? block : this.searchAgain(order);
  }

  /** Gives back the block that the lane owns. @returns the order of the free block that it is now part of */
  release(block: number, order: number): number {
    if (this.isFlat) return this.releaseSlot(block);
    // Words stay open only while nobody waits: a waiter may need the whole block.
    return this.releaseBlock(block, order, this.words[this.waiting] === 0);
  }

  private releaseSlot(slot: number): number {
    const { words, lane, journal } = this;
    const index = slot >>> WIDEST;
    const at = this.flatStart + index;
    const bit = 1 << (slot & 31);
    lane[journal.at] = at + 1;
    let word = words[at] as number;
    for (;;) {
      const seen = compareExchange(words, at, word, word | bit);
      if (seen === word) {
        lane[journal.owned] = 0;
        // A search by another thread may have missed this slot and also one that was claimed meanwhile: it must see a
        // change.
        lane[EPOCH] = (lane[EPOCH] as number) + 2;
        if (word === 0) (this.hints[0] as Hints).raise(index, 1);
        return 0;
      }
      word = seen;
    }
  }

  /** @param rests whether the words that this thread claims from stay open when they are wholly free */
  private releaseBlock(block: number, order: number, rests: boolean): number {
    const { words, lane, journal, counters, counted } = this;
    const top = this.levels.length - 1;
    let number = this.levelOf(order);
    const epoch = enter(lane);
    for (;;) {
      const level = this.levels[number] as Level;
      const { longest, childOrder, width } = level;
      const unit = block >>> childOrder;
      const index = unit >>> width;
      const run = order - childOrder;
      const bit = unit & ((1 << width) - 1);
      const bits = (RUNS[run] as number) << bit;
      const at = level.start + index;
      const whole = number < top ? level.full : NEVER;
      const above = index << (childOrder + width);
      lane[journal.at] = at + 1;
      let before = words[at] as number;
      let now = before | bits;
      let closes = false;
      for (;;) {
        // A word that is wholly free is closed, unless it rests: it becomes a block of the level above, and this thread
        // owns it.
        closes = now === whole && !(rests && this.mayRest(number, index, run));
        const merged = closes ? width : mergedRun(now, bit, run, longest);
        const seen = compareExchange(words, at, before, closes ? 0 : now);
        if (seen === before) {
          lane[journal.owned] = closes ? above + 1 : 0;
          lane[journal.order] = childOrder + merged;
          counters[counted.coalesces] = (counters[counted.coalesces] as number) + merged - run;
          order = childOrder + merged;
          break;
        }
        before = seen;
        now = before | bits;
      }
      if (!closes) {
        const rank = rankOf(now, longest);
        if (rank > rankOf(before, longest)) (this.hints[number] as Hints).raise(index, rank);
        break;
      }
      block = above;
      number++;
    }
    leave(lane, epoch);
    return order;
  }

  /**
   * Whether the word stays open: this thread claims from it. Or it opened the word because its own had no such block;
   * then it claims from this one from now on.
   */
  private mayRest(number: number, index: number, run: number): boolean {
    const { words, current } = this;
    const { start, longest } = this.levels[number] as Level;
    const own = current[number] as number;
    if (own === index) return true;
    if (this.opened[number] !== index || rankOf(words[start + own] as number, longest) > run) return false;
    // The word before is not full, so it need not be closed.
    current[number] = index;
    return true;
  }

  /**
   * Closes and merges the words that rest: wholly free, but open because a thread claims from them. A search that finds
   * nothing needs this. Other threads may have missed the memory during it.
   * @returns whether there was such a word
   */
  closeResting(): boolean {
    if (this.isFlat) return false;
    const { words, levels, lanes } = this;
    const { used } = lanes;
    let found = false;
    // From the bottom up: a word that is closed may fill the one above.
    for (let number = 0; number < levels.length - 1; number++) {
      const level = levels[number] as Level;
      for (let lane = 0; lane < used; lane++) {
        const index = lanes.currentOf(lane, number);
        if (words[level.start + index] === level.full && this.close(level, index)) found = true;
      }
    }
    if (found) this.revealed = true;
    return found;
  }

  /** @returns false when the word is no longer full; the thread that fills it again closes it */
  private close(level: Level, index: number): boolean {
    const { words, lane, journal, counters, counted } = this;
    const { full, childOrder, width, longest } = level;
    const at = level.start + index;
    const block = index << (childOrder + width);
    const order = childOrder + width;
    const merged = width - longest;
    const epoch = enter(lane);
    lane[journal.at] = at + 1;
    const seen = compareExchange(words, at, full, 0);
    if (seen === full) {
      lane[journal.owned] = block + 1;
      lane[journal.order] = order;
      counters[counted.coalesces] = (counters[counted.coalesces] as number) + merged;
      this.releaseBlock(block, order, false);
    }
    leave(lane, epoch);
    return seen === full;
  }

  /** Corrects the hints for the tree word that a dead thread was at. @param at its index in the control memory */
  heal(at: number): void {
    const number = this.levels.findIndex(({ start, count }) => at >= start && at < start + count);
    const level = this.levels[number];
    if (level === undefined) return;
    const index = at - level.start;
    this.lane[this.journal.at] = at + 1;
    (this.hints[number] as Hints).heal(index, this.rank(level, index));
  }

  /** The order of the largest free block, as the words are now: a word that rests counts as its parts. */
  largestFreeOrder(): number {
    for (let number = this.levels.length - 1; number >= 0; number--) {
      const level = this.levels[number] as Level;
      const rank = this.largestRank(level, this.hints[number] as Hints);
      if (rank > 0) return level.childOrder + rank - 1;
    }
    return -1;
  }

  private largestRank(level: Level, hints: Hints): number {
    if (level.count === 1) return this.rank(level, 0);
    for (let rank = level.longest + 1; rank > 0; rank--) {
      for (let index = hints.next(rank, 0); index >= 0; index = hints.next(rank, index + 1)) {
        if (this.rank(level, index) >= rank) return rank;
      }
    }
    return 0;
  }

  private rank(level: Level, index: number): number {
    return rankOf(load(this.words, level.start + index), level.longest);
  }

  private levelOf(order: number): number {
    let number = this.levels.length - 1;
    while (number > 0 && (this.levels[number] as Level).childOrder > order) number--;
    return number;
  }

  /** As {@link claim}, but it may miss memory that other threads move during the search. */
  claimOnce(order: number): number {
    if (order > this.maxOrder) return -1;
    if (this.isFlat) {
      const slot = this.claimSlot();
      if (slot >= 0) return slot;
    }
    const own = this.levelOf(order);
    this.avoided = false;
    const block = this.searchFor(order, own, !this.isFlat);
    return block < 0 && this.avoided ? this.searchFor(order, own, false) : block;
  }

  /** As {@link claimOnce}, but it also finds words that rest. */
  claimClosing(order: number): number {
    const block = this.claimOnce(order);
    return block < 0 && this.closeResting() ? this.claimOnce(order) : block;
  }

  /** @param avoids whether to skip words that other threads claim from */
  private searchFor(order: number, own: number, avoids: boolean): number {
    const block = this.searchLevel(own, order - (this.levels[own] as Level).childOrder, avoids);
    return block < 0 && own + 1 < this.levels.length ? this.searchAbove(own, order, avoids) : block;
  }

  /** The lowest free slot of the current word, or -1. */
  private claimSlot(): number {
    const { words, lane, journal } = this;
    const index = this.current[0] as number;
    const at = this.flatStart + index;
    let word = words[at] as number;
    while (word !== 0) {
      const lowest = word & -word;
      const slot = (index << WIDEST) + 31 - Math.clz32(lowest);
      const seen = compareExchange(words, at, word, word ^ lowest);
      if (seen === word) {
        lane[journal.owned] = slot + 1;
        lane[journal.order] = 0;
        return slot;
      }
      word = seen;
    }
    return -1;
  }

  private searchAbove(own: number, order: number, avoids: boolean): number {
    // This thread holds memory that nobody can see, from taking the larger block until its rest is published.
    const epoch = enter(this.lane);
    let block = -1;
    for (let above = own + 1; above < this.levels.length && block < 0; above++) {
      block = this.searchLevel(above, 0, avoids);
      if (block >= 0) this.splitDown(block, above, own, order);
    }
    leave(this.lane, epoch);
    return block;
  }

  /**
   * Splits the block that the lane owns, a child of level `above`: keeps a block of `order` at its front and publishes
   * the rest.
   */
  private splitDown(block: number, above: number, own: number, order: number): void {
    const { words, lane, journal, counters, counted, current, opened } = this;
    for (let number = above - 1; number >= own; number--) {
      const level = this.levels[number] as Level;
      const kept = number === own ? order : level.childOrder;
      const run = kept - level.childOrder;
      const index = block >>> (level.childOrder + level.width);
      const rest = level.full & ~(RUNS[run] as number);
      const splits = level.width - run;
      lane[journal.at] = level.start + index + 1;
      opened[number] = index;
      // A current word that still has free blocks stays current: they serve smaller requests.
      if (words[level.start + (current[number] as number)] === 0) current[number] = index;
      store(words, level.start + index, rest);
      lane[journal.order] = kept;
      counters[counted.splits] = (counters[counted.splits] as number) + splits;
      (this.hints[number] as Hints).raise(index, rankOf(rest, level.longest));
    }
    this.revealed = true;
  }

  /** Looks again after a search that found nothing: other threads may have moved free memory past it. */
  private searchAgain(order: number): number {
    for (let scan = 0; scan < RESCANS; scan++) {
      const before = this.lanes.epochs();
      this.closeResting();
      const block = this.claimOnce(order);
      if (block >= 0) return block;
      if (before >= 0 && this.lanes.epochs() === before) return -1;
    }
    return -1;
  }

  /** Claims a block of `2 ** run` bits of a level. */
  private searchLevel(number: number, run: number, avoids: boolean): number {
    const level = this.levels[number] as Level;
    const own = this.current[number] as number;
    const block = this.claimIn(level, own, run);
    if (block >= 0 || level.count === 1) return block;
    const hints = this.hints[number] as Hints;
    const behind = this.searchFrom(number, hints, run, own + 1, level.count, avoids);
    return behind >= 0 || own === 0 ? behind : this.searchFrom(number, hints, run, 0, own, avoids);
  }

  private searchFrom(number: number, hints: Hints, run: number, from: number, to: number, avoids: boolean): number {
    const level = this.levels[number] as Level;
    let misled = 0;
    for (let index = hints.next(run + 1, from); index >= 0 && index < to; index = hints.next(run + 1, index + 1)) {
      if (avoids && this.lanes.isOthers(number, index)) {
        this.avoided = true;
        continue;
      }
      const block = this.claimIn(level, index, run);
      if (block >= 0) {
        this.current[number] = index;
        return block;
      }
      // Not each time: the hint of a word that a thread keeps closing and opening would be lowered and raised as often.
      if (++misled > MISLED || (++this.looks & (LOOKS - 1)) === 0)
        hints.settle(index, (word) => this.rank(level, word));
    }
    return -1;
  }

  private claimIn(level: Level, index: number, run: number): number {
    const { words, lane, journal, counters, counted } = this;
    const { longest } = level;
    const at = level.start + index;
    let word = words[at] as number;
    for (;;) {
      const found = bestRun(word, run, longest);
      if (found < 0) return -1;
      const bit = found & 31;
      const splits = (found >>> 5) - run;
      const block = ((index << level.width) + bit) << level.childOrder;
      const order = level.childOrder + run;
      const seen = compareExchange(words, at, word, word & ~((RUNS[run] as number) << bit));
      if (seen === word) {
        lane[journal.owned] = block + 1;
        lane[journal.order] = order;
        counters[counted.splits] = (counters[counted.splits] as number) + splits;
        return block;
      }
      word = seen;
      if ((++this.collisions & (COLLISIONS - 1)) === 0) this.moveAway(level, index, seen);
    }
  }

  /**
   * Moves this thread's next claim elsewhere when it shares its current word.
   * @param word the value it was last seen with
   */
  private moveAway({ number, full }: Level, index: number, word: number): void {
    const { current, home, lanes, isFlat } = this;
    if (isFlat || word === full || current[number] !== index || !lanes.isOthers(number, index)) return;
    current[number] = home[number] as number;
  }
}
