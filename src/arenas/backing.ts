import { checkInteger, describe, extentOf, isBuffer, lengthOfBuffer } from '../base/check.js';
import { BuildError } from '../base/errors.js';
import type { Placement } from '../base/modes.js';
import { alignDown, alignUp, nextPowerOfTwo } from '../blocks/geometry.js';
import { type GrowableMemory, isShared, Memory } from '../memory/memory.js';
import { sharedBuffer } from '../shared/control.js';

/** Memory that an arena can be built over: a whole buffer, or the window of a view. */
export type BackingMemory = ArrayBufferLike | ArrayBufferView | GrowableMemory;

/** The number or the size of the slots over memory that you provide. Alignment and division round down. */
export class SlotSpec {
  private readonly slotCount: number | undefined;
  private readonly slotSize: number | undefined;

  private constructor(slotCount: number | undefined, slotSize: number | undefined) {
    this.slotCount = slotCount;
    this.slotSize = slotSize;
  }

  /** `slotCount` equal slots, as large as they fit. */
  static count(slotCount: number): SlotSpec {
    return new SlotSpec(checkInteger(slotCount, 'slotCount', 1), undefined);
  }

  /** Slots of `byteCount` bytes, as many as fit. */
  static size(byteCount: number): SlotSpec {
    return new SlotSpec(undefined, checkInteger(byteCount, 'byteCount', 1));
  }

  /**
   * @internal The slots in `available` bytes.
   * @throws BuildError ZERO_USABLE_SLOTS or SLOT_SIZE_EXCEEDS_BACKING
   */
  resolve(available: number, alignment: number): { slotCount: number; slotCapacity: number } {
    const { slotCount, slotSize = 0 } = this;
    const slotCapacity = alignDown(slotCount === undefined ? slotSize : available / slotCount, alignment);
    if (slotCapacity === 0) throw noUsableSlots(available);
    if (slotCapacity > available) {
      throw new BuildError(
        'SLOT_SIZE_EXCEEDS_BACKING',
        `a slot of ${slotCapacity} bytes does not fit into the ${available} bytes of memory`,
      );
    }
    return { slotCount: slotCount ?? Math.floor(available / slotCapacity), slotCapacity };
  }
}

/** The shape of the blocks over memory that you provide. */
export class BuddyHint {
  private readonly smallest: number;

  private constructor(smallest: number) {
    this.smallest = smallest;
  }

  /** Smallest blocks of `byteCount` bytes, rounded up to a power of two. It is rounded down when only that fits. */
  static minAlloc(byteCount: number): BuddyHint {
    return new BuddyHint(checkInteger(byteCount, 'byteCount', 1));
  }

  /**
   * @internal The largest buddy shape in `available` bytes.
   * @throws BuildError ZERO_USABLE_SLOTS
   */
  resolve(available: number, alignment: number): { totalSize: number; minBlockSize: number } {
    let minBlockSize = nextPowerOfTwo(this.smallest);
    if (minBlockSize > available && minBlockSize !== this.smallest) minBlockSize /= 2;
    minBlockSize = Math.max(minBlockSize, alignment);
    if (minBlockSize > available) throw noUsableSlots(available);
    let totalSize = minBlockSize;
    while (totalSize * 2 <= available) totalSize *= 2;
    return { totalSize, minBlockSize };
  }
}

function noUsableSlots(available: number): BuildError {
  return new BuildError('ZERO_USABLE_SLOTS', `no usable slot or block fits into the ${available} bytes of memory`);
}

/** The offset of the first aligned byte in a window, and the number of bytes from there on. */
export interface Backing {
  readonly base: number;
  readonly available: number;
}

/**
 * The library's view of the caller's memory. Nothing is written.
 * @throws TypeError for other values; BuildError INVALID_BACKING when the memory is detached, SIZE_OVERFLOW when it is
 *   larger than the runtime's largest view
 */
export function backingMemory(source: BackingMemory): Memory {
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = viewExtent(source);
    return attached(buffer, byteOffset, byteLength);
  }
  if (isBuffer(source)) return attached(source, 0, lengthOfBuffer(source));
  if (isGrowable(source)) return attached(source.buffer, 0, source.buffer.byteLength, source);
  throw new TypeError(
    `memory must be an ArrayBuffer, a SharedArrayBuffer, a view or a WebAssembly.Memory, got ${describe(source)}`,
  );
}

/**
 * Skips to the first multiple of `alignment` in the buffer. The bytes before it stay unused, like the tail.
 * @throws BuildError INVALID_BACKING when the memory has been detached
 */
export function alignedBacking(memory: Memory, alignment: number): Backing {
  if (memory.isGone) throw new BuildError('INVALID_BACKING', 'the memory is detached');
  const base = alignUp(memory.byteOffset, alignment) - memory.byteOffset;
  return { base, available: Math.max(0, memory.byteLength - base) };
}

/** Fresh zeroed memory for an arena. @throws BuildError SIZE_OVERFLOW when the runtime refuses that much */
export function ownMemory(byteLength: number, placement: Placement): Memory {
  try {
    if (placement === 'apart') return new Memory(new Uint8Array(0));
    if (placement === 'shared') return new Memory(new Uint8Array(sharedBuffer(byteLength)), true);
    return new Memory(new Uint8Array(byteLength));
  } catch (cause) {
    if (cause instanceof BuildError) throw cause;
    throw new BuildError('SIZE_OVERFLOW', `the runtime refuses an arena of ${byteLength} bytes`, { cause });
  }
}

function isGrowable(source: unknown): source is GrowableMemory {
  return typeof WebAssembly === 'object' && source instanceof WebAssembly.Memory;
}

function viewExtent(view: ArrayBufferView): ReturnType<typeof extentOf> {
  try {
    return extentOf(view);
  } catch (cause) {
    throw new BuildError('INVALID_BACKING', 'the memory is detached', { cause });
  }
}

function attached(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, growable?: GrowableMemory): Memory {
  try {
    return new Memory(new Uint8Array(buffer, byteOffset, byteLength), isShared(buffer), growable);
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new BuildError('SIZE_OVERFLOW', `the runtime cannot make a view of ${byteLength} bytes`, { cause });
    }
    throw new BuildError('INVALID_BACKING', 'the memory is detached', { cause });
  }
}
