/** The longest varint of 64 bits, in bytes. */
const LONGEST = 10;

/** A value, and how many bytes it took. */
interface Read<Value> {
  readonly value: Value;
  readonly length: number;
}

/**
 * Reads a base-128 varint as in Protocol Buffers: seven bits a byte, the low ones first, the top bit set on all but the
 * last byte (https://protobuf.dev/programming-guides/encoding/#varints).
 * @throws RangeError when it is cut off, longer than 10 bytes, or larger than 2^53 - 1
 */
export function readVarint(bytes: Uint8Array): Read<number> {
  const length = lengthOf(bytes);
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 128 + ((bytes[index] as number) & 0x7f);
  if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('the varint is larger than 2^53 - 1: use getVarint64()');
  return { value, length };
}

/** As {@link readVarint}, up to 2^64 - 1. */
export function readVarint64(bytes: Uint8Array): Read<bigint> {
  const length = lengthOf(bytes);
  let value = 0n;
  for (let index = length - 1; index >= 0; index--) value = (value << 7n) | BigInt((bytes[index] as number) & 0x7f);
  if (value >= 2n ** 64n) throw new RangeError('the varint is larger than 2^64 - 1');
  return { value, length };
}

/** The bytes of `value` (0 to 2^64 - 1) as a varint. */
export function varintOf(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** 0, -1, 1, -2, ... become 0, 1, 2, 3, ... */
export function zigzag(value: bigint): bigint {
  return value < 0n ? -2n * value - 1n : 2n * value;
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function lengthOf(bytes: Uint8Array): number {
  for (let index = 0; index < LONGEST; index++) {
    const byte = bytes[index];
    if (byte === undefined) throw new RangeError(`the varint is cut off after ${index} bytes`);
    if (byte < 0x80) return index + 1;
  }
  throw new RangeError(`the varint is longer than ${LONGEST} bytes`);
}
