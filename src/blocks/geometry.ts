import { checkInteger } from '../base/check.js';
import { BuildError } from '../base/errors.js';

/** Whether `value` is a power of two that is at least 1. Not by bits: those end at 2^31. */
function isPowerOfTwo(value: number): boolean {
  return value >= 1 && nextPowerOfTwo(value) === value;
}

/** The smallest power of two that is at least `value`, which is at least 1. */
export function nextPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** `value` rounded up to a multiple of `alignment`, a power of two. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** `value` rounded down to a multiple of `alignment`, a power of two. */
export function alignDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment;
}

/**
 * Returns `alignment`.
 * @throws TypeError or RangeError unless it is a positive integer, BuildError INVALID_ALIGNMENT unless a power of two.
 */
export function checkAlignment(alignment: number): number {
  checkInteger(alignment, 'alignment', 1);
  if (!isPowerOfTwo(alignment)) {
    throw new BuildError('INVALID_ALIGNMENT', `alignment must be a power of two, got ${alignment}`);
  }
  return alignment;
}

/** Returns `size`, in bytes. @throws BuildError SIZE_OVERFLOW when it is no safe integer. */
export function checkSize(size: number): number {
  if (!Number.isSafeInteger(size)) {
    throw new BuildError('SIZE_OVERFLOW', `an arena of ${size} bytes is larger than can be counted`);
  }
  return size;
}

/**
 * The shape of a buddy arena: `totalSize` bytes are `2 ** maxOrder` blocks of `minBlockSize` bytes. Immutable and
 * valid from construction on.
 */
export class BuddyGeometry {
  /** Bytes managed. */
  readonly totalSize: number;
  /** Bytes of the smallest block, a power of two. */
  readonly minBlockSize: number;
  /** Order of the largest block: the whole arena. */
  readonly maxOrder: number;
  /** Every block starts at a multiple of this many bytes, a power of two. */
  readonly alignment: number;
  /** Whether a buffer shows the bytes that were asked for instead of its whole block. */
  readonly capsCapacity: boolean;

  private constructor(totalSize: number, minBlockSize: number, alignment: number, capsCapacity: boolean) {
    this.totalSize = totalSize;
    this.minBlockSize = minBlockSize;
    this.maxOrder = Math.log2(totalSize / minBlockSize); // exact for powers of two
    this.alignment = alignment;
    this.capsCapacity = capsCapacity;
    Object.freeze(this);
  }

  /**
   * A shape that was already chosen.
   * @param total bytes: a power-of-two multiple of `minBlock`
   * @param minBlock bytes, a power of two
   * @throws BuildError INVALID_GEOMETRY when they do not fit together; TypeError, RangeError for no positive integers
   */
  static exact(total: number, minBlock: number): BuddyGeometry {
    checkInteger(total, 'total', 1);
    checkInteger(minBlock, 'minBlock', 1);
    if (!isPowerOfTwo(minBlock) || total < minBlock || !isPowerOfTwo(total / minBlock)) {
      throw new BuildError(
        'INVALID_GEOMETRY',
        `${total} bytes are not a power-of-two multiple of a power-of-two block of ${minBlock} bytes`,
      );
    }
    return new BuddyGeometry(total, minBlock, 1, false);
  }

  /**
   * The smallest shape that holds `total` bytes in blocks of at least `minBlock`. Buffers of such an arena have just
   * the capacity that was asked for.
   * @throws BuildError SIZE_OVERFLOW when rounding up leaves the safe integers; TypeError, RangeError for no positive
   *   integers
   */
  static nearest(total: number, minBlock: number): BuddyGeometry {
    checkInteger(total, 'total', 1);
    checkInteger(minBlock, 'minBlock', 1);
    return snapped(total, nextPowerOfTwo(minBlock), 1);
  }

  /**
   * The same shape with blocks aligned to `alignment` bytes, a power of two. A `nearest` shape raises its smallest
   * block to the alignment.
   * @throws BuildError INVALID_ALIGNMENT unless a power of two; INVALID_GEOMETRY when an `exact` shape's smallest block
   *   is smaller; SIZE_OVERFLOW when rounding up leaves the safe integers
   */
  withAlignment(alignment: number): BuddyGeometry {
    checkAlignment(alignment);
    if (alignment <= this.minBlockSize) {
      return new BuddyGeometry(this.totalSize, this.minBlockSize, alignment, this.capsCapacity);
    }
    if (!this.capsCapacity) {
      throw new BuildError(
        'INVALID_GEOMETRY',
        `blocks of ${this.minBlockSize} bytes cannot be aligned to ${alignment} bytes`,
      );
    }
    return snapped(this.totalSize, alignment, alignment);
  }

  /** @internal */
  static of(totalSize: number, minBlockSize: number, alignment: number, capsCapacity: boolean): BuddyGeometry {
    return new BuddyGeometry(totalSize, minBlockSize, alignment, capsCapacity);
  }
}

function snapped(total: number, minBlockSize: number, alignment: number): BuddyGeometry {
  const blocks = nextPowerOfTwo(Math.ceil(total / minBlockSize));
  return BuddyGeometry.of(checkSize(blocks * minBlockSize), minBlockSize, alignment, true);
}
