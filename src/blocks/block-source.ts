/**
 * How an arena claims and releases blocks. Fixed and buddy arenas differ only in this.
 *
 * Blocks are numbered in units (a slot, or the smallest buddy block). A block of order `k` covers `2 ** k` units,
 * starting with the unit of its number. Slots always have order 0.
 */
export interface BlockSource {
  /** Claims a block of `order`. @returns the number of its first unit, or -1 when none is free */
  claim(order: number): number;
  /**
   * Releases a claimed block.
   * @returns the order of the free block that it is, or became part of; -1 when the block was kept aside
   */
  release(block: number, order: number): number;
  /** Order of the largest free block, or -1 when nothing is free. */
  largestFreeOrder(): number;
  /** Calls `visit` for each free block, where they can be listed. */
  visitFree?(visit: (block: number, order: number) => void): void;
}

/** A block that stays in use for ever: it was forgotten after a view of it had been lent. */
export interface PinnedBlock {
  readonly block: number;
  readonly order: number;
}
