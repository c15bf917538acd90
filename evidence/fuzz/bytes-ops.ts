import { inspect } from 'node:util';
import { Bytes, type TextEncoding } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { checkBytes, contentOf } from './checks.js';
import type { Dice } from './dice.js';
import { anything, hostileSource, integerUpTo, plainSource, trueBytes } from './hostile.js';
import { Block, type BytesModel, growableBuffer, MOST_BYTES, remove, type World } from './model.js';
import { attempt, expectBytes, expectSame, Fails, Finding, refusalOfInteger } from './outcome.js';
import { WRITERS } from './scalars.js';

function pick(world: World, dice: Dice): BytesModel | undefined {
  return dice.from(world.bytes);
}

function gone({ block }: BytesModel): number {
  return block?.owner?.isGone ? Fails.Type : 0;
}

/** The model of a new handle on `[start, end)` of `model`. An empty one holds the block only if `holdsEmpty`. */
function part(model: BytesModel, handle: Bytes, start: number, end: number, holdsEmpty: boolean): BytesModel {
  const block = start === end && !holdsEmpty ? undefined : model.block;
  if (block !== undefined) block.holders++;
  const { content, from, offset, visible } = model;
  return { handle, block, content, from: from + start, to: from + end, offset: offset + start, visible };
}

/** Narrows a handle to `[start, end)`. */
function narrow(model: BytesModel, start: number, end: number): void {
  model.to = model.from + end;
  model.from += start;
  model.offset += start;
  if (start !== end) return;
  model.block?.drop();
  model.block = undefined;
}

export const clone: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  world.bytes.push(part(model, model.handle.clone(), 0, model.to - model.from, true));
};

export const slice: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  const length = model.to - model.from;
  const end = dice.oneIn(4) ? undefined : integerUpTo(dice, length, world.isHostile);
  const invalidEnd = end === undefined ? 0 : refusalOfInteger(end, 0, length);
  const bound = end === undefined || invalidEnd !== 0 ? length : (end as number);
  const start = dice.oneIn(4) ? undefined : integerUpTo(dice, bound, world.isHostile);
  const invalidStart = start === undefined ? 0 : refusalOfInteger(start, 0, bound);
  const { value: handle } = attempt('slice', invalidEnd | invalidStart, 0, () =>
    model.handle.slice(start as number, end as number),
  );
  if (handle === undefined) return checkBytes(model);
  world.bytes.push(part(model, handle, (start ?? 0) as number, bound, false));
};

export const split: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  const length = model.to - model.from;
  const at = integerUpTo(dice, length, world.isHostile);
  const isFront = dice.oneIn(2);
  const { value: handle } = attempt('split', refusalOfInteger(at, 0, length), 0, () =>
    isFront ? model.handle.splitTo(at as number) : model.handle.splitOff(at as number),
  );
  if (handle === undefined) return checkBytes(model);
  const cut = at as number;
  world.bytes.push(isFront ? part(model, handle, 0, cut, false) : part(model, handle, cut, length, false));
  if (isFront) narrow(model, cut, length);
  else narrow(model, 0, cut);
};

export const shorten: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const length = model.to - model.from;
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

export const getScalar: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const { name, size, get, read } = dice.pick(WRITERS);
  const length = model.to - model.from;
  const { failure, value } = attempt(`get${name}`, size > length ? Fails.Range : 0, gone(model), () =>
    get(model.handle),
  );
  if (failure !== 0) return checkBytes(model);
  const { content, from } = model;
  if (gone(model) === 0) expectSame(value, read(new DataView(content.buffer, content.byteOffset), from), `get${name}`);
  model.from += size;
  model.offset += size;
};

const ENCODINGS: readonly TextEncoding[] = ['utf8', 'hex', 'base64', 'latin1'];

