/**
 * How an arena finds and returns blocks: all in which fixed and buddy arenas differ.
 *
 * Blocks are numbered in units (a slot, or the smallest buddy block). A block of order `k` covers `2 ** k` units from
 * its number on; slots are always of order 0.
 */
export interface BlockSource {
  /** Claims a block of the order: the number of its first unit, or -1 when none is free. */
  claim(order: number): number;
  /**
   * Gives a claimed block back.
   * @returns the order of the free block that it is or became part of; -1 when it was kept aside
   */
  release(block: number, order: number): number;
  /** Order of the largest free block, or -1 when nothing is free. */
  largestFreeOrder(): number;
}

/** A block that is in use for ever: it was forgotten while a view of it had been lent. */
export interface PinnedBlock {
  readonly block: number;
  readonly order: number;
}
