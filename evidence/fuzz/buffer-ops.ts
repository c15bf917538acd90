import { inspect } from 'node:util';
import { ArenaBuffer, BytesMut } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { checkBuffer } from './checks.js';
import type { Dice } from './dice.js';
import { anyText, hostileSource, integerUpTo, plainSource, trueBytes } from './hostile.js';
import { type BufferModel, growableBuffer, remove, type World } from './model.js';
import { attempt, expectSame, Fails, Finding, refusalOfInteger } from './outcome.js';
import { anyValue, encode, refusalOfValue, WRITERS } from './scalars.js';
import { IMPOSSIBLE, LARGEST_GROWTH, moved, refusalOfRoom, settle, wrote } from './writes.js';

const encoder = new TextEncoder();

/**
 * A byte count that no machine has. Rarely an integer: newer V8s collect all garbage several times before they refuse
 * it.
 */
function impossible(dice: Dice): number {
  return dice.oneIn(64) ? IMPOSSIBLE * 4 : Number.POSITIVE_INFINITY;
}

function pick(world: World, dice: Dice): BufferModel | undefined {
  return dice.from(world.buffers);
}

const scratch = new Uint8Array(8);
const scratchData = new DataView(scratch.buffer);

export const putScalar: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const writer = dice.pick(WRITERS);
  const value = anyValue(writer, dice, world.isHostile);
  const invalid = refusalOfValue(writer, value);
  const { must, may } = refusalOfRoom(model, writer.size);
  const result = attempt(writer.name, invalid || must, may, () => writer.put(model.handle, value));
  if (result.failure !== 0) return checkBuffer(model, false);
  expectSame(result.value, model.handle, `the result of put${writer.name}`);
  encode(writer, scratchData, value);
  wrote(model, scratch.subarray(0, writer.size));
};

export const putSlice: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const limit = model.capacity - model.length + (dice.oneIn(4) ? 8 : 0);
  const source =
    world.isHostile && dice.oneIn(2) ? hostileSource(dice, limit) : { value: plainSource(dice, limit), isBytes: true };
  put(model, source.value as Uint8Array, source.isBytes, dice);
};

function put(model: BufferModel, value: Uint8Array, isBytes: boolean, dice: Dice): void {
  const bytes = isBytes ? trueBytes(value) : scratch;
  const { must, may: mayBeGone } = isBytes ? refusalOfRoom(model, bytes.length) : { must: Fails.Type, may: 0 };
  // An empty source may be a detached one, which is refused.
  const may = bytes.length === 0 ? mayBeGone | Fails.Type : mayBeGone;
  const { handle } = model;
  if (dice.oneIn(3)) {
    const result = attempt('tryPutSlice', must & ~Fails.BufferFull, may, () => handle.tryPutSlice(value));
    if (result.failure === 0) expectSame(result.value, must === 0, 'tryPutSlice');
    settle(model, result.value === false ? { ...result, failure: must } : result, bytes);
  } else {
    settle(
      model,
      attempt('putSlice', must, may, () => handle.putSlice(value)),
      bytes,
    );
  }
}

/** Writes bytes that lie in memory of the library itself: frozen bytes, or the memory of the buffer. */
export const putOwnMemory: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined || model.block.owner?.isGone) return;
  const other = dice.from(world.bytes);
  if (other !== undefined && dice.oneIn(2)) {
    if (other.block?.owner?.isGone) return;
    return put(model, other.handle.view, true, dice);
  }
  if (model.length === model.capacity || model.length > LARGEST_GROWTH) return;
  const rest = model.handle.chunkMut();
  const before = dice.below(model.length + 1);
  const length = dice.below(before + rest.length + 1);
  put(model, new Uint8Array(rest.buffer, rest.byteOffset - before, length), true, dice);
};

export const putBytes: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const value = integerUpTo(dice, 255, world.isHostile);
  let count = integerUpTo(dice, model.capacity - model.length, world.isHostile);
  if (dice.oneIn(16)) count = 20;
  if (model.growth !== 'firm' && typeof count === 'number' && count > LARGEST_GROWTH) count = impossible(dice);
  const invalid = refusalOfInteger(value, 0, 255) | refusalOfInteger(count, 0);
  const { must, may } = refusalOfRoom(model, invalid === 0 ? (count as number) : 0);
  const result = attempt('putBytes', invalid || must, may, () =>
    model.handle.putBytes(value as number, count as number),
  );
  settle(model, result, result.failure === 0 ? new Uint8Array(count as number).fill(value as number) : scratch);
};

