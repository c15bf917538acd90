/**
 * Throws unless `value` is an integer in `[min, max]`.
 * @throws TypeError for anything that is not a number, RangeError for a number outside the range.
 */
export function checkInteger(value: unknown, name: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${describe(value)}`);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const upper = max === Number.MAX_SAFE_INTEGER ? '2**53 - 1' : String(max);
    throw new RangeError(`${name} must be an integer from ${min} to ${upper}, got ${value}`);
  }
  return value;
}

/** Throws the error that {@link checkInteger} would for a `value` that a faster test has already refused. */
export function refuseInteger(value: unknown, name: string, min: number, max: number): never {
  checkInteger(value, name, min, max);
  throw new RangeError(`${name} must be an integer from ${min} to ${max}`);
}

/** A bigint that a faster test has already refused: of the wrong type, or outside `[min, max]`. */
export function refuseBigInt(value: unknown, name: string, min: bigint, max: bigint): never {
  if (typeof value !== 'bigint') throw new TypeError(`${name} must be a bigint, got ${describe(value)}`);
  throw new RangeError(`${name} must be from ${min} to ${max}, got ${value}`);
}

/** @throws TypeError unless `value` is a number (any, NaN and infinities included). */
export function checkNumber(value: unknown, name: string): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${describe(value)}`);
}

/** @throws TypeError unless `value` is a string. */
export function checkString(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, got ${describe(value)}`);
}

function intrinsicGetter(key: 'byteLength' | typeof Symbol.toStringTag): (this: unknown) => unknown {
  const getter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), key)?.get;
  if (getter === undefined) throw new Error(`%TypedArray%.prototype.${String(key)} is missing`);
  return getter;
}

const typedArrayTag = intrinsicGetter(Symbol.toStringTag);
const typedArrayLength = intrinsicGetter('byteLength');

/** Whether `value` is a Uint8Array (a Node Buffer is one), of this realm or another, and no impostor. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return typedArrayTag.call(value) === 'Uint8Array';
}

/**
 * The true length of a Uint8Array in bytes. Reads the internal slot: a subclass or an own property may lie about
 * `length`, and `set` would then copy past the end of a slot.
 * @throws TypeError for anything but a Uint8Array.
 */
export function byteLengthOf(value: unknown, name: string): number {
  if (typedArrayTag.call(value) !== 'Uint8Array') {
    throw new TypeError(`${name} must be a Uint8Array, got ${describe(value)}`);
  }
  return typedArrayLength.call(value) as number;
}

/** Names the type of a value that was refused, without running any code of its own. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object' : typeof value === 'bigint' ? 'a bigint' : `${typeof value}`;
}

/** @throws TypeError unless `value` can be called. */
export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, got ${describe(value)}`);
}
