import { compareExchange, load } from '../base/atomics.js';
import { enter, leave } from './lane.js';

/** Number of words that one hint word describes, with four bits for each. */
const FAN_OUT = 8;

/** Bit 3 of each nibble. Ranks (0 to 6) do not use it. */
const HIGH_BITS = 0x8888_8888 | 0;

/**
 * Says which words of a tree level may have a free block, and of what rank. The rank is 0 when there is none, otherwise
 * 1 + the order of the largest run of bits.
 *
 *     level 1   [ 3 | 0 | ... ]                 the largest rank in each group of eight
 *     level 0   [ 3 | 1 | 0 | ... ] [ ... ]     a nibble for each word
 *
 * A hint may say too much. A thread that finds this out lowers the hint. A hint says too little only while an operation
 * is under way (docs/threads.md, T6). Every search uses the hints, so a claim looks at only a handful of words, however
 * many words there are.
 */
export class Hints {
  private readonly words: Int32Array;
  /** Where each level begins in `words`, and how many children it describes. */
  private readonly starts: readonly number[];
  private readonly sizes: readonly number[];
  private readonly lane: Int32Array;
  private readonly note: (index: number) => void;
  private readonly onReveal: () => void;

  /**
   * @param start index in `words` of the {@link hintWords} for `count` words
   * @param lane this thread's lane
   * @param note records in the lane which of the words this thread is at
   * @param onReveal called when memory that this thread had hidden by a hint can be found again: a thread may be
   *   waiting for it
   */
  constructor(
    words: Int32Array,
    start: number,
    count: number,
    lane: Int32Array,
    note: (index: number) => void,
    onReveal: () => void,
  ) {
    const starts: number[] = [];
    const sizes: number[] = [];
    let at = start;
    for (let size = count; size > 1; size = Math.ceil(size / FAN_OUT)) {
      starts.push(at);
      sizes.push(size);
      at += Math.ceil(size / FAN_OUT);
    }
    this.words = words;
    this.starts = starts;
    this.sizes = sizes;
    this.lane = lane;
    this.note = note;
    this.onReveal = onReveal;
  }

  /**
   * Finds the first word at `from` or after it that may have `rank` or more; -1 when there is none. It uses plain
   * reads, which cost a tenth of an atomic read. That is enough for hints: a caller that must not overlook anything has
   * made an atomic read before.
   */
  next(rank: number, from: number): number {
    const { starts, sizes, words } = this;
    const needed = Math.imul(rank, 0x1111_1111);
    let level = 0;
    let index = from;
    while (level < starts.length) {
      if (index >= (sizes[level] as number)) return -1;
      const at = index >>> 3;
      const found = candidates(words[(starts[level] as number) + at] as number, needed) & (-1 << ((index & 7) << 2));
      if (found === 0) {
        index = at + 1;
        level++;
        continue;
      }
      index = (at << 3) + first(found);
      if (level === 0) return index;
      level--;
      // The group may no longer have what its hint says. Then lower the hint and go on behind the group.
      const below = candidates(words[(starts[level] as number) + index] as number, needed);
      if (below === 0) {
        this.settleGroup(level, index);
        index++;
        level++;
      } else {
        index <<= 3;
      }
    }
    return -1;
  }

  /** Raises the hints above the word at `index` to `rank` where they say less. */
  raise(index: number, rank: number): void {
    this.raiseFrom(0, index, rank);
  }

  /** As {@link raise}, but always up to the top: a dead thread may have raised or lowered hints on any level. */
  heal(index: number, rank: number): void {
    for (let level = 0; level < this.starts.length; level++) {
      this.raiseAt(level, index, rank);
      index >>>= 3;
      rank = largest(this.at(level, index));
    }
  }

  /** Lowers the hint for the word at `index` to the rank that `rankNow` returns, and then the hints above it. */
  settle(index: number, rankNow: (index: number) => number): void {
    this.note(index);
    const before = enter(this.lane);
    const rank = rankNow(index);
    if (this.lowerAt(0, index, rank)) {
      const again = rankNow(index);
      if (again > rank) this.reveal(0, index, again);
      else this.lowerAbove(0, index >>> 3);
    }
    leave(this.lane, before);
  }

  /** Lowers the hints on the levels above that describe the group of hints at `group` of `level`. */
  private settleGroup(level: number, group: number): void {
    this.note(group * FAN_OUT ** (level + 1));
    const before = enter(this.lane);
    this.lowerAbove(level, group);
    leave(this.lane, before);
  }

  private lowerAbove(level: number, group: number): void {
    for (; level + 1 < this.starts.length; level++) {
      const rank = largest(this.at(level, group));
      if (!this.lowerAt(level + 1, group, rank)) return;
      const again = largest(this.at(level, group));
      if (again > rank) {
        this.reveal(level + 1, group, again);
        return;
      }
      group >>>= 3;
    }
  }

  private reveal(level: number, index: number, rank: number): void {
    this.raiseFrom(level, index, rank);
    this.onReveal();
  }

  private raiseFrom(level: number, index: number, rank: number): void {
    for (; level < this.starts.length && this.raiseAt(level, index, rank); level++) index >>>= 3;
  }

  private at(level: number, word: number): number {
    return load(this.words, (this.starts[level] as number) + word);
  }

  private raiseAt(level: number, index: number, rank: number): boolean {
    const at = (this.starts[level] as number) + (index >>> 3);
    const shift = (index & 7) << 2;
    let word = load(this.words, at);
    while (((word >>> shift) & 7) < rank) {
      const seen = compareExchange(this.words, at, word, (word & ~(7 << shift)) | (rank << shift));
      if (seen === word) return true;
      word = seen;
    }
    return false;
  }

  private lowerAt(level: number, index: number, rank: number): boolean {
    const at = (this.starts[level] as number) + (index >>> 3);
    const shift = (index & 7) << 2;
    const word = load(this.words, at);
    if (((word >>> shift) & 7) <= rank) return false;
    // One try is enough: another thread that changes the word looks at it itself.
    return compareExchange(this.words, at, word, (word & ~(7 << shift)) | (rank << shift)) === word;
  }
}

/** Number of words that the hints for `count` words take. */
export function hintWords(count: number): number {
  let words = 0;
  for (let size = count; size > 1; size = Math.ceil(size / FAN_OUT)) words += Math.ceil(size / FAN_OUT);
  return words;
}

/**
 * Returns the high bits of the nibbles that are at least as large as those of `needed`. No nibble borrows from the
 * next, because the high bit is set in each.
 */
function candidates(word: number, needed: number): number {
  return ((word | HIGH_BITS) - needed) & HIGH_BITS;
}

/** Number of the first nibble that has a bit set. */
function first(nibbles: number): number {
  return (31 - Math.clz32(nibbles & -nibbles)) >>> 2;
}

function largest(word: number): number {
  let rank = 0;
  for (let nibbles = word; nibbles !== 0; nibbles >>>= 4) rank = Math.max(rank, nibbles & 7);
  return rank;
}
