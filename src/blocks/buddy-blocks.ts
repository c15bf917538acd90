import type { BlockSource } from './block-source.js';
import { FreeBitmap } from './free-bitmap.js';

/** The largest order a buddy arena can have. Block numbers are computed in 32-bit arithmetic. */
export const MAX_ORDER = 30;

/**
 * The free blocks of a buddy system (Knowlton 1965; Knuth, TAOCP vol. 1, section 2.5). Each order keeps its free blocks
 * in a bitmap, except for one block, the *spare* of the order.
 *
 *     order 2   [ 0             ]          claim(0):  take 0 of order 2,
 *     order 1   [ 0     ][ 2    ]                     2 becomes the spare of order 1,
 *     order 0   [ 0 ][ 1 ]                            1 the spare of order 0, return 0
 *
 * A cascade of splits only meets orders without any free block. So each upper half becomes a spare, which is one store.
 * A release coalesces with the spares all the way up again, which is one comparison per order. Only a second free block
 * of an order goes to the bitmap. Two integers say which orders have a spare and which have more free blocks, so
 * finding the best fit is one count of zeros.
 *
 * Measured 18 orders deep, a claim and a release take half the time that they take with doubly linked lists (72 against
 * 144 ns on Node 20, 33 against 67 to 106 on Node 24). The nodes of such lists lie at power-of-two distances and evict
 * each other from the cache.
 *
 * Coalescing is eager: two buddies are never free at the same time, so releasing everything leaves one block.
 */
export class BuddyBlocks implements BlockSource {
  /** Number of splits so far. Each turned one block into two. */
  splits = 0;
  /** Number of coalesces so far. Each turned two buddies into one block. */
  coalesces = 0;
  private readonly maxOrder: number;
  /** One free block of each order whose bit is set in `withSpare`. These blocks are not in the bitmaps. */
  private readonly spares: Int32Array;
  private withSpare = 0;
  /** The other free blocks of each order. Orders that have any have their bit set in `withMore`. */
  private readonly more: readonly FreeBitmap[];
  private withMore = 0;

  constructor(maxOrder: number) {
    this.maxOrder = maxOrder;
    this.spares = new Int32Array(maxOrder + 1);
    this.more = Array.from({ length: maxOrder + 1 }, (_, order) => FreeBitmap.empty(2 ** (maxOrder - order)));
    this.add(0, maxOrder);
  }

  /** Claims a block of `order`, or splits the smallest larger block when none is free. Returns -1 when nothing fits. */
  claim(order: number): number {
    const usable = (this.withSpare | this.withMore) & (-1 << order);
    if (usable === 0) return -1;
    const lowest = usable & -usable;
    let from = 31 - Math.clz32(lowest);
    const block = this.take(from, lowest);
    if (from === order) return block;
    const { spares } = this;
    this.splits += from - order;
    this.withSpare |= lowest - (1 << order);
    do {
      from--;
      spares[from] = block + (1 << from);
    } while (from > order);
    return block;
  }

  /** Releases a claimed block, and coalesces it with its buddy for as long as the buddy is free. */
  release(block: number, order: number): number {
    const { spares, maxOrder } = this;
    const first = order;
    for (; order < maxOrder; order++) {
      const bit = 1 << order;
      const buddy = block ^ bit;
      if ((this.withSpare & bit) !== 0 && spares[order] === buddy) this.withSpare ^= bit;
      else if ((this.withMore & bit) === 0 || !this.takeBuddy(buddy, order)) break;
      block &= buddy;
    }
    this.coalesces += order - first;
    this.add(block, order);
    return order;
  }

  largestFreeOrder(): number {
    return 31 - Math.clz32(this.withSpare | this.withMore);
  }

  visitFree(visit: (block: number, order: number) => void): void {
    for (let order = 0; order <= this.maxOrder; order++) {
      const bit = 1 << order;
      if ((this.withSpare & bit) !== 0) visit(this.spares[order] as number, order);
      if ((this.withMore & bit) !== 0)
        (this.more[order] as FreeBitmap).visitFree((entry) => visit(entry << order, order));
    }
  }

  /** Number of free units in the block `region` of order `regionOrder`. Counts only blocks smaller than the region. */
  freeUnitsWithin(region: number, regionOrder: number): number {
    const end = region + (1 << regionOrder);
    let units = 0;
    for (let order = 0; order < regionOrder; order++) {
      const bit = 1 << order;
      const spare = this.spares[order] as number;
      if ((this.withSpare & bit) !== 0 && spare >= region && spare < end) units += bit;
      if ((this.withMore & bit) === 0) continue;
      units += (this.more[order] as FreeBitmap).countWithin(region >>> order, end >>> order) << order;
    }
    return units;
  }

  /** Claims every smaller free block in the block `region` of order `regionOrder`, and passes each to `onClaim`. */
  claimWithin(region: number, regionOrder: number, onClaim: (block: number, order: number) => void): void {
    const end = region + (1 << regionOrder);
    for (let order = 0; order < regionOrder; order++) {
      const bit = 1 << order;
      const spare = this.spares[order] as number;
      if ((this.withSpare & bit) !== 0 && spare >= region && spare < end) {
        this.withSpare ^= bit;
        onClaim(spare, order);
      }
      if ((this.withMore & bit) === 0) continue;
      const bitmap = this.more[order] as FreeBitmap;
      bitmap.claimWithin(region >>> order, end >>> order, (entry) => onClaim(entry << order, order));
      if (bitmap.isEmpty) this.withMore ^= bit;
    }
  }

  private take(order: number, bit: number): number {
    if ((this.withSpare & bit) !== 0) {
      this.withSpare ^= bit;
      return this.spares[order] as number;
    }
    const bitmap = this.more[order] as FreeBitmap;
    const block = bitmap.claim() << order;
    if (bitmap.isEmpty) this.withMore ^= bit;
    return block;
  }

  private takeBuddy(buddy: number, order: number): boolean {
    const bitmap = this.more[order] as FreeBitmap;
    if (!bitmap.claimExact(buddy >>> order)) return false;
    if (bitmap.isEmpty) this.withMore ^= 1 << order;
    return true;
  }

  private add(block: number, order: number): void {
    const bit = 1 << order;
    if ((this.withSpare & bit) === 0) {
      this.withSpare |= bit;
      this.spares[order] = block;
    } else {
      this.withMore |= bit;
      (this.more[order] as FreeBitmap).release(block >>> order);
    }
  }
}