export const lookAtBytes: Operation = (world, dice) => {
  const model = pick(world, dice);
  if (model === undefined) return;
  const { handle } = model;
  const may = gone(model);
  if (may !== 0) {
    attempt('a look at memory that is gone', 0, may, () => handle.view[0]);
    attempt('a look at memory that is gone', 0, may, () => handle.toString());
    inspect(handle);
    return checkBytes(model);
  }
  const content = contentOf(model);
  switch (dice.below(6)) {
    case 0:
      return expectBytes(handle.view, content, 'view');
    case 1: {
      const encoding = dice.pick(ENCODINGS);
      return expectSame(handle.toString(encoding), Buffer.from(content).toString(encoding), `toString of ${encoding}`);
    }
    case 2: {
      const encoding = anything(dice);
      const must = encoding === undefined ? 0 : Fails.Type;
      attempt('toString', must, 0, () => handle.toString(encoding as TextEncoding));
      return;
    }
    case 3: {
      const index = integerUpTo(dice, content.length, world.isHostile);
      const must = refusalOfInteger(index, 0, content.length - 1);
      const { value } = attempt('at', must, 0, () => handle.at(index as number));
      if (value !== undefined) expectSame(value, content[index as number], 'at');
      return;
    }
    case 4:
      return expectBytes(Uint8Array.from(handle), content, 'iteration');
    default:
      inspect(handle);
      expectSame(handle.toJSON().length, content.length, 'length in JSON');
      return checkBytes(model);
  }
};

/** Compares bytes with those of another handle, with a part of their own content, or with a hostile value. */
export const compare: Operation = (world, dice) => {
  const model = pick(world, dice);
  const other = pick(world, dice);
  if (model === undefined || other === undefined || (gone(model) | gone(other)) !== 0) return;
  const { handle } = model;
  const content = contentOf(model);
  let needle: unknown = other.handle;
  let bytes = contentOf(other);
  let must = 0;
  if (dice.oneIn(3)) {
    const start = dice.below(content.length + 1);
    bytes = content.slice(start, start + dice.below(4));
    needle = bytes;
  } else if (world.isHostile && dice.oneIn(2)) {
    const source = hostileSource(dice, 8);
    needle = source.value;
    // A source that lost its memory may count as empty, or be refused.
    if (source.isBytes) bytes = trueBytes(source.value as Uint8Array);
    else must = Fails.Type;
  }
  const may = (bytes.length === 0 ? Fails.Type : 0) | (must === 0 ? 0 : Fails.Marker);
  const order = Math.sign(Buffer.compare(content, bytes));
  const compared = attempt('compare', must, may, () => handle.compare(needle as Bytes));
  if (compared.failure === 0) expectSame(compared.value, order, 'compare');
  const equal = attempt('equals', must, may, () => handle.equals(needle as Bytes));
  if (equal.failure === 0) expectSame(equal.value, order === 0, 'equals');
  const from = integerUpTo(dice, content.length, world.isHostile);
  // indexOf takes a number as a byte to look for, and a text as UTF-8.
  const isByte = typeof needle === 'number';
  const text = typeof needle === 'string' ? needle : undefined;
  const invalid =
    (from === undefined ? 0 : refusalOfInteger(from, 0, content.length)) |
    (isByte ? refusalOfInteger(needle, 0, 255) : text === undefined ? must : 0);
  const found = attempt('indexOf', invalid, may, () => handle.indexOf(needle as Bytes, from as number));
  if (found.failure !== 0) return;
  const sought = isByte ? Uint8Array.of(needle as number) : text === undefined ? bytes : Buffer.from(text);
  expectSame(found.value, naiveIndexOf(content, sought, ((from ?? 0) as number) + 0), 'indexOf');
};

function naiveIndexOf(bytes: Uint8Array, needle: Uint8Array, from: number): number {
  for (let at = from; at + needle.length <= bytes.length; at++) {
    if (needle.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

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
  world.buffers.push(growableBuffer(handle, content, model.to - model.from));
};

/** Makes bytes on the heap: a copy of a source, or a wrapped source. The source may be empty. */
export const makeHeapBytes: Operation = (world, dice) => {
  if (world.bytes.length >= MOST_BYTES) return release(world, dice);
  const source =
    world.isHostile && dice.oneIn(2) ? hostileSource(dice, 40) : { value: plainSource(dice, 40), isBytes: true };
  const content = source.isBytes ? trueBytes(source.value as Uint8Array) : new Uint8Array(0);
  const wraps = dice.oneIn(2);
  const value = (wraps && source.isBytes ? content.slice() : source.value) as Uint8Array;
  const may = content.length === 0 ? Fails.Type : 0;
  const { value: handle } = attempt('heap bytes', source.isBytes ? 0 : Fails.Type, may, () =>
    wraps ? Bytes.wrap(value) : Bytes.copyFrom(value),
  );
  if (handle === undefined) return;
  const length = content.length;
  const block = length === 0 ? undefined : new Block(undefined, 0, !wraps);
  world.bytes.push({ handle, block, content, from: 0, to: length, offset: 0, visible: length });
};
