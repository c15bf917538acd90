import { checkInteger } from '../base/check.js';
import { BuildError } from '../base/errors.js';

/** Whether `value` is a power of two that is at least 1. Bit operations would not do: they end at 2^31. */
function isPowerOfTwo(value: number): boolean {
  return value >= 1 && nextPowerOfTwo(value) === value;
}

/** The smallest power of two that is at least `value`. The `value` must be at least 1. */
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
 * Returns `alignment` if it is a power of two.
 * @throws BuildError INVALID_ALIGNMENT unless it is a power of two; TypeError or RangeError unless it is a positive
 *   integer
 */
export function checkAlignment(alignment: number): number {
  checkInteger(alignment, 'alignment', 1);
  if (!isPowerOfTwo(alignment)) {
    throw new BuildError('INVALID_ALIGNMENT', `alignment must be a power of two, got ${alignment}`);
  }
  return alignment;
}

/** Returns `size`, in bytes. @throws BuildError SIZE_OVERFLOW when it is not a safe integer */
export function checkSize(size: number): number {
  if (!Number.isSafeInteger(size)) {
    throw new BuildError('SIZE_OVERFLOW', `an arena of ${size} bytes is too large; the limit is 2**53 - 1 bytes`);
  }
  return size;
}

/**
 * The shape of a buddy arena: `totalSize` bytes in `2 ** maxOrder` blocks of `minBlockSize` bytes. A geometry is valid
 * when it is made, and it never changes.
 */
export class BuddyGeometry {
  /** Bytes that the arena manages. */
  readonly totalSize: number;
  /** Size of the smallest block in bytes, a power of two. */
  readonly minBlockSize: number;
  /** Order of the largest block, which is the whole arena. */
  readonly maxOrder: number;
  /** Every block starts at a multiple of this many bytes, a power of two. */
  readonly alignment: number;
  /** Whether the capacity of a buffer is the requested length, and not its whole block. */
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
   * A shape of exactly these sizes.
   * @param total size of the arena in bytes, a power-of-two multiple of `minBlock`
   * @param minBlock size of the smallest block in bytes, a power of two
   * @throws BuildError INVALID_GEOMETRY when the sizes are not such powers of two; TypeError or RangeError unless both
   *   are positive integers
   */
  static exact(total: number, minBlock: number): BuddyGeometry {
    checkInteger(total, 'total', 1);
    checkInteger(minBlock, 'minBlock', 1);
    if (!isPowerOfTwo(minBlock) || total < minBlock || !isPowerOfTwo(total / minBlock)) {
      throw new BuildError(
        'INVALID_GEOMETRY',
        `minBlock must be a power of two and total a power-of-two multiple of it, got ${minBlock} and ${total} bytes`,
      );
    }
    return new BuddyGeometry(total, minBlock, 1, false);
  }

  /**
   * The smallest shape that holds `total` bytes in blocks of at least `minBlock` bytes. Buffers of this arena have
   * exactly the capacity that was requested.
   * @throws BuildError SIZE_OVERFLOW when the size is not a safe integer after rounding up; TypeError or RangeError
   *   unless both are positive integers
   */
  static nearest(total: number, minBlock: number): BuddyGeometry {
    checkInteger(total, 'total', 1);
    checkInteger(minBlock, 'minBlock', 1);
    return snapped(total, nextPowerOfTwo(minBlock), 1);
  }

  /**
   * The same shape with blocks aligned to `alignment` bytes, a power of two. If the smallest block of a `nearest` shape
   * is smaller than that, it grows to the alignment.
   * @throws BuildError INVALID_ALIGNMENT unless it is a power of two; INVALID_GEOMETRY when the smallest block of an
   *   `exact` shape is smaller than the alignment; SIZE_OVERFLOW when the size is not a safe integer after rounding up
   */
  withAlignment(alignment: number): BuddyGeometry {
    checkAlignment(alignment);
    if (alignment <= this.minBlockSize) {
      return new BuddyGeometry(this.totalSize, this.minBlockSize, alignment, this.capsCapacity);
    }
    if (!this.capsCapacity) {
      throw new BuildError(
        'INVALID_GEOMETRY',
        `blocks of ${this.minBlockSize} bytes cannot be aligned to ${alignment} bytes; use larger blocks`,
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
