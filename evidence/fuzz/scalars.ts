import type { ArenaBuffer, Bytes, BytesMut } from 'arena-alligator';
import type { Dice } from './dice.js';
import { anyBigInt, anything } from './hostile.js';
import { Fails, refusalOfInteger } from './outcome.js';

export type Writable = ArenaBuffer | BytesMut;

/** A kind of field: its writer, its reader, and the calls of a DataView that do the same. */
export interface Scalar {
  readonly name: string;
  readonly kind: 'int' | 'big' | 'float';
  readonly size: number;
  readonly min: number | bigint;
  readonly max: number | bigint;
  put(buffer: Writable, value: unknown): unknown;
  get(bytes: Bytes): number | bigint;
  /** Reads at an index, and consumes nothing. */
  peek(bytes: Bytes, index: unknown): number | bigint;
  set(data: DataView, value: unknown): void;
  read(data: DataView, at: number): number | bigint;
}

const int = (bits: number, isSigned: boolean): Pick<Scalar, 'kind' | 'size' | 'min' | 'max'> => ({
  kind: 'int',
  size: bits / 8,
  min: isSigned ? -(2 ** (bits - 1)) : 0,
  max: isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1,
});
const big = (isSigned: boolean): Pick<Scalar, 'kind' | 'size' | 'min' | 'max'> => ({
  kind: 'big',
  size: 8,
  min: isSigned ? -(2n ** 63n) : 0n,
  max: isSigned ? 2n ** 63n - 1n : 2n ** 64n - 1n,
});
const float = (size: number): Pick<Scalar, 'kind' | 'size' | 'min' | 'max'> => ({
  kind: 'float',
  size,
  min: 0,
  max: 0,
});

const n = (value: unknown): number => value as number;
const b = (value: unknown): bigint => value as bigint;

