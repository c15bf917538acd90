import { Bytes } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { checkBytes, contentOf, gone } from './checks.js';
import { integerUpTo } from './hostile.js';
import { anyByteCount, refusalOfByteCount, SIZED } from './integers.js';
import { type BytesModel, heapBytes, lengthOf, MOST_BYTES } from './model.js';
import { attempt, expectSame, Fails, refusalOfInteger } from './outcome.js';
import { WRITERS } from './scalars.js';
import { decodeVarint, VARINT_READERS, varintRow } from './varints.js';

/** A call that reads a value off the front. */
interface Read {
  readonly name: string;
  /** The failures that it must throw because of its argument; 0 for a valid one. */
  readonly invalid: number;
  /** How many bytes it takes, if it is valid. */
  readonly size: number;
  call(): unknown;
  expected(): unknown;
}

/** Reads from the front of bytes. A call that throws must leave them as they are. */
function consume(model: BytesModel, { name, invalid, size, call, expected }: Read): void {
  const isShort = invalid === 0 && size > lengthOf(model);
  const { failure, value } = attempt(name, isShort ? Fails.Range : invalid, gone(model), call);
  if (failure === 0) {
    if (gone(model) === 0) expectSame(value, expected(), name);
    model.from += size;
    model.offset += size;
  }
  checkBytes(model);
}

function dataOf(model: BytesModel): DataView {
  const { buffer, byteOffset, byteLength } = contentOf(model);
  return new DataView(buffer, byteOffset, byteLength);
}

function bufferOf(model: BytesModel): Buffer {
  const { buffer, byteOffset, byteLength } = contentOf(model);
  return Buffer.from(buffer, byteOffset, byteLength);
}

export const getScalar: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined) return;
  const { name, size, get, read } = dice.pick(WRITERS);
  consume(model, {
    name: `get${name}`,
    invalid: 0,
    size,
    call: () => get(model.handle),
    expected: () => read(dataOf(model), 0),
  });
};

export const getSized: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined) return;
  const { name, get, read } = dice.pick(SIZED);
  const byteCount = anyByteCount(dice, world.isHostile);
  const size = byteCount as number;
  consume(model, {
    name: `get${name}`,
    invalid: refusalOfByteCount(byteCount),
    size,
    call: () => get(model.handle, byteCount),
    expected: () => read(bufferOf(model), 0, size),
  });
};

export const getUtf8: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined) return;
  const byteCount = integerUpTo(dice, lengthOf(model), world.isHostile);
  const invalid = refusalOfInteger(byteCount, 0);
  const size = invalid === 0 ? (byteCount as number) + 0 : 0; // never -0
  consume(model, {
    name: 'getUtf8',
    invalid,
    size,
    call: () => model.handle.getUtf8(byteCount as number),
    expected: () => bufferOf(model).toString('utf8', 0, size),
  });
};

/** Reads a varint: wherever some bytes begin, or at the front of bytes that are made of varints. */
export const getVarint: Operation = (world, dice) => {
  if (dice.oneIn(2) && world.bytes.length < MOST_BYTES) {
    const content = varintRow(dice);
    world.bytes.push(heapBytes(Bytes.copyFrom(content), content, true));
  }
  const model = dice.oneIn(2) ? world.bytes.at(-1) : dice.from(world.bytes);
  if (model === undefined) return;
  const { name, get, max, read } = dice.pick(VARINT_READERS);
  const varint = decodeVarint(contentOf(model), 0);
  const isInvalid = varint === undefined || varint.value > max;
  if (gone(model) !== 0) return getVarintOfGone(model, name, get);
  consume(model, {
    name,
    invalid: isInvalid ? Fails.Range : 0,
    size: isInvalid ? 0 : varint.size,
    call: () => get(model.handle),
    expected: () => (isInvalid ? undefined : read(varint.value)),
  });
};

/** Nobody knows what memory that is gone holds, and so how far a call that returns has moved. */
function getVarintOfGone(model: BytesModel, name: string, get: (bytes: Bytes) => unknown): void {
  const { failure } = attempt(name, 0, gone(model) | Fails.Range, () => get(model.handle));
  if (failure === 0) {
    const moved = lengthOf(model) - model.handle.length;
    model.from += moved;
    model.offset += moved;
  }
  checkBytes(model);
}

/** Reads a value at an index, and asks whether so many bytes are left. */
export const peek: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined) return;
  const { handle } = model;
  const length = lengthOf(model);
  const { name, size, peek: peekAt, read } = dice.pick(WRITERS);
  const index = integerUpTo(dice, Math.max(0, length - size), world.isHostile);
  const invalid = refusalOfInteger(index, 0, length - size);
  const { failure, value } = attempt(`get${name}At`, invalid, gone(model), () => peekAt(handle, index));
  if (failure === 0 && gone(model) === 0) expectSame(value, read(dataOf(model), index as number), `get${name}At`);
  const count = integerUpTo(dice, length, world.isHostile);
  const { value: can } = attempt('canRead', refusalOfInteger(count, 0), 0, () => handle.canRead(count as number));
  if (can !== undefined) expectSame(can, (count as number) <= length, 'canRead');
  checkBytes(model);
};
