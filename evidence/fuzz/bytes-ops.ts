import { Bytes } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { checkBytes, contentOf, gone } from './checks.js';
import type { Dice } from './dice.js';
import { anyText, hostileSource, integerUpTo, plainSource, trueBytes } from './hostile.js';
import {
  type BytesModel,
  growableBuffer,
  heapBytes,
  lengthOf,
  MOST_BYTES,
  narrow,
  remove,
  shareOf,
  type World,
} from './model.js';
import { attempt, expectSame, Fails, Finding, refusalOfInteger } from './outcome.js';
import { anyRange } from './ranges.js';

function pick(world: World, dice: Dice): BytesModel | undefined {
  return dice.from(world.bytes);
}

export const clone: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  const handle = model.handle.clone();
  world.bytes.push({ handle, ...shareOf(model, 0, lengthOf(model), true) });
};

export const slice: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  const { start, end, refusal, from, to } = anyRange(dice, lengthOf(model), world.isHostile);
  const { value: handle } = attempt('slice', refusal, 0, () => model.handle.slice(start, end));
  if (handle === undefined) return checkBytes(model);
  world.bytes.push({ handle, ...shareOf(model, from, to) });
};

export const split: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  const length = lengthOf(model);
  const at = integerUpTo(dice, length, world.isHostile);
  const isFront = dice.oneIn(2);
  const { value: handle } = attempt('split', refusalOfInteger(at, 0, length), 0, () =>
    isFront ? model.handle.splitTo(at as number) : model.handle.splitOff(at as number),
  );
  if (handle === undefined) return checkBytes(model);
  const cut = at as number;
  world.bytes.push({ handle, ...(isFront ? shareOf(model, 0, cut) : shareOf(model, cut, length)) });
  if (isFront) narrow(model, cut, length);
  else narrow(model, 0, cut);
};

export const shorten: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const length = lengthOf(model);
  const count = integerUpTo(dice, length, world.isHostile);
  if (dice.oneIn(2)) {
    const { failure } = attempt('advance', refusalOfInteger(count, 0, length), 0, () =>
      model.handle.advance(count as number),
    );
    if (failure !== 0) return checkBytes(model);
    model.from += count as number;
    model.offset += count as number;
  } else {
    const { failure } = attempt('truncate', refusalOfInteger(count, 0), 0, () =>
      model.handle.truncate(count as number),
    );
    if (failure !== 0) return checkBytes(model);
    if ((count as number) < length) narrow(model, 0, count as number);
  }
};

export const release: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  leave(world, model);
  model.block?.drop();
  const stale = model.block?.owner?.traits.isGuarded && model.block.holders === 0 ? model.handle.view : undefined;
  if (dice.oneIn(8)) model.handle[Symbol.dispose]();
  else model.handle.release();
  if (stale !== undefined) expectSame(stale.length, 0, 'length of a stale view');
};

function leave(world: World, model: BytesModel): void {
  remove(world.bytes, model);
  world.bury(model.handle);
}

export const thaw: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const { handle, block, from, to, visible, offset } = model;
  const mayWrite = block?.isWritable === true && block.holders === 1;
  const buffer = handle.tryIntoMut();
  if ((buffer !== undefined) !== mayWrite)
    throw new Finding(`tryIntoMut gave the wrong answer for ${mayWrite ? 'the only' : 'a shared'} handle`);
  if (buffer === undefined || block === undefined) return checkBytes(model);
  leave(world, model);
  const { owner } = block;
  world.buffers.push({
    handle: buffer,
    growth: owner === undefined || owner.traits.spills ? 'spill' : 'firm',
    block,
    isSpilled: owner === undefined,
    capacity: owner === undefined ? buffer.capacity : visible - offset,
    start: offset,
    content: model.content.slice(from, to),
    length: to - from,
  });
};

export const own: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined || world.buffers.length > 24) return;
  const { failure, value: handle } = attempt('intoOwned', 0, gone(model), () => model.handle.intoOwned());
  if (handle === undefined || failure !== 0) return checkBytes(model);
  leave(world, model);
  model.block?.drop();
  const content = gone(model) === 0 ? contentOf(model).slice() : new Uint8Array(handle.view);
  world.buffers.push(growableBuffer(handle, content, lengthOf(model)));
};

/** Makes bytes on the heap: a copy of a source, or a wrapped source. The source may be empty. */
export const makeHeapBytes: Operation = (world, dice) => {
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  if (dice.oneIn(4)) return makeText(world, dice);
  const source =
    world.isHostile && dice.oneIn(2) ? hostileSource(dice, 40) : { value: plainSource(dice, 40), isBytes: true };
  const content = source.isBytes ? trueBytes(source.value as Uint8Array) : new Uint8Array(0);
  const wraps = dice.oneIn(2);
  const value = (wraps && source.isBytes ? content.slice() : source.value) as Uint8Array;
  const may = content.length === 0 ? Fails.Type : 0;
  const { value: handle } = attempt('heap bytes', source.isBytes ? 0 : Fails.Type, may, () =>
    wraps ? Bytes.wrap(value) : Bytes.copyFrom(value),
  );
  if (handle !== undefined) world.bytes.push(heapBytes(handle, content, !wraps));
};

function makeText(world: World, dice: Dice): void {
  const text = anyText(dice, world.isHostile);
  const isText = typeof text === 'string';
  const { value: handle } = attempt('fromUtf8', isText ? 0 : Fails.Type, 0, () => Bytes.fromUtf8(text as string));
  if (handle !== undefined && isText) world.bytes.push(heapBytes(handle, new Uint8Array(Buffer.from(text)), true));
}
