import type { BlockSource, PinnedBlock } from './block-source.js';
import type { BuddyBlocks } from './buddy-blocks.js';

/** How many regions are compared: looking at one takes some 10 ns for each order below it. */
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
    let best = -1;
    let most = -1;
    let looks = MOST_LOOKS;
    for (let region = (2 ** (maxOrder - order) - 1) * 2 ** order; region >= 0 && looks > 0; region -= 2 ** order) {
      if (pinned.some((block) => overlap(region, order, block.block, block.order))) continue;
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
    return this.keptUnits === 2 ** this.order;
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
    if (order >= this.order || !this.overlaps(block, order)) return this.blocks.release(block, order);
    this.keep(block, order);
    return -1;
  }

  largestFreeOrder(): number {
    return this.blocks.largestFreeOrder();
  }

  /** Gives everything kept back. @returns the order of the largest free block that this left, or -1 if none was kept */
  end(): number {
    let largest = -1;
    for (const [block, order] of this.kept) largest = Math.max(largest, this.blocks.release(block, order));
    return largest;
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
