import { compareExchange, load, store } from '../base/atomics.js';
import type { BlockSource } from '../blocks/block-source.js';
import { Hints, hintWords } from './hints.js';
import { EPOCH, enter, LANE_HEADER, type Lane, leave } from './lane.js';

/** One level of the tree: words of `2 ** width` bits, each of which stands for a block of `childOrder`. */
export interface Level {
  /** From 0, at the bottom. */
  readonly number: number;
  readonly childOrder: number;
  readonly width: number;
  /** A word whose bits are all set. */
  readonly full: number;
  /** Order, counted from `childOrder`, of the largest block that is taken from a word. */
  readonly longest: number;
  /** Index of the first word, and how many there are. */
  readonly start: number;
  readonly count: number;
  /** Index of the hints for these words. */
  readonly hints: number;
}

/** Bits of a word that may be set, where a level of slots ends within it. */
export interface TreeShape {
  readonly levels: readonly Level[];
  readonly units: number;
  /** Index behind the last word. */
  readonly end: number;
}

/** Which words of a lane a tree keeps its journal in. */
export interface Journal {
  readonly owned: number;
  readonly order: number;
  readonly at: number;
  /** By level: the word that is claimed from. */
  readonly current: number;
}

/** Which counters of a lane count what a tree does. */
export interface TreeCounters {
  readonly splits: number;
  readonly coalesces: number;
}

/** What a tree asks of the lanes. */
export interface Lanes {
  /** Lanes that were ever used; an atomic read. */
  readonly used: number;
  /** How far the others are: -1 while one of them is under way, else a sum that changes when one moves. */
  epochs(): number;
  /** The word of a level that a lane claims from. */
  currentOf(lane: number, level: number): number;
  /** Whether another thread claims from that word of a level. */
  isOthers(level: number, index: number): boolean;
}

/** Levels of words with 32 bits each, and one below of what remains. */
const WIDEST = 5;

// How often a claim that finds nothing looks again because others moved memory about meanwhile. A bound, so that a thread that
// stopped half-way holds up nobody.
const RESCANS = 32;

// A hint that says too much costs a look. It is lowered by who was misled that often in one search, and else at one look in
// so many.
const MISLED = 4;
const LOOKS = 16;

// Claims that collided with those of others before a thread leaves the word to them: it met them when memory was tight, and would
// stay (two threads in one word, 190 ns for a claim and release against 47 in two).
const COLLISIONS = 64;

/** What no word is after a release. */
const NEVER = 0;

/** By order of a run of bits: where such runs begin, and the run at bit 0. */
const ALIGNED = [-1, 0x5555_5555, 0x1111_1111, 0x0101_0101, 0x0001_0001, 1] as const;
const RUNS = [1, 3, 0xf, 0xff, 0xffff, -1] as const;

/** One level, whose blocks never merge. */
export function slotShape(slots: number, start: number): TreeShape {
  const count = Math.ceil(slots / 32);
  const hints = start + count;
  const level = { number: 0, childOrder: 0, width: WIDEST, full: 0, longest: 0, start, count, hints };
  return { levels: [level], units: slots, end: hints + hintWords(count) };
}

/** Levels up to one word at the top, for `2 ** maxOrder` units. */
export function buddyShape(maxOrder: number, start: number): TreeShape {
  const levels: Level[] = [];
  let at = start;
  let childOrder = 0;
  let width = maxOrder % WIDEST || Math.min(maxOrder, WIDEST);
  do {
    const above = childOrder + width;
    const count = 2 ** (maxOrder - above);
    const longest = above === maxOrder ? width : width - 1;
    const full = RUNS[width] as number;
    levels.push({ number: levels.length, childOrder, width, full, longest, start: at, count, hints: at + count });
    at += count + hintWords(count);
    childOrder = above;
    width = WIDEST;
  } while (childOrder < maxOrder);
  return { levels, units: 2 ** maxOrder, end: at };
}