// biome-ignore format: a table
export const WRITERS: readonly Scalar[] = [
  { name: 'U8', ...int(8, false), put: (w, v) => w.putU8(n(v)), get: (r) => r.getU8(), peek: (r, i) => r.getU8At(n(i)), set: (d, v) => d.setUint8(0, n(v)), read: (d, at) => d.getUint8(at) },
  { name: 'I8', ...int(8, true), put: (w, v) => w.putI8(n(v)), get: (r) => r.getI8(), peek: (r, i) => r.getI8At(n(i)), set: (d, v) => d.setInt8(0, n(v)), read: (d, at) => d.getInt8(at) },
  { name: 'U16', ...int(16, false), put: (w, v) => w.putU16(n(v)), get: (r) => r.getU16(), peek: (r, i) => r.getU16At(n(i)), set: (d, v) => d.setUint16(0, n(v)), read: (d, at) => d.getUint16(at) },
  { name: 'U16Le', ...int(16, false), put: (w, v) => w.putU16Le(n(v)), get: (r) => r.getU16Le(), peek: (r, i) => r.getU16LeAt(n(i)), set: (d, v) => d.setUint16(0, n(v), true), read: (d, at) => d.getUint16(at, true) },
  { name: 'I16', ...int(16, true), put: (w, v) => w.putI16(n(v)), get: (r) => r.getI16(), peek: (r, i) => r.getI16At(n(i)), set: (d, v) => d.setInt16(0, n(v)), read: (d, at) => d.getInt16(at) },
  { name: 'I16Le', ...int(16, true), put: (w, v) => w.putI16Le(n(v)), get: (r) => r.getI16Le(), peek: (r, i) => r.getI16LeAt(n(i)), set: (d, v) => d.setInt16(0, n(v), true), read: (d, at) => d.getInt16(at, true) },
  { name: 'U32', ...int(32, false), put: (w, v) => w.putU32(n(v)), get: (r) => r.getU32(), peek: (r, i) => r.getU32At(n(i)), set: (d, v) => d.setUint32(0, n(v)), read: (d, at) => d.getUint32(at) },
  { name: 'U32Le', ...int(32, false), put: (w, v) => w.putU32Le(n(v)), get: (r) => r.getU32Le(), peek: (r, i) => r.getU32LeAt(n(i)), set: (d, v) => d.setUint32(0, n(v), true), read: (d, at) => d.getUint32(at, true) },
  { name: 'I32', ...int(32, true), put: (w, v) => w.putI32(n(v)), get: (r) => r.getI32(), peek: (r, i) => r.getI32At(n(i)), set: (d, v) => d.setInt32(0, n(v)), read: (d, at) => d.getInt32(at) },
  { name: 'I32Le', ...int(32, true), put: (w, v) => w.putI32Le(n(v)), get: (r) => r.getI32Le(), peek: (r, i) => r.getI32LeAt(n(i)), set: (d, v) => d.setInt32(0, n(v), true), read: (d, at) => d.getInt32(at, true) },
  { name: 'U64', ...big(false), put: (w, v) => w.putU64(b(v)), get: (r) => r.getU64(), peek: (r, i) => r.getU64At(n(i)), set: (d, v) => d.setBigUint64(0, b(v)), read: (d, at) => d.getBigUint64(at) },
  { name: 'U64Le', ...big(false), put: (w, v) => w.putU64Le(b(v)), get: (r) => r.getU64Le(), peek: (r, i) => r.getU64LeAt(n(i)), set: (d, v) => d.setBigUint64(0, b(v), true), read: (d, at) => d.getBigUint64(at, true) },
  { name: 'I64', ...big(true), put: (w, v) => w.putI64(b(v)), get: (r) => r.getI64(), peek: (r, i) => r.getI64At(n(i)), set: (d, v) => d.setBigInt64(0, b(v)), read: (d, at) => d.getBigInt64(at) },
  { name: 'I64Le', ...big(true), put: (w, v) => w.putI64Le(b(v)), get: (r) => r.getI64Le(), peek: (r, i) => r.getI64LeAt(n(i)), set: (d, v) => d.setBigInt64(0, b(v), true), read: (d, at) => d.getBigInt64(at, true) },
  { name: 'F32', ...float(4), put: (w, v) => w.putF32(n(v)), get: (r) => r.getF32(), peek: (r, i) => r.getF32At(n(i)), set: (d, v) => d.setFloat32(0, n(v)), read: (d, at) => d.getFloat32(at) },
  { name: 'F32Le', ...float(4), put: (w, v) => w.putF32Le(n(v)), get: (r) => r.getF32Le(), peek: (r, i) => r.getF32LeAt(n(i)), set: (d, v) => d.setFloat32(0, n(v), true), read: (d, at) => d.getFloat32(at, true) },
  { name: 'F64', ...float(8), put: (w, v) => w.putF64(n(v)), get: (r) => r.getF64(), peek: (r, i) => r.getF64At(n(i)), set: (d, v) => d.setFloat64(0, n(v)), read: (d, at) => d.getFloat64(at) },
  { name: 'F64Le', ...float(8), put: (w, v) => w.putF64Le(n(v)), get: (r) => r.getF64Le(), peek: (r, i) => r.getF64LeAt(n(i)), set: (d, v) => d.setFloat64(0, n(v), true), read: (d, at) => d.getFloat64(at, true) },
];

/** A value for a field: at its bounds or within them. If `isHostile`, it may be anything. */
export function anyValue({ kind, min, max, size }: Scalar, dice: Dice, isHostile: boolean): unknown {
  if (isHostile && dice.oneIn(4)) return kind === 'big' ? anyBigInt(dice) : anything(dice);
  if (kind === 'big') return dice.oneIn(4) ? dice.pick([min, max]) : BigInt(dice.next());
  if (kind === 'float') return dice.next() / 64 - 2 ** 20;
  if (dice.oneIn(4)) return dice.pick([min, max]);
  return (min as number) + Math.floor((dice.next() / 2 ** 32) * 2 ** (8 * size));
}

/** The failure that writing must throw because of `value`; 0 for a valid value. */
export function refusalOfValue({ kind, min, max }: Scalar, value: unknown): number {
  if (kind === 'float') return typeof value === 'number' ? 0 : Fails.Type;
  if (kind === 'int') return refusalOfInteger(value, min as number, max as number);
  if (typeof value !== 'bigint') return Fails.Type;
  return value < min || value > max ? Fails.Range : 0;
}

/** Writes `value` at the start of `data` as a DataView does. */
export function encode(scalar: Scalar, data: DataView, value: unknown): void {
  scalar.set(data, value);
}
