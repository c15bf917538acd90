import type { BlockSource, PinnedBlock } from './block-source.js';
import type { BuddyBlocks } from './buddy-blocks.js';

/** How many regions are compared. Looking at one reads a word for each 32 blocks of every smaller order. */
const MOST_LOOKS = 1024;

/**
 * Buddy blocks of which one region is set aside: what is free in there was withdrawn, what is released in there is kept,
 * until the region is whole. Everything else goes on as before.
 *
 *     region   [ kept ][ live ][ kept         ]     whole once nothing in it is live
 *     outside  [ free ][ live ][ free ][ live ]     claimed, released and merged as ever
 */
export class Reservation implements BlockSource {
  /** What it stands in front of. */
  readonly blocks: BuddyBlocks;
  private readonly region: number;
  private readonly order: number;
  /** Blocks kept, as pairs of first unit and order. */
  private readonly kept: [block: number, order: number][] = [];
  private keptUnits = 0;
  /** Whether a block was released that is the region, or larger. */
  private cameFreeAtOnce = false;

  private constructor(blocks: BuddyBlocks, region: number, order: number) {
    this.blocks = blocks;
    this.region = region;
    this.order = order;
    blocks.claimWithin(region, order, (block, blockOrder) => this.keep(block, blockOrder));
  }

  /**
   * Sets an aligned region of `order` aside: of those without a pinned block the one with the most free units, from
   * the highest down, as claims prefer low ones.
   * @param maxOrder of all that `blocks` manages
   * @returns undefined where every region has a pinned block in it
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

  /** Whether nothing in the region is live any more. */
  get isWhole(): boolean {
    return this.cameFreeAtOnce || this.keptUnits === 2 ** this.order;
  }

  /** Bytes kept, in units. */
  get units(): number {
    return this.keptUnits;
  }

  /** Whether the block lies in the region, or the other way round. */
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

  /** Gives everything kept back. @returns the order of the free block that each piece left, one after the other */
  end(): number[] {
    return this.kept.map(([block, order]) => this.blocks.release(block, order));
  }

  private keep(block: number, order: number): void {
    this.kept.push([block, order]);
    this.keptUnits += 1 << order;
  }
}

/** Whether two aligned blocks share units: then one lies in the other. */
function overlap(block: number, order: number, otherBlock: number, otherOrder: number): boolean {
  const coarser = Math.max(order, otherOrder);
  return block >>> coarser === otherBlock >>> coarser;
}
