import { checkInteger, describe, refuseBigInt, refuseInteger } from '../base/check.js';
import { varintOf, zigzag } from '../memory/varint.js';
import type { Allocation } from './allocation.js';
import { BytesContent, contentOf, type ReadableBytes } from './content.js';
import type { BytesView } from './view.js';

const MAX_UINT64 = 2n ** 64n - 1n;
const MAX_INT64 = 2n ** 63n - 1n;

/**
 * The writers of buffers that are seldom the hot path: integers of 1 to 6 bytes, varints, copies of `Bytes`, and writes
 * over bytes that are already written. They fail as the other writers do, and change nothing then. `ByteWriter` has
 * them by its prototype; its interface documents them.
 */
export abstract class RareWriters {
  /** @internal The allocation being written, or SPENT. */
  declare protected allocation: Allocation;
  /** @internal Offset of the next byte in the allocation's memory. */
  declare protected cursor: number;

  /** @internal */
  protected abstract live(): Allocation;

  protected abstract putSlice(source: Uint8Array): this;

  putUint(value: number, byteCount: number): this {
    return this.putSlice(uintBytes(value, byteCount));
  }

  putUintLe(value: number, byteCount: number): this {
    return this.putSlice(uintBytes(value, byteCount).reverse());
  }

  putInt(value: number, byteCount: number): this {
    return this.putSlice(intBytes(value, byteCount));
  }

  putIntLe(value: number, byteCount: number): this {
    return this.putSlice(intBytes(value, byteCount).reverse());
  }

  putVarint(value: number | bigint): this {
    return this.putSlice(varintOf(integral(value, 0n, MAX_UINT64)));
  }

  putZigzag(value: number | bigint): this {
    return this.putSlice(varintOf(zigzag(integral(value, -MAX_INT64 - 1n, MAX_INT64))));
  }

  put(bytes: ReadableBytes | Iterable<ReadableBytes>): this {
    for (const piece of bytes instanceof BytesContent ? [bytes] : (bytes as Iterable<unknown>)) {
      if (!(piece instanceof BytesContent)) {
        throw new TypeError(`bytes must be Bytes or a list of Bytes, got ${describe(piece)}`);
      }
      this.putSlice(contentOf(piece));
    }
    return this;
  }

  setUint(at: number, value: number, byteCount: number): this {
    return this.overwrite(at, uintBytes(value, byteCount));
  }

  setUintLe(at: number, value: number, byteCount: number): this {
    return this.overwrite(at, uintBytes(value, byteCount).reverse());
  }

  setU8(at: number, value: number): this {
    return this.setUint(at, value, 1);
  }

  setU16(at: number, value: number): this {
    return this.setUint(at, value, 2);
  }

  setU16Le(at: number, value: number): this {
    return this.setUintLe(at, value, 2);
  }

  setU32(at: number, value: number): this {
    return this.setUint(at, value, 4);
  }

  setU32Le(at: number, value: number): this {
    return this.setUintLe(at, value, 4);
  }

  get written(): BytesView {
    const allocation = this.live();
    return allocation.lendView(allocation.start, this.cursor - allocation.start) as BytesView;
  }

  private overwrite(at: number, bytes: Uint8Array): this {
    const { memory, start } = this.live();
    checkInteger(at, 'at', 0);
    const length = this.cursor - start;
    if (at + bytes.length > length) {
      throw new RangeError(`${bytes.length} bytes at ${at} are not all written: the buffer has ${length}`);
    }
    memory.bytes.set(bytes, start + at);
    return this;
  }
}

/** In network order. */
function uintBytes(value: number, byteCount: number): Uint8Array {
  checkInteger(byteCount, 'byteCount', 1, 6);
  const max = 256 ** byteCount - 1;
  if (!(Number.isInteger(value) && value >= 0 && value <= max)) refuseInteger(value, 'value', 0, max);
  return bytesOf(value, byteCount);
}

function intBytes(value: number, byteCount: number): Uint8Array {
  checkInteger(byteCount, 'byteCount', 1, 6);
  const half = 256 ** byteCount / 2;
  if (!(Number.isInteger(value) && value >= -half && value < half)) refuseInteger(value, 'value', -half, half - 1);
  return bytesOf(value < 0 ? value + 2 * half : value, byteCount);
}

function bytesOf(value: number, byteCount: number): Uint8Array {
  const bytes = new Uint8Array(byteCount);
  let rest = value;
  for (let index = byteCount - 1; index >= 0; index--) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

function integral(value: number | bigint, min: bigint, max: bigint): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return integral(BigInt(value), min, max);
  if (typeof value !== 'bigint' || value < min || value > max) refuseBigInt(value, 'value', min, max);
  return value;
}