/** Writes a tree of which everything is free; the words are zero. */
export function freeAll(words: Int32Array, shape: TreeShape): void {
  const top = shape.levels[shape.levels.length - 1] as Level;
  words.fill(-1, top.start, top.start + top.count);
  const last = shape.units >>> top.childOrder;
  if (last % 32 !== 0) words[top.start + top.count - 1] = (1 << (last % 32)) - 1;
  const nothing = (): void => undefined;
  const hints = new Hints(words, top.hints, top.count, new Int32Array(LANE_HEADER), nothing, nothing);
  for (let index = 0; index < top.count; index++)
    hints.raise(index, rankOf(words[top.start + index] as number, top.longest));
}

/**
 * Free blocks in shared memory, claimed and released by any thread without a lock (docs/threads.md, T1 to T7). After Marotta,
 * Ianni, Scarselli, Pellegrini and Quaglia, "A Non-blocking Buddy System for Scalable Memory Allocation on Multi-core Machines"
 * (CLUSTER 2018), in that several levels of the tree share one word; but a word says what is free, and a free word is
 * one bit of the level above and nothing else, so there is nothing to mark and unmark on the way up.
 *
 * What a thread takes or gives back is written into its lane by plain stores in straight line with the compare-and-swap: no
 * call and no loop's turn may come in between, for a thread can be stopped only there.
 */
export class SharedBlocks implements BlockSource {
  /** Set when this thread made memory findable that others may have looked for in vain; who serves them clears it. */
  revealed = false;
  private readonly words: Int32Array;
  private readonly levels: readonly Level[];
  private readonly hints: readonly Hints[];
  private readonly lane: Int32Array;
  private readonly counters: Float64Array;
  private readonly journal: Journal;
  private readonly counted: TreeCounters;
  private readonly lanes: Lanes;
  /** Index of what is not zero while somebody may wait. */
  private readonly waiting: number;
  readonly maxOrder: number;
  /** One level of slots: half the time of the general way (claim and release, 90 against 170 ns). */
  private readonly isFlat: boolean;
  private readonly flatStart: number;
  /** By level: the word this thread claims from. It lies in the lane. */
  private readonly current: Int32Array;
  /** By level: the word that this thread's last split opened; -1 for none. */
  private readonly opened: Int32Array;
  private looks = 0;
  private collisions = 0;
  /** By level: where this thread begins. */
  private readonly home: Int32Array;
  /** Whether the last search passed over a word because another thread claims from it. */
  private avoided = false;

  /** @param share where in each level this thread begins, from 0 to 1 */
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

  /** Claims a block of the order, which the lane then owns: its first unit, or -1 when there is none. */
  claim(order: number): number {
    const block = this.claimOnce(order);
    return block >= 0 ? block : this.searchAgain(order);
  }

