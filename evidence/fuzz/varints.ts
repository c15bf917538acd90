import type { Bytes } from 'arena-alligator';
import type { Dice } from './dice.js';
import { anyBigInt } from './hostile.js';
import { Fails } from './outcome.js';
import type { Writable } from './scalars.js';

// The model of varints: base 128 with the low digits first, in bigints, as the specification of Protocol Buffers
// defines it.

interface VarintReader {
  readonly name: string;
  get(bytes: Bytes): number | bigint;
  /** The largest varint that it reads, as an unsigned number. */
  readonly max: bigint;
  read(varint: bigint): number | bigint;
}

interface VarintWriter {
  readonly name: string;
  put(buffer: Writable, value: unknown): unknown;
  readonly min: bigint;
  readonly max: bigint;
  varintOf(value: bigint): bigint;
}

const MOST_BYTES = 10;
const MAX_SAFE = 2n ** 53n - 1n;

export const VARINT_READERS: readonly VarintReader[] = [
  { name: 'getVarint', get: (r) => r.getVarint(), max: MAX_SAFE, read: Number },
  { name: 'getVarint64', get: (r) => r.getVarint64(), max: 2n ** 64n - 1n, read: (varint) => varint },
  {
    name: 'getZigzag',
    get: (r) => r.getZigzag(),
    max: MAX_SAFE,
    read: (varint) => Number((varint >> 1n) ^ -(varint & 1n)),
  },
];

export const VARINT_WRITERS: readonly VarintWriter[] = [
  {
    name: 'putVarint',
    put: (w, v) => w.putVarint(v as bigint),
    min: 0n,
    max: 2n ** 64n - 1n,
    varintOf: (value) => value,
  },
  {
    name: 'putZigzag',
    put: (w, v) => w.putZigzag(v as bigint),
    min: -(2n ** 63n),
    max: 2n ** 63n - 1n,
    varintOf: (value) => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)),
  },
];

export function encodeVarint(value: bigint): number[] {
  const digits: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest /= 128n) digits.push(Number(rest % 128n) + 128);
  return [...digits, Number(rest)];
}

/** The varint at `from`; undefined when it has no end within the bytes or within 10 bytes. */
export function decodeVarint(bytes: Uint8Array, from: number): { value: bigint; size: number } | undefined {
  let value = 0n;
  for (let size = 1; size <= MOST_BYTES; size++) {
    const byte = bytes[from + size - 1];
    if (byte === undefined) return undefined;
    value += BigInt(byte % 128) * 128n ** BigInt(size - 1);
    if (byte < 128) return { value, size };
  }
  return undefined;
}

/** A value that a varint of some length just holds, or just does not. */
function anyMagnitude(dice: Dice): bigint {
  const bits = BigInt(dice.pick([1, 7, 14, 21, 28, 32, 35, 42, 49, 53, 56, 63, 64]));
  return dice.oneIn(3) ? BigInt(dice.next()) * BigInt(dice.next()) : 2n ** bits - BigInt(dice.below(3));
}

/** A value for a writer, as a number or a bigint. If `isHostile`, it may be out of range, or anything. */
export function anyVarint({ min, max }: VarintWriter, dice: Dice, isHostile: boolean): unknown {
  if (isHostile && dice.oneIn(4)) return anyBigInt(dice);
  const magnitude = anyMagnitude(dice);
  const value = min < 0n && dice.oneIn(2) ? -magnitude : magnitude;
  const isNumber = dice.oneIn(2);
  const valid = isHostile || (value >= min && value <= max) ? value : dice.pick([min, max]);
  return isNumber && (isHostile || (valid <= MAX_SAFE && valid >= -MAX_SAFE)) ? Number(valid) : valid;
}

/** The failure that writing must throw because of `value`; 0 for a valid value. */
export function refusalOfVarint({ min, max }: VarintWriter, value: unknown): number {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return Fails.Type;
  const exact = BigInt(value as number);
  return exact < min || exact > max ? Fails.Range : 0;
}

/**
 * A few varints in a row. Most are well-formed. Some are longer than they must be, too large or too long, and the last
 * one may be cut off.
 */
export function varintRow(dice: Dice): Uint8Array {
  const bytes: number[] = [];
  for (let count = 1 + dice.below(4); count > 0; count--) {
    const varint = encodeVarint(anyMagnitude(dice));
    const last = varint.length - 1;
    if (dice.oneIn(4)) varint[last] = (varint[last] ?? 0) + 128;
    if (dice.oneIn(6)) while (varint.length < MOST_BYTES + dice.below(3)) varint.push(128);
    // A digit that ends the varint, unless this is the last one.
    if ((varint.at(-1) ?? 0) >= 128 && (count > 1 || dice.oneIn(2))) varint.push(dice.oneIn(2) ? 0 : dice.below(128));
    bytes.push(...varint);
  }
  return Uint8Array.from(bytes);
}