export const putUtf8: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const text = anyText(dice, world.isHostile);
  const bytes = typeof text === 'string' ? encoder.encode(text) : scratch;
  const { must, may } = typeof text === 'string' ? refusalOfRoom(model, bytes.length) : { must: Fails.Type, may: 0 };
  settle(
    model,
    attempt('putUtf8', must, may, () => model.handle.putUtf8(text as string)),
    bytes,
  );
};

/** Fills the whole rest that chunkMut lends, and counts a part of it as written. */
export const writeInPlace: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined || model.length > LARGEST_GROWTH) return;
  const { handle } = model;
  const gone = model.block.owner?.isGone ? Fails.Type : 0;
  const grows = model.length === model.capacity && model.growth !== 'firm';
  const { failure, value: rest } = attempt('chunkMut', 0, gone, () => handle.chunkMut());
  if (rest === undefined || failure !== 0) return checkBuffer(model, false);
  if (grows) moved(model);
  expectSame(rest.length, model.capacity - model.length, 'length of chunkMut');
  const pattern = dice.next();
  for (let at = 0; at < rest.length; at++) rest[at] = pattern + at;
  const count = integerUpTo(dice, rest.length, world.isHostile);
  const invalid = refusalOfInteger(count, 0);
  const tooMany = invalid === 0 && (count as number) > rest.length ? Fails.BufferFull : 0;
  const result = attempt('advanceMut', invalid || tooMany, 0, () => handle.advanceMut(count as number));
  settle(model, result, result.failure === 0 ? rest.slice(0, count as number) : scratch);
};

export const lookAtBuffer: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  checkBuffer(model, dice.oneIn(2));
  const count = integerUpTo(dice, model.capacity, world.isHostile);
  const { value } = attempt('willFit', refusalOfInteger(count, 0), 0, () => model.handle.willFit(count as number));
  if (value !== undefined) {
    expectSame(value, model.growth !== 'firm' || (count as number) <= model.capacity - model.length, 'willFit');
  }
  if (dice.oneIn(8)) inspect(model.handle);
  expectSame(model.handle.toJSON().length, model.length, 'length in JSON');
};

export const freeze: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model !== undefined) freezeBuffer(world, model);
};

export function freezeBuffer(world: World, model: BufferModel): void {
  const { handle, block, length, start } = model;
  remove(world.buffers, model);
  world.bury(handle);
  if (block.owner !== undefined) block.owner.frozen++;
  const isEmpty = length === 0;
  if (isEmpty) block.drop();
  const bytes = handle.freeze();
  const to = start + length;
  world.bytes.push({
    handle: bytes,
    block: isEmpty ? undefined : block,
    content: model.content,
    from: 0,
    to: length,
    offset: start,
    visible: isEmpty ? 0 : Math.max(to, start + model.capacity),
  });
}

export const abandon: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined || !(model.handle instanceof ArenaBuffer)) return;
  remove(world.buffers, model);
  world.bury(model.handle);
  model.block.drop();
  if (dice.oneIn(2)) model.handle.abandon();
  else model.handle[Symbol.dispose]();
};

/** Calls a method that only a BytesMut has. Makes a new BytesMut when another buffer was picked. */
export const useBytesMut: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined || !(model.handle instanceof BytesMut)) return makeBytesMut(world, dice);
  const { handle } = model;
  let count = integerUpTo(dice, 64, world.isHostile);
  if (typeof count === 'number' && count > LARGEST_GROWTH) count = impossible(dice);
  const invalid = refusalOfInteger(count, 0);
  if (dice.oneIn(2)) {
    const must = invalid === 0 && (count as number) >= IMPOSSIBLE ? Fails.Range : invalid;
    const { failure } = attempt('reserve', must, 0, () => handle.reserve(count as number));
    if (failure === 0 && handle.capacity - model.length < (count as number)) throw new Finding('reserve made no room');
  } else if (dice.oneIn(8)) {
    handle.clear();
    model.length = 0;
  } else {
    const { failure } = attempt('truncate', invalid, 0, () => handle.truncate(count as number));
    if (failure === 0) model.length = Math.min(model.length, count as number) + 0; // never -0
  }
  checkBuffer(model, false);
};

function makeBytesMut(world: World, dice: Dice): void {
  if (world.buffers.length > 24) return;
  let capacity = integerUpTo(dice, 64, world.isHostile);
  if (typeof capacity === 'number' && capacity > LARGEST_GROWTH) capacity = impossible(dice);
  const invalid = refusalOfInteger(capacity, 0) || ((capacity as number) >= IMPOSSIBLE ? Fails.Range : 0);
  const { value: handle } = attempt('withCapacity', invalid, 0, () => BytesMut.withCapacity(capacity as number));
  if (handle === undefined) return;
  world.buffers.push(growableBuffer(handle, new Uint8Array(64), 0));
}
