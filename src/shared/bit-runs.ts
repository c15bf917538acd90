// A word of the tree has a bit for each block of the level, set while the block is free. A run of 2 ** order set bits
// that begins at a multiple of its length is a free block of that order.

/** By order: where aligned runs of that order can begin. */
const ALIGNED = [-1, 0x5555_5555, 0x1111_1111, 0x0101_0101, 0x0001_0001, 1] as const;
/** By order: the run of that order at bit 0. */
export const RUNS = [1, 3, 0xf, 0xff, 0xffff, -1] as const;

/** 1 + the order of the largest aligned run of set bits; 0 for a word without set bits. */
export function rankOf(word: number, longest: number): number {
  let rank = 0;
  for (let runs = word; runs !== 0; rank++) {
    if (rank === longest) return rank + 1;
    runs &= (runs >>> (1 << rank)) & (ALIGNED[rank + 1] as number);
  }
  return rank;
}

/**
 * Finds an aligned run of `2 ** run` set bits. It prefers one that is not part of a larger run.
 * @returns the first bit of the run + 32 times the order of the largest run around it; -1 when there is no such run
 */
export function bestRun(word: number, run: number, longest: number): number {
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

/** The order of the largest aligned run of set bits around the run at `bit`. */
export function mergedRun(word: number, bit: number, run: number, longest: number): number {
  let order = run;
  for (; order < longest; order++) {
    const wider = (RUNS[order + 1] as number) << (bit & (-2 << order));
    if ((word & wider) !== wider) break;
  }
  return order;
}
