import type { BlockSource, PinnedBlock } from './block-source.js';
import type { BuddyBlocks } from './buddy-blocks.js';

/** How many regions are compared at most. A look at one reads a word for each 32 blocks of every smaller order. */
const MOST_LOOKS = 1024;

/**
 * Buddy blocks with one region set aside. Free blocks in the region were withdrawn, and blocks released in it are kept,
 * until the region is whole. All other blocks are claimed and released as before.
 *
 *     region   [ kept ][ live ][ kept         ]     whole once nothing in it is live
 *     outside  [ free ][ live ][ free ][ live ]     claimed, released and merged as ever
 */
export class Reservation implements BlockSource {
  /** The blocks that the reservation stands in front of. */
  readonly blocks: BuddyBlocks;
  private readonly region: number;
  private readonly order: number;
  /** The kept blocks, as pairs of first unit and order. */
  private readonly kept: [block: number, order: number][] = [];
  private keptUnits = 0;
  /** Whether a block was released that is the whole region, or larger. */
  private cameFreeAtOnce = false;

  private constructor(blocks: BuddyBlocks, region: number, order: number) {
    this.blocks = blocks;
    this.region = region;
    this.order = order;
    blocks.claimWithin(region, order, (block, blockOrder) => this.keep(block, blockOrder));
  }

  /**
   * Sets an aligned region of `order` aside: the one with the most free units of those that no pinned block overlaps.
   * It looks from the highest region down, and prefers the highest of equal regions, because claims prefer low blocks.
   * @param maxOrder order of the block that spans all of `blocks`
   * @returns undefined when pinned blocks overlap every region
   */
  static best(
    blocks: BuddyBlocks,
    order: number,
    maxOrder: number,
    pinned: readonly PinnedBlock[],
  ): Reservation | undefined {
    const obstacles = [...pinned].sort((one, other) => other.block - one.block);
    const size = 2 ** order;
    let best = -1;
    let most = -1;
    let looks = MOST_LOOKS;
    let next = 0;
    for (let region = 2 ** maxOrder - size; region >= 0 && looks > 0; region -= size) {
      while ((obstacles[next]?.block ?? -1) >= region + size) next++;
      const obstacle = obstacles[next];
      if (obstacle !== undefined && overlap(region, order, obstacle.block, obstacle.order)) {
        region = Math.min(region, obstacle.block);
        continue;
      }
      looks--;
      const units = blocks.freeUnitsWithin(region, order);
      if (units <= most) continue;
      best = region;
      most = units;
    }
    return best < 0 ? undefined : new Reservation(blocks, best, order);
  }

  /** Whether no block in the region is live any more. */
  get isWhole(): boolean {
    return this.cameFreeAtOnce || this.keptUnits === 2 ** this.order;
  }

  /** Number of units that are kept. */
  get units(): number {
    return this.keptUnits;
  }

  /** Whether the block lies in the region, or the region in the block. */
  overlaps(block: number, order: number): boolean {
    return overlap(this.region, this.order, block, order);
  }

  claim(order: number): number {
    return this.blocks.claim(order);
  }

  release(block: number, order: number): number {
    if (order < this.order && this.overlaps(block, order)) {
      this.keep(block, order);
      return -1;
    }
    if (this.overlaps(block, order)) this.cameFreeAtOnce = true;
    return this.blocks.release(block, order);
  }

  largestFreeOrder(): number {
    return this.blocks.largestFreeOrder();
  }

  /** Releases all kept blocks, one by one. @returns for each, the order of the free block that it became part of */
  end(): number[] {
    return this.kept.map(([block, order]) => this.blocks.release(block, order));
  }

  private keep(block: number, order: number): void {
    this.kept.push([block, order]);
    this.keptUnits += 1 << order;
  }
}

/** Whether two aligned blocks share units. If they do, one lies in the other. */
function overlap(block: number, order: number, otherBlock: number, otherOrder: number): boolean {
  const coarser = Math.max(order, otherOrder);
  return block >>> coarser === otherBlock >>> coarser;
}
