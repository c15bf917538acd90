import type { BackingMemory } from 'arena-alligator';
import type { Dice } from './dice.js';
import { growableShared, resizableBuffer } from './hostile.js';
import { expectSame } from './outcome.js';

const GUARD = 0xa5;

/** Caller memory that an arena is built over, and what may happen to it. */
export interface Backing {
  readonly memory: BackingMemory;
  /** Size in bytes of the window that the arena may use. */
  readonly byteLength: number;
  readonly isShared: boolean;
  isGone: boolean;
  /** Detaches, shrinks or grows the memory. Undefined when this kind of memory supports none of these. */
  readonly disturb: ((backing: Backing) => void) | undefined;
  /** @throws Finding when a byte outside the window was written */
  checkGuards(): void;
}

/**
 * Memory of a random kind. Its window has `byteLength` bytes, except in two kinds: a Float64Array rounds the size down
 * to a multiple of 8, and a WebAssembly memory always offers one page.
 */
export function anyBacking(dice: Dice, byteLength: number): Backing {
  switch (dice.below(10)) {
    case 0:
      return window(new ArrayBuffer(byteLength), 0, byteLength, (buffer) => buffer);
    case 1:
      return window(new SharedArrayBuffer(byteLength), 0, byteLength, (buffer) => buffer);
    case 2:
      return window(
        new SharedArrayBuffer(byteLength + 40),
        13,
        byteLength,
        (buffer) => new Uint8Array(buffer, 13, byteLength),
      );
    case 3:
      return window(new ArrayBuffer(byteLength + 64), 32, byteLength, (buffer) => new DataView(buffer, 32, byteLength));
    case 4: {
      const whole = byteLength - (byteLength % 8);
      return window(new ArrayBuffer(whole + 64), 8, whole, (buffer) => new Float64Array(buffer, 8, whole / 8));
    }
    case 5:
      return resizable(dice, byteLength);
    case 6:
      return window(growableShared(byteLength, byteLength + 64), 0, byteLength, (buffer) => buffer);
    case 7:
      return detachable(byteLength);
    case 8:
      // Rare, because each WebAssembly memory reserves gigabytes of address space.
      if (dice.oneIn(16)) return webAssembly(dice);
      return window(new ArrayBuffer(byteLength + 7), 7, byteLength, (buffer) => Buffer.from(buffer, 7));
    default:
      return window(new ArrayBuffer(byteLength + 9), 3, byteLength, (buffer) => new Uint8Array(buffer, 3, byteLength));
  }
}

function window<Memory extends ArrayBufferLike>(
  buffer: Memory,
  byteOffset: number,
  byteLength: number,
  memoryOf: (buffer: Memory) => BackingMemory,
): Backing {
  const all = new Uint8Array(buffer);
  all.fill(GUARD, 0, byteOffset);
  all.fill(GUARD, byteOffset + byteLength);
  const size = all.length;
  return {
    memory: memoryOf(buffer),
    byteLength,
    isShared: buffer instanceof SharedArrayBuffer,
    isGone: false,
    disturb: undefined,
    checkGuards() {
      for (let at = 0; at < byteOffset; at++) expectSame(all[at], GUARD, 'a byte before the window');
      for (let at = byteOffset + byteLength; at < size; at++) expectSame(all[at], GUARD, 'a byte after the window');
    },
  };
}

function noGuards(): void {}

function resizable(dice: Dice, byteLength: number): Backing {
  const buffer = resizableBuffer(byteLength, byteLength + 64);
  const memory = dice.oneIn(2) ? buffer : new Uint8Array(buffer);
  const sizes = [byteLength + 64, byteLength, byteLength - 1, 0, byteLength];
  return {
    memory,
    byteLength,
    isShared: false,
    isGone: false,
    disturb(backing) {
      const size = sizes.shift() ?? 0;
      buffer.resize(size);
      if (size < byteLength) backing.isGone = true;
    },
    checkGuards: noGuards,
  };
}

function detachable(byteLength: number): Backing {
  const buffer = new ArrayBuffer(byteLength);
  return {
    memory: buffer,
    byteLength,
    isShared: false,
    isGone: false,
    disturb(backing) {
      if (!backing.isGone) structuredClone(buffer, { transfer: [buffer] });
      backing.isGone = true;
    },
    checkGuards: noGuards,
  };
}

const PAGE = 65_536;

function webAssembly(dice: Dice): Backing {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 8, shared: dice.oneIn(2) });
  let pages = 1;
  return {
    memory,
    byteLength: PAGE,
    isShared: memory.buffer instanceof SharedArrayBuffer,
    isGone: false,
    disturb() {
      if (pages++ < 8) memory.grow(1);
    },
    checkGuards: noGuards,
  };
}
