import type { Dice } from './dice.js';
import { Marker } from './outcome.js';

/** What a hostile value does when one of its members is used. The running program sets it. */
export const reentry: { run: () => void; happened: boolean } = { run: () => undefined, happened: false };

function reenter(): void {
  reentry.happened = true;
  reentry.run();
}

function fail(): never {
  throw new Marker('a hostile value was used');
}

/** `throwing` throws on every conversion. `reentrant` calls back into the arena when it is converted to a number. */
const throwing: object = { valueOf: fail, toString: fail, [Symbol.toPrimitive]: fail };
const reentrant: object = {
  valueOf(): number {
    reenter();
    return 1;
  },
  toString: (): string => 'hostile',
};
const trap: object = new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail });

const NO_NUMBERS: readonly unknown[] = [
  undefined,
  null,
  '5',
  '',
  true,
  1n,
  2n ** 70n,
  Symbol('hostile'),
  [],
  [1],
  {},
  throwing,
  reentrant,
  trap,
  fail,
  new Date(0),
];
const ODD_NUMBERS: readonly number[] = [
  Number.NaN,
  -0,
  0,
  1,
  1.5,
  -1,
  0.1,
  -1.5,
  2 ** 31,
  2 ** 32,
  2 ** 32 + 1,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 60,
  -(2 ** 31),
  -(2 ** 53),
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.MIN_VALUE,
  Number.MAX_VALUE,
];
const BIGINTS: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
];

/** Anything: half of the time an unusual number, otherwise no number at all. */
export function anything(dice: Dice): unknown {
  return dice.oneIn(2) ? dice.pick(NO_NUMBERS) : dice.pick(ODD_NUMBERS);
}

/** An integer from 0 to `limit`. If `isHostile`, it may also be `limit + 1` or anything else. */
export function integerUpTo(dice: Dice, limit: number, isHostile: boolean): unknown {
  const choice = dice.below(isHostile ? 12 : 8);
  if (choice > 8) return anything(dice);
  if (choice === 0) return limit;
  if (choice === 1) return isHostile ? limit + 1 : 0;
  return dice.below(limit + 1);
}

export function anyBigInt(dice: Dice): unknown {
  return dice.oneIn(8) ? anything(dice) : dice.pick(BIGINTS);
}

const TEXTS: readonly string[] = [
  '',
  'a',
  'plain text',
  'ß',
  '日本',
  '😀',
  '\ud800',
  '\udc00x',
  '\udc00\ud800',
  'x'.repeat(40),
  'é'.repeat(30),
];

export function anyText(dice: Dice, isHostile: boolean): unknown {
  return isHostile && dice.oneIn(6) ? anything(dice) : dice.pick(TEXTS);
}

/** Lies about itself, and throws or calls back into the arena when it is read. It keeps the bytes it was made with. */
class Liar extends Uint8Array {
  override get length(): number {
    reenter();
    return 2 ** 31;
  }

  override get byteLength(): number {
    return fail();
  }

  override get byteOffset(): number {
    reenter();
    return 2 ** 20;
  }

  override get buffer(): ArrayBuffer {
    return fail();
  }

  static get [Symbol.species](): Uint8ArrayConstructor {
    return fail();
  }
}

interface Resizable extends ArrayBuffer {
  resize(byteLength: number): void;
}

export function resizableBuffer(byteLength: number, maxByteLength: number): Resizable {
  const Constructor = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => Resizable;
  return new Constructor(byteLength, { maxByteLength });
}