  /** Gives the block back that the lane owns. @returns the order of the free block it is now part of */
  release(block: number, order: number): number {
    if (this.isFlat) return this.releaseSlot(block);
    // Who waits may need all of it.
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
        // What was free before this and claimed since may have been missed by who looked for both.
        lane[EPOCH] = (lane[EPOCH] as number) + 2;
        if (word === 0) (this.hints[0] as Hints).raise(index, 1);
        return 0;
      }
      word = seen;
    }
  }

  /** @param rests whether the words that this thread claims from stay open when all of them is free */
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
        // A word of which all is free is taken away, unless it rests: it is a block of the level above, which we then own.
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

  /** Whether this thread claims from the word; or opened it for want of such a block where it claims from, and is to go on here. */
  private mayRest(number: number, index: number, run: number): boolean {
    const { words, current } = this;
    const { start, longest } = this.levels[number] as Level;
    const own = current[number] as number;
    if (own === index) return true;
    if (this.opened[number] !== index || rankOf(words[start + own] as number, longest) > run) return false;
    // The one before is not full, so it does not rest.
    current[number] = index;
    return true;
  }

  /**
   * Closes the words of which all is free though a thread claims from them, and merges what they were: whoever finds nothing needs
   * this. Others may have looked for them meanwhile. @returns whether there was one
   */
  closeResting(): boolean {
    if (this.isFlat) return false;
    const { words, levels, lanes } = this;
    const { used } = lanes;
    let found = false;
    // Upwards: what a word becomes may fill the one above.
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

  /** @returns false when it is not full any more: then whoever fills it again sees to it */
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

  /** Has hints say what a dead thread left at the tree word `at`, an index in the control memory. */
  heal(at: number): void {
    const number = this.levels.findIndex(({ start, count }) => at >= start && at < start + count);
    const level = this.levels[number];
    if (level === undefined) return;
    const index = at - level.start;
    this.lane[this.journal.at] = at + 1;
    (this.hints[number] as Hints).heal(index, this.rank(level, index));
  }

  /** Of what is free as it lies: a word that rests counts as its parts. */
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

  /** As {@link claim}, but what others move about meanwhile may be missed. */
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

  /** As {@link claimOnce}, but finds what rests too. */
  claimClosing(order: number): number {
    const block = this.claimOnce(order);
    return block < 0 && this.closeResting() ? this.claimOnce(order) : block;
  }

  /** @param avoids whether words that other threads claim from are left to them */
  private searchFor(order: number, own: number, avoids: boolean): number {
    const block = this.searchLevel(own, order - (this.levels[own] as Level).childOrder, avoids);
    return block < 0 && own + 1 < this.levels.length ? this.searchAbove(own, order, avoids) : block;
  }

  /** The lowest slot of the current word, where that has one. */
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
    // From taking a larger block until its rest is published, memory is in our hands.
    const epoch = enter(this.lane);
    let block = -1;
    for (let above = own + 1; above < this.levels.length && block < 0; above++) {
      block = this.searchLevel(above, 0, avoids);
      if (block >= 0) this.splitDown(block, above, own, order);
    }
    leave(this.lane, epoch);
    return block;
  }

  /** The lane owns a child of the level `above`: keeps the first part of `order`, and publishes the rest. */
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
      // Where the one before has something, it is for smaller blocks.
      if (words[level.start + (current[number] as number)] === 0) current[number] = index;
      store(words, level.start + index, rest);
      lane[journal.order] = kept;
      counters[counted.splits] = (counters[counted.splits] as number) + splits;
      (this.hints[number] as Hints).raise(index, rankOf(rest, level.longest));
    }
    this.revealed = true;
  }

  /** Nothing was found; but others may have moved what is free out of sight. */
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
      // Not each time: a word that a thread closes and opens all the time would have its hint lowered and raised as often.
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

  /** Has the next claim begin elsewhere, if this thread shares the word that it claims from. @param word what it was last */
  private moveAway({ number, full }: Level, index: number, word: number): void {
    const { current, home, lanes, isFlat } = this;
    if (isFlat || word === full || current[number] !== index || !lanes.isOthers(number, index)) return;
    current[number] = home[number] as number;
  }
}

/** 1 + order of the largest aligned run of set bits, or 0. */
function rankOf(word: number, longest: number): number {
  let rank = 0;
  for (let runs = word; runs !== 0; rank++) {
    if (rank === longest) return rank + 1;
    runs &= (runs >>> (1 << rank)) & (ALIGNED[rank + 1] as number);
  }
  return rank;
}

/**
 * The aligned run of `2 ** run` set bits that leaves larger ones alone if it can: its first bit, and times 32 the order of the
 * largest run it lies in. -1 for none.
 */
function bestRun(word: number, run: number, longest: number): number {
  let runs = word;
  for (let order = 0; order < run; order++) runs &= (runs >>> (1 << order)) & (ALIGNED[order + 1] as number);
  if (runs === 0) return -1;
  for (let order = run; order < longest; order++) {
    const larger = runs & (runs >>> (1 << order)) & (ALIGNED[order + 1] as number);
    const lone = runs & ~(larger | (larger << (1 << order)));
    if (lone !== 0) return (order << 5) + 31 - Math.clz32(lone & -lone);
    runs = larger;
  }
  return (longest << 5) + 31 - Math.clz32(runs & -runs);
}

/** Order of the largest aligned run of set bits that the run at `bit` lies in. */
function mergedRun(word: number, bit: number, run: number, longest: number): number {
  let order = run;
  for (; order < longest; order++) {
    const wider = (RUNS[order + 1] as number) << (bit & (-2 << order));
    if ((word & wider) !== wider) break;
  }
  return order;
}
