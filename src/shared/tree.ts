import { RUNS, rankOf } from './bit-runs.js';
import { Hints, hintWords } from './hints.js';
import { LANE_HEADER } from './lane.js';

/** One level of the tree. Each of its words has `2 ** width` bits, and each bit stands for a block of `childOrder`. */
export interface Level {
  /** From 0, at the bottom. */
  readonly number: number;
  readonly childOrder: number;
  readonly width: number;
  /** A word with all bits set. */
  readonly full: number;
  /** Order of the largest block that is taken from a word, counted from `childOrder`. */
  readonly longest: number;
  /** Index of the first word. */
  readonly start: number;
  /** Number of words. */
  readonly count: number;
  /** Index of the hints for these words. */
  readonly hints: number;
}

/** Where the levels of a tree lie. */
export interface TreeShape {
  readonly levels: readonly Level[];
  readonly units: number;
  /** Index behind the last word. */
  readonly end: number;
}

/** The words of a lane that hold a tree's journal. */
export interface Journal {
  readonly owned: number;
  readonly order: number;
  readonly at: number;
  /** By level: the word that the thread claims from. */
  readonly current: number;
}

/** The counters of a lane that a tree counts in. */
export interface TreeCounters {
  readonly splits: number;
  readonly coalesces: number;
}

/** What a tree needs to know about all lanes. */
export interface Lanes {
  /** Number of lanes that were ever used, by an atomic read. */
  readonly used: number;
  /** -1 while another thread is inside an operation; else a sum that changes with every operation of another thread. */
  epochs(): number;
  /** The word of a level that a lane claims from. */
  currentOf(lane: number, level: number): number;
  /** Whether another thread claims from the word of a level. */
  isOthers(level: number, index: number): boolean;
}

/** log2 of the bits in a word. Every level has such words; only the lowest may have narrower ones. */
export const WIDEST = 5;

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

/** Marks everything in a new tree as free. Its words are zero before. */
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
