import type { Bytes } from 'arena-alligator';
import type { Dice } from './dice.js';
import { anything, integerUpTo } from './hostile.js';
import { Fails, refusalOfInteger } from './outcome.js';
import type { Writable } from './scalars.js';

/** Integers of 1 to 6 bytes: their writer, their reader, and the calls of a Node Buffer that do the same. */
export interface SizedInteger {
  readonly name: string;
  readonly isSigned: boolean;
  put(buffer: Writable, value: unknown, byteCount: unknown): unknown;
  get(bytes: Bytes, byteCount: unknown): number;
  write(data: Buffer, value: number): void;
  read(data: Buffer, at: number, byteCount: number): number;
}

/** A writer over bytes that are already written. */
export interface Setter {
  readonly name: string;
  readonly kind: SizedInteger;
  /** Undefined when it is an argument. */
  readonly size: number | undefined;
  set(buffer: Writable, at: unknown, value: unknown, byteCount: unknown): unknown;
}

const MOST_BYTES = 6;
const n = (value: unknown): number => value as number;

// biome-ignore-start format: tables
const UINT: SizedInteger = {
  name: 'Uint',
  isSigned: false,
  put: (w, v, c) => w.putUint(n(v), n(c)),
  get: (r, c) => r.getUint(n(c)),
  write: (d, v) => d.writeUIntBE(v, 0, d.length),
  read: (d, at, c) => d.readUIntBE(at, c),
};
const UINT_LE: SizedInteger = {
  name: 'UintLe',
  isSigned: false,
  put: (w, v, c) => w.putUintLe(n(v), n(c)),
  get: (r, c) => r.getUintLe(n(c)),
  write: (d, v) => d.writeUIntLE(v, 0, d.length),
  read: (d, at, c) => d.readUIntLE(at, c),
};

export const SIZED: readonly SizedInteger[] = [
  UINT,
  UINT_LE,
  {
    name: 'Int',
    isSigned: true,
    put: (w, v, c) => w.putInt(n(v), n(c)),
    get: (r, c) => r.getInt(n(c)),
    write: (d, v) => d.writeIntBE(v, 0, d.length),
    read: (d, at, c) => d.readIntBE(at, c),
  },
  {
    name: 'IntLe',
    isSigned: true,
    put: (w, v, c) => w.putIntLe(n(v), n(c)),
    get: (r, c) => r.getIntLe(n(c)),
    write: (d, v) => d.writeIntLE(v, 0, d.length),
    read: (d, at, c) => d.readIntLE(at, c),
  },
];

export const SETTERS: readonly Setter[] = [
  { name: 'setUint', kind: UINT, size: undefined, set: (w, at, v, c) => w.setUint(n(at), n(v), n(c)) },
  { name: 'setUintLe', kind: UINT_LE, size: undefined, set: (w, at, v, c) => w.setUintLe(n(at), n(v), n(c)) },
  { name: 'setU8', kind: UINT, size: 1, set: (w, at, v) => w.setU8(n(at), n(v)) },
  { name: 'setU16', kind: UINT, size: 2, set: (w, at, v) => w.setU16(n(at), n(v)) },
  { name: 'setU16Le', kind: UINT_LE, size: 2, set: (w, at, v) => w.setU16Le(n(at), n(v)) },
  { name: 'setU32', kind: UINT, size: 4, set: (w, at, v) => w.setU32(n(at), n(v)) },
  { name: 'setU32Le', kind: UINT_LE, size: 4, set: (w, at, v) => w.setU32Le(n(at), n(v)) },
];
// biome-ignore-end format: tables

/** How many bytes an integer has. If `isHostile`, it may be anything. */
export function anyByteCount(dice: Dice, isHostile: boolean): unknown {
  return isHostile && dice.oneIn(2) ? integerUpTo(dice, MOST_BYTES, true) : 1 + dice.below(MOST_BYTES);
}

export function refusalOfByteCount(byteCount: unknown): number {
  return refusalOfInteger(byteCount, 1, MOST_BYTES);
}

function bounds({ isSigned }: SizedInteger, byteCount: number): { min: number; max: number } {
  const range = 256 ** byteCount;
  return isSigned ? { min: -range / 2, max: range / 2 - 1 } : { min: 0, max: range - 1 };
}

/** A value for an integer: at its bounds or within them. If `isHostile`, it may be just outside, or anything. */
export function anySized(kind: SizedInteger, byteCount: unknown, dice: Dice, isHostile: boolean): unknown {
  const { min, max } = bounds(kind, refusalOfByteCount(byteCount) === 0 ? n(byteCount) : 1);
  if (isHostile && dice.oneIn(4)) return dice.oneIn(2) ? anything(dice) : dice.pick([min - 1, max + 1]);
  if (dice.oneIn(4)) return dice.pick([min, max]);
  return min + ((dice.next() * 2 ** 16 + dice.below(2 ** 16)) % (max - min + 1));
}

/** The failures that writing may choose from because of its arguments; 0 for valid ones. */
export function refusalOfSized(kind: SizedInteger, value: unknown, byteCount: unknown): number {
  const invalid = refusalOfByteCount(byteCount);
  if (invalid !== 0) return typeof value === 'number' ? invalid : invalid | Fails.Type;
  const { min, max } = bounds(kind, n(byteCount));
  return refusalOfInteger(value, min, max);
}

/** The bytes of a valid value, as a Node Buffer writes them. */
export function bytesOfSized(kind: SizedInteger, value: unknown, byteCount: unknown): Uint8Array {
  const bytes = Buffer.alloc(n(byteCount));
  kind.write(bytes, n(value));
  return bytes;
}
