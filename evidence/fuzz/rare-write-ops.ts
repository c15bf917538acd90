import { Bytes } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { checkBuffer, contentOf, gone, goneOfList } from './checks.js';
import type { Dice } from './dice.js';
import { anything, integerUpTo } from './hostile.js';
import { anyByteCount, anySized, bytesOfSized, refusalOfSized, SETTERS, SIZED } from './integers.js';
import { type BufferModel, copyOf, lengthOf, MOST_BORROWED, type Span, type World } from './model.js';
import { attempt, expectBytes, expectSame, Fails, refusalOfInteger } from './outcome.js';
import { anyVarint, encodeVarint, refusalOfVarint, VARINT_WRITERS } from './varints.js';
import { LARGEST_GROWTH, refusalOfRoom, settle, wrote } from './writes.js';

/**
 * Makes a call that appends `bytes`, if `invalid` is 0.
 * @param invalid the failures that it must throw because of its arguments
 */
function append(model: BufferModel, name: string, invalid: number, bytes: Uint8Array, call: () => unknown): void {
  const { must, may } = refusalOfRoom(model, bytes.length);
  const result = attempt(name, invalid || must, may, call);
  if (result.failure === 0) expectSame(result.value, model.handle, `the result of ${name}`);
  settle(model, result, bytes);
}

const NONE = new Uint8Array(0);

export const putSized: Operation = (world, dice) => {
  const model = dice.from(world.buffers);
  if (model === undefined) return;
  const kind = dice.pick(SIZED);
  const byteCount = anyByteCount(dice, world.isHostile);
  const value = anySized(kind, byteCount, dice, world.isHostile);
  const invalid = refusalOfSized(kind, value, byteCount);
  const bytes = invalid === 0 ? bytesOfSized(kind, value, byteCount) : NONE;
  append(model, `put${kind.name}`, invalid, bytes, () => kind.put(model.handle, value, byteCount));
};

export const putVarint: Operation = (world, dice) => {
  const model = dice.from(world.buffers);
  if (model === undefined) return;
  const writer = dice.pick(VARINT_WRITERS);
  const value = anyVarint(writer, dice, world.isHostile);
  const invalid = refusalOfVarint(writer, value);
  const bytes = invalid === 0 ? encodeVarint(writer.varintOf(BigInt(value as bigint))) : [];
  append(model, writer.name, invalid, Uint8Array.from(bytes), () => writer.put(model.handle, value));
};

/** Overwrites bytes that are already written. */
export const overwrite: Operation = (world, dice) => {
  const model = dice.from(world.buffers);
  if (model === undefined) return;
  const { name, kind, size, set } = dice.pick(SETTERS);
  const byteCount = size ?? anyByteCount(dice, world.isHostile);
  const value = anySized(kind, byteCount, dice, world.isHostile);
  const refused = refusalOfSized(kind, value, byteCount);
  const bytes = refused === 0 ? bytesOfSized(kind, value, byteCount) : NONE;
  const rest = model.length - bytes.length;
  const at = integerUpTo(dice, Math.max(0, rest), world.isHostile);
  const invalid = refused | refusalOfInteger(at, 0, refused === 0 ? rest : Number.MAX_SAFE_INTEGER);
  const may = model.block.owner?.isGone ? Fails.Type : 0;
  const result = attempt(name, invalid, may, () => set(model.handle, at, value, byteCount));
  if (result.failure === 0) {
    expectSame(result.value, model.handle, `the result of ${name}`);
    model.content.set(bytes, at as number);
  }
  lookAtWritten(model);
};

function lookAtWritten(model: BufferModel): void {
  const { handle, content, length } = model;
  const may = model.block.owner?.isGone ? Fails.Type : 0;
  const { value } = attempt('written', 0, may, () => handle.written);
  if (value !== undefined && may === 0) expectBytes(value, content.subarray(0, length), 'written');
  checkBuffer(model, false);
}

/** What `put` is given: pieces, and after them perhaps a value that it must refuse. */
interface Pieces {
  readonly value: unknown;
  readonly spans: readonly Span[];
  readonly must: number;
  readonly may: number;
  /** Called with how many pieces `put` has asked for. */
  asked(count: number): void;
}

const ignore = (): void => undefined;

function anyPieces(world: World, dice: Dice): Pieces {
  const chosen = Array.from({ length: dice.below(4) }, () => dice.from(world.bytes));
  const models = chosen.filter((model) => model !== undefined).filter((model) => gone(model) === 0);
  const handles: unknown[] = models.map(({ handle }) => handle);
  const good = { spans: models, must: 0, may: 0, asked: ignore };
  const [first] = models;
  const list = dice.from(world.lists);
  switch (dice.below(world.isHostile ? 7 : 5)) {
    case 0:
      if (first !== undefined) return { ...good, value: first.handle, spans: [first] };
      return { ...good, value: Bytes.empty, spans: [] };
    case 1:
      return { ...good, value: handles };
    case 2:
      return { ...good, value: handles.values() };
    case 3:
    case 4: {
      if (list === undefined || goneOfList(list) !== 0 || list.borrowed.length > MOST_BORROWED)
        return { ...good, value: handles };
      const asked = (count: number): void => {
        for (const piece of list.pieces.slice(0, count)) {
          list.borrowed.push({ span: copyOf(piece), handle: undefined });
        }
      };
      return { value: list.handle, spans: list.pieces, must: 0, may: 0, asked };
    }
    case 5: {
      const dead = dice.from(world.dead);
      const isDead = dead instanceof Bytes && dice.oneIn(2);
      const bad = isDead ? dead : anything(dice);
      return { ...good, value: [...handles, bad], must: isDead ? Fails.Released : Fails.Type, may: Fails.Marker };
    }
    default: {
      const value = anything(dice);
      // An empty text or array is a list without pieces.
      const isEmpty = value === '' || (Array.isArray(value) && value.length === 0);
      return { ...good, value, spans: [], must: isEmpty ? 0 : Fails.Type, may: Fails.Marker };
    }
  }
}

/** Appends bytes, or the pieces of a list. The pieces before one that is refused stay written. */
export const putPieces: Operation = (world, dice) => {
  const model = dice.from(world.buffers);
  if (model === undefined || model.block.owner?.isGone) return;
  const { value, spans, must, may, asked } = anyPieces(world, dice);
  if (spans.reduce((sum, span) => sum + lengthOf(span), model.length) > LARGEST_GROWTH) return;
  let room = model.growth === 'firm' ? model.capacity - model.length : Number.POSITIVE_INFINITY;
  let fitting = 0;
  for (const span of spans) {
    room -= lengthOf(span);
    if (room < 0) break;
    fitting++;
  }
  const isFull = fitting < spans.length;
  const result = attempt('put', isFull ? Fails.BufferFull : must, may, () => model.handle.put(value as Bytes));
  asked(isFull ? fitting + 1 : fitting);
  wrote(model, Buffer.concat(spans.slice(0, fitting).map(contentOf)));
  if (result.failure === 0) expectSame(result.value, model.handle, 'the result of put');
  checkBuffer(model, false);
};