export function growableShared(
  byteLength: number,
  maxByteLength: number,
): SharedArrayBuffer & { grow(to: number): void } {
  const Constructor = SharedArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => SharedArrayBuffer & { grow(to: number): void };
  return new Constructor(byteLength, { maxByteLength });
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

const patterned: Uint8Array = Uint8Array.from({ length: 4096 }, (_, at) => (at * 31 + 7) & 0xff);

/** A plain source of at most `limit` bytes. */
export function plainSource(dice: Dice, limit: number): Uint8Array {
  const length = dice.below(limit + 1);
  const at = dice.below(patterned.length - length);
  return patterned.subarray(at, at + length);
}

/**
 * A value for a bytes argument. If `isBytes`, the library must accept it, and use its true bytes, not what it claims.
 */
export interface Source {
  readonly value: unknown;
  readonly isBytes: boolean;
}

const DETACHED = detached();

// Made once: each takes separate pages, and costs the collector much time.
const SHRUNK: readonly Uint8Array[] = Array.from({ length: 32 }, (_, length) => {
  const buffer = resizableBuffer(length + 1, 64);
  const tracking = new Uint8Array(buffer);
  tracking.set(patterned.subarray(0, length));
  buffer.resize(length);
  return tracking;
});
const GROWN: readonly Uint8Array[] = Array.from({ length: 32 }, (_, length) => {
  const buffer = growableShared(length >> 1, 64);
  const tracking = new Uint8Array(buffer);
  tracking.set(patterned.subarray(0, length >> 1));
  if (length % 2 === 1) Object.defineProperty(buffer, 'growable', { get: hostileGrowable });
  buffer.grow(length);
  return tracking;
});
const CUT_OFF = cutOff();

/** A view that lies outside its buffer, because the buffer shrank. */
function cutOff(): Uint8Array {
  const buffer = resizableBuffer(16, 16);
  const view = new Uint8Array(buffer, 8, 8);
  buffer.resize(4);
  return view;
}

/** An array of `pool` with at most `limit` bytes. */
function ofPool(pool: readonly Uint8Array[], limit: number, dice: Dice): Uint8Array {
  return pool[dice.below(Math.min(limit + 1, pool.length))] ?? CUT_OFF;
}

/** A value for an argument that should be bytes. */
export function hostileSource(dice: Dice, limit: number): Source {
  const plain = plainSource(dice, limit);
  switch (dice.below(14)) {
    case 0:
      return { value: new Liar(plain), isBytes: true };
    case 1:
      return { value: DETACHED, isBytes: true };
    case 2:
      return { value: ofPool(SHRUNK, limit, dice), isBytes: true };
    case 3:
      return { value: ofPool(GROWN, limit, dice), isBytes: true };
    case 4:
      return { value: Buffer.from(plain), isBytes: true };
    case 5:
      return { value: CUT_OFF, isBytes: true };
    case 6:
      return { value: new Proxy(plain, {}), isBytes: false };
    case 7:
      return { value: Object.create(plain), isBytes: false };
    case 8:
      return { value: Uint8ClampedArray.from(plain), isBytes: false };
    case 9:
      return { value: new DataView(new ArrayBuffer(4)), isBytes: false };
    case 10:
      return { value: { length: 2, 0: 1, 1: 2, [Symbol.toStringTag]: 'Uint8Array' }, isBytes: false };
    case 11:
      return { value: plain.slice().buffer, isBytes: false };
    case 12:
      return { value: new Proxy(plain, { get: fail, getPrototypeOf: fail }), isBytes: false };
    default:
      return { value: anything(dice), isBytes: false };
  }
}

function hostileGrowable(): boolean {
  reenter();
  return false;
}

const plainLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')?.get as (
  this: unknown,
) => number;

/** A copy of the bytes that a source truly has. */
export function trueBytes(source: Uint8Array): Uint8Array {
  const copy = new Uint8Array(plainLength.call(source));
  // A detached source has no bytes, and set() would refuse it.
  if (copy.length > 0) copy.set(source);
  return copy;
}

/** An options object with `fields`. Reading one of them throws or calls back into the arena. */
export function hostileOptions(dice: Dice, fields: Readonly<Record<string, unknown>>): object {
  const options: Record<string, unknown> = { ...fields };
  const names = Object.keys(fields);
  const name = names[dice.below(names.length)] ?? 'nothing';
  const value = fields[name];
  const throws = dice.oneIn(2);
  Object.defineProperty(options, name, {
    get() {
      if (throws) fail();
      reenter();
      return value;
    },
  });
  return options;
}

/** An object like an AbortSignal, as libraries make them. One of its members throws or calls back into the arena. */
export function hostileSignal(dice: Dice): object {
  const act = dice.oneIn(2) ? fail : reenter;
  const which = dice.below(3);
  return {
    get aborted(): boolean {
      if (which === 0) act();
      return false;
    },
    addEventListener(): void {
      if (which === 1) act();
    },
    removeEventListener(): void {
      if (which === 2 && act === reenter) act();
    },
  };
}
