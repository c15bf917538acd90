import { reserved } from '../base/errors.js';
import type { BlockSource } from './block-source.js';

/** The largest number of entries in one bitmap. Indices are computed in 32-bit arithmetic. */
export const MAX_ENTRIES: number = 2 ** 30;

/**
 * Free slots as bits, with summary levels above them. Bit `i` of a summary level says whether word `i` of the level
 * below is not zero. A claim or a release touches one word. It touches one more word per level only when a word becomes
 * zero or stops being zero. 2^30 entries take six levels of 32-bit words.
 *
 *     level 2   [ 1 ]                      one word: anything free at all?
 *     level 1   [ 0011 ... ]               which words of level 0 have a free entry
 *     level 0   [ 1011 ][ 0100 ][ 0000 ]   1 = this entry is free
 *
 * Claims take the lowest entry of the current word, and stay at that word until it is exhausted. So a caller that
 * releases the block it has just claimed gets the same cache-warm block again. (In plain fixed arenas, slots come from
 * here only the first time: see slot-engine.)
 */
export class FreeBitmap implements BlockSource {
  private readonly entries: Int32Array;
  /** The summary levels. The first is the one above `entries`, the last has one word. */
  private readonly summaries: readonly Int32Array[];
  private current = 0;

  private constructor(levels: readonly Int32Array[]) {
    const [entries = new Int32Array(1), ...summaries] = levels;
    this.entries = entries;
    this.summaries = summaries;
  }

  /** A bitmap of `entryCount` entries, all free. */
  static full(entryCount: number): FreeBitmap {
    const levels = reserved(() => emptyLevels(entryCount));
    for (const [level, bits] of levelSizes(entryCount).entries()) {
      const words = levels[level]?.fill(-1);
      if (words !== undefined && bits % 32 !== 0) words[words.length - 1] = (1 << (bits % 32)) - 1;
    }
    return new FreeBitmap(levels);
  }

  /** A bitmap of `entryCount` entries, none free. */
  static empty(entryCount: number): FreeBitmap {
    return new FreeBitmap(reserved(() => emptyLevels(entryCount)));
  }

  get isEmpty(): boolean {
    return this.firstFreeWord() < 0;
  }

  /** Claims a free entry. Returns its index, or -1 when none is free. */
  claim(): number {
    let index = this.current;
    let word = this.entries[index] as number;
    if (word === 0) {
      index = this.firstFreeWord();
      if (index < 0) return -1;
      this.current = index;
      word = this.entries[index] as number;
    }
    const lowest = word & -word;
    this.entries[index] = word ^ lowest;
    if (word === lowest) this.markExhausted(index);
    return (index << 5) + 31 - Math.clz32(lowest);
  }

  /** Claims the given entry. Returns false when it is not free. */
  claimExact(entry: number): boolean {
    const index = entry >>> 5;
    const word = this.entries[index] as number;
    const rest = word & ~(1 << (entry & 31));
    if (rest === word) return false;
    this.entries[index] = rest;
    if (rest === 0) this.markExhausted(index);
    return true;
  }

  /** Releases a claimed entry. */
  release(entry: number): number {
    const index = entry >>> 5;
    const word = this.entries[index] as number;
    this.entries[index] = word | (1 << (entry & 31));
    if (word === 0) this.markUsable(index);
    return 0;
  }

  largestFreeOrder(): number {
    return this.isEmpty ? -1 : 0;
  }

  visitFree(visit: (entry: number, order: number) => void): void {
    const { entries } = this;
    for (let index = 0; index < entries.length; index++) {
      for (let word = entries[index] as number; word !== 0; word &= word - 1) {
        visit((index << 5) + 31 - Math.clz32(word & -word), 0);
      }
    }
  }

  /** Number of free entries in `[start, end)`. */
  countWithin(start: number, end: number): number {
    let count = 0;
    for (let index = start >>> 5; index << 5 < end; index++) count += bitCount(this.wordWithin(index, start, end));
    return count;
  }

  /** Claims every free entry in `[start, end)`, and passes each to `onClaim`. */
  claimWithin(start: number, end: number, onClaim: (entry: number) => void): void {
    for (let index = start >>> 5; index << 5 < end; index++) {
      for (let word = this.wordWithin(index, start, end); word !== 0; word &= word - 1) {
        const entry = (index << 5) + 31 - Math.clz32(word & -word);
        this.claimExact(entry);
        onClaim(entry);
      }
    }
  }

  /** The word at `index` without its entries outside `[start, end)`. */
  private wordWithin(index: number, start: number, end: number): number {
    const first = index << 5;
    let word = this.entries[index] as number;
    if (start > first) word &= -1 << (start - first);
    if (end < first + 32) word &= ~(-1 << (end - first));
    return word;
  }

  private firstFreeWord(): number {
    let index = 0;
    for (let level = this.summaries.length - 1; level >= 0; level--) {
      const word = (this.summaries[level] as Int32Array)[index] as number;
      if (word === 0) return -1;
      index = (index << 5) + 31 - Math.clz32(word & -word);
    }
    return this.entries[index] === 0 ? -1 : index;
  }

  private markExhausted(index: number): void {
    for (const words of this.summaries) {
      const word = (words[index >>> 5] as number) & ~(1 << (index & 31));
      index >>>= 5;
      words[index] = word;
      if (word !== 0) return;
    }
  }

  private markUsable(index: number): void {
    for (const words of this.summaries) {
      const word = words[index >>> 5] as number;
      words[index >>> 5] = word | (1 << (index & 31));
      if (word !== 0) return;
      index >>>= 5;
    }
  }
}

/** Number of bits that are set (Warren, Hacker's Delight, 2nd ed., figure 5-2). */
function bitCount(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function emptyLevels(entryCount: number): Int32Array[] {
  return levelSizes(entryCount).map((bits) => new Int32Array(Math.ceil(bits / 32)));
}

/** Number of bits in each level for `entryCount` entries. The first level is the entries themselves. */
function levelSizes(entryCount: number): number[] {
  const sizes = [entryCount];
  for (let bits = Math.ceil(entryCount / 32); bits > 1; bits = Math.ceil(bits / 32)) sizes.push(bits);
  return sizes;
}
