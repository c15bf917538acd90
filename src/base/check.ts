/**
 * Returns `value` if it is an integer in `[min, max]`.
 * @throws TypeError unless it is a number, RangeError for any other number
 */
export function checkInteger(value: unknown, name: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${describe(value)}`);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const upper = max === Number.MAX_SAFE_INTEGER ? '2**53 - 1' : String(max);
    throw new RangeError(`${name} must be an integer from ${min} to ${upper}, got ${value}`);
  }
  return value + 0; // turns -0 into 0
}

/** Throws the error of {@link checkInteger} for a `value` that a faster test has already refused. */
export function refuseInteger(value: unknown, name: string, min: number, max: number): never {
  checkInteger(value, name, min, max);
  throw new RangeError(`${name} must be an integer from ${min} to ${max}`);
}

/** Throws for a `value` that a faster test has already refused: it is not a bigint, or not in `[min, max]`. */
export function refuseBigInt(value: unknown, name: string, min: bigint, max: bigint): never {
  if (typeof value !== 'bigint') throw new TypeError(`${name} must be a bigint, got ${describe(value)}`);
  throw new RangeError(`${name} must be from ${min} to ${max}, got ${value}`);
}

/** @throws TypeError unless `value` is a number. NaN and the infinities are numbers. */
export function checkNumber(value: unknown, name: string): void {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${describe(value)}`);
}

/** @throws TypeError unless `value` is a string. */
export function checkString(value: unknown, name: string): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, got ${describe(value)}`);
}

function getterOf(prototype: object, key: PropertyKey): (this: unknown) => unknown {
  const getter = Object.getOwnPropertyDescriptor(prototype, key)?.get;
  if (getter === undefined) throw new Error(`a built-in getter is missing: ${String(key)}`);
  return getter;
}

// The built-in getters read the internal slots. A subclass or an own property may report a false `length`, and code
// that trusted it would read and write past the end of a slot. The getters also accept views and buffers of other
// realms.
const TypedArrayPrototype: object = Object.getPrototypeOf(Uint8Array.prototype);
const typedArrayTag = getterOf(TypedArrayPrototype, Symbol.toStringTag);
const typedArrayBuffer = getterOf(TypedArrayPrototype, 'buffer');
const typedArrayOffset = getterOf(TypedArrayPrototype, 'byteOffset');
const typedArrayLength = getterOf(TypedArrayPrototype, 'byteLength');
const dataViewBuffer = getterOf(DataView.prototype, 'buffer');
const dataViewOffset = getterOf(DataView.prototype, 'byteOffset');
const dataViewLength = getterOf(DataView.prototype, 'byteLength');
const bufferLength = getterOf(ArrayBuffer.prototype, 'byteLength');
const sharedBufferLength =
  typeof SharedArrayBuffer === 'function' ? getterOf(SharedArrayBuffer.prototype, 'byteLength') : bufferLength;

/**
 * The true length in bytes of a Uint8Array. A Node Buffer is one.
 * @throws TypeError for anything else.
 */
export function byteLengthOf(value: unknown, name: string): number {
  if (typedArrayTag.call(value) !== 'Uint8Array') {
    throw new TypeError(`${name} must be a Uint8Array, got ${describe(value)}`);
  }
  return typedArrayLength.call(value) as number;
}

/**
 * Returns `value`, or a view of the bytes that it has now if another thread could make it longer between two reads.
 * That is possible when it spans a growable SharedArrayBuffer.
 * @throws TypeError unless `value` is a Uint8Array.
 */
export function steady(value: unknown, name: string): Uint8Array {
  byteLengthOf(value, name);
  const source = value as Uint8Array;
  return (bufferOf(source) as { readonly growable?: boolean }).growable === true ? windowOf(source, name) : source;
}

/** The true length of a Uint8Array. Its own properties may report another one. */
export function lengthOfView(view: Uint8Array): number {
  return typedArrayLength.call(view) as number;
}

/** The buffer of a Uint8Array that was already checked. */
export function bufferOf(value: Uint8Array): ArrayBufferLike {
  return typedArrayBuffer.call(value) as ArrayBufferLike;
}

/**
 * A plain view of exactly the bytes of a Uint8Array. The view does not grow with its buffer.
 * @throws TypeError unless `value` is a Uint8Array.
 */
export function windowOf(value: unknown, name: string): Uint8Array {
  const length = byteLengthOf(value, name);
  const buffer = bufferOf(value as Uint8Array);
  return new Uint8Array(buffer, length === 0 ? 0 : (typedArrayOffset.call(value) as number), length);
}

/** Where the bytes of a view of any kind lie. @throws TypeError for a DataView that has lost its buffer */
export function extentOf(view: ArrayBufferView): { buffer: ArrayBufferLike; byteOffset: number; byteLength: number } {
  const [buffer, byteOffset, byteLength] =
    typedArrayTag.call(view) === undefined
      ? [dataViewBuffer.call(view), dataViewOffset.call(view), dataViewLength.call(view)]
      : [typedArrayBuffer.call(view), typedArrayOffset.call(view), typedArrayLength.call(view)];
  return { buffer, byteOffset, byteLength } as { buffer: ArrayBufferLike; byteOffset: number; byteLength: number };
}

/** The true length in bytes of a buffer that {@link isBuffer} accepts. Its own properties may report another one. */
export function lengthOfBuffer(buffer: ArrayBufferLike): number {
  return (answers(bufferLength, buffer) ? bufferLength : sharedBufferLength).call(buffer) as number;
}

/** Whether `value` is an ArrayBuffer or a SharedArrayBuffer, of this realm or another. */
export function isBuffer(value: unknown): value is ArrayBufferLike {
  return answers(bufferLength, value) || answers(sharedBufferLength, value);
}

function answers(getter: (this: unknown) => unknown, value: unknown): boolean {
  try {
    getter.call(value);
    return true;
  } catch {
    return false;
  }
}

/** Names the type of a refused value, without running any code of that value. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object' : typeof value === 'bigint' ? 'a bigint' : `${typeof value}`;
}

/** @throws TypeError unless `value` is a function. */
export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, got ${describe(value)}`);
}
