import { Bytes } from 'arena-alligator';
import { BytesList } from 'arena-alligator/node';
import type { Operation } from './arena-ops.js';
import { checkList, lengthOfList } from './checks.js';
import type { Dice } from './dice.js';
import { anything, integerUpTo } from './hostile.js';
import {
  type BytesModel,
  copyOf,
  type ListModel,
  lengthOf,
  MOST_BORROWED,
  MOST_BYTES,
  narrow,
  remove,
  type Span,
  shareOf,
  type World,
} from './model.js';
import { attempt, expectSame, Fails, Finding, Marker, refusalOfInteger } from './outcome.js';
import { anyRange } from './ranges.js';

// Operations that make lists and change them. What only looks at a list is in list-look-ops.ts.

const MOST_LISTS = 8;
/** A list with more pieces is not made longer. */
const MOST_PIECES = 12;

/** Takes bytes out of the world, because a list took their handle over. @returns what the list holds of them */
function takeOver(world: World, model: BytesModel): Span[] {
  remove(world.bytes, model);
  world.bury(model.handle);
  const { handle: _, ...span } = model;
  if (lengthOf(span) > 0) return [span];
  span.block?.drop();
  return [];
}

/** Takes a list out of the world that was released, or whose pieces went to another list. */
function leave(world: World, model: ListModel): void {
  remove(world.lists, model);
  world.bury(model.handle);
  endReading(world, model);
}

/** Gives up the handles that a list gave out for reading. The list must have released them. */
function endReading(world: World, { borrowed }: ListModel): void {
  for (const { span, handle } of borrowed.splice(0)) {
    span.block?.drop();
    if (handle === undefined) continue;
    expectSame(handle.isReleased, true, 'isReleased of a handle that a list gave out');
    world.bury(handle);
  }
}

function add(world: World, handle: BytesList, pieces: Span[]): void {
  const model = { handle, pieces, borrowed: [] };
  world.lists.push(model);
  checkList(model);
}

/** Different handles, in any order. */
function someBytes(world: World, dice: Dice): BytesModel[] {
  const chosen = Array.from({ length: dice.below(5) }, () => dice.from(world.bytes));
  return [...new Set(chosen)].filter((model) => model !== undefined);
}

/** A value that a list cannot take over, and the failures that it causes. */
interface Bad {
  readonly value: unknown;
  readonly must: number;
}

function badPart(world: World, dice: Dice, mayBeList: boolean): Bad {
  const dead = dice.from(world.dead);
  if (dead !== undefined && dice.oneIn(2)) {
    const isPart = dead instanceof Bytes || (mayBeList && dead instanceof BytesList);
    return { value: dead, must: isPart ? Fails.Released : Fails.Type };
  }
  const value = anything(dice);
  return { value, must: Fails.Type | Fails.Marker };
}

/** Pieces that end in an error, or that are no list of pieces at all. */
function badPieces(world: World, dice: Dice, handles: readonly Bytes[]): Bad {
  const [first] = handles;
  switch (dice.below(4)) {
    case 0: {
      const { value, must } = badPart(world, dice, false);
      return { value: [...handles, value], must };
    }
    case 1:
      return first === undefined ? { value: 1, must: Fails.Type } : { value: [...handles, first], must: Fails.Range };
    case 2:
      return { value: thenThrows(handles), must: Fails.Marker };
    default: {
      const value = anything(dice);
      const isGood = value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
      return { value: isGood ? null : value, must: Fails.Type | Fails.Marker };
    }
  }
}

function* thenThrows(handles: readonly Bytes[]): Generator<Bytes, void, undefined> {
  yield* handles;
  throw new Marker('a list of pieces was read');
}

/** Makes a list of some bytes, of none, or of what another list gives out. */
export const makeList: Operation = (world, dice) => {
  if (world.lists.length >= MOST_LISTS) return releaseList(world, dice);
  const models = someBytes(world, dice);
  const handles = models.map(({ handle }) => handle);
  if (world.isHostile && dice.oneIn(4)) {
    const { value, must } = badPieces(world, dice, handles);
    attempt('a list of bad pieces', must, 0, () => new BytesList(value as Bytes[]));
    for (const handle of handles) expectSame(handle.isReleased, false, 'isReleased of a piece that was not taken');
    return;
  }
  const other = dice.from(world.lists);
  if (other !== undefined && dice.oneIn(6)) {
    // The handles that the list gives out are used up at once.
    return add(world, new BytesList(other.handle), other.pieces.map(copyOf));
  }
  if (dice.oneIn(12)) return add(world, new BytesList(), []);
  const handle = new BytesList(dice.oneIn(2) ? handles : handles.values());
  add(
    world,
    handle,
    models.flatMap((model) => takeOver(world, model)),
  );
};

/** Adds bytes or another list at one end. */
export const extend: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined || model.pieces.length > MOST_PIECES) return;
  const { handle } = model;
  const isFront = dice.oneIn(2);
  const call = (value: unknown): BytesList =>
    isFront ? handle.prepend(value as Bytes) : handle.append(value as BytesList);
  if (world.isHostile && dice.oneIn(4)) {
    const { value, must } = dice.oneIn(4) ? { value: handle, must: Fails.Range } : badPart(world, dice, true);
    attempt('an extension by a bad value', must, 0, () => call(value));
    return checkList(model);
  }
  const other = dice.from(world.lists);
  const bytes = dice.from(world.bytes);
  let pieces: Span[];
  if (other !== undefined && other !== model && dice.oneIn(2)) {
    expectSame(call(other.handle), handle, 'the result of an extension');
    leave(world, other);
    pieces = other.pieces;
  } else {
    if (bytes === undefined) return;
    expectSame(call(bytes.handle), handle, 'the result of an extension');
    pieces = takeOver(world, bytes);
  }
  model.pieces = isFront ? [...pieces, ...model.pieces] : [...model.pieces, ...pieces];
  checkList(model);
};

/** Takes the pieces of the first `at` bytes from a model. */
function cut(model: ListModel, at: number): Span[] {
  const head: Span[] = [];
  let rest = at;
  for (const piece of [...model.pieces]) {
    const length = lengthOf(piece);
    if (rest === 0) break;
    if (rest < length) {
      head.push(shareOf(piece, 0, rest));
      narrow(piece, rest, length);
      break;
    }
    head.push(piece);
    model.pieces.shift();
    rest -= length;
  }
  return head;
}

/** Cuts off the front, to keep it or to drop it. */
export const splitList: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined) return;
  const { handle } = model;
  const length = lengthOfList(model);
  const at = integerUpTo(dice, length, world.isHostile);
  const invalid = refusalOfInteger(at, 0, length);
  if (dice.oneIn(2) || world.lists.length >= MOST_LISTS) {
    const { failure } = attempt('advance of a list', invalid, 0, () => handle.advance(at as number));
    if (failure !== 0) return checkList(model);
    for (const { block } of cut(model, at as number)) block?.drop();
  } else {
    const { value: head } = attempt('split of a list', invalid, 0, () => handle.split(at as number));
    if (head === undefined) return checkList(model);
    add(world, head, cut(model, at as number));
  }
  endReading(world, model);
  checkList(model);
};

export const sliceList: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined) return;
  if (world.lists.length >= MOST_LISTS) return releaseList(world, dice);
  const { handle, pieces } = model;
  if (dice.oneIn(3)) return add(world, handle.clone(), pieces.map(copyOf));
  const length = lengthOfList(model);
  const { start, end, refusal, from, to } = anyRange(dice, length, world.isHostile);
  const { value: slice } = attempt('slice of a list', refusal, 0, () => handle.slice(start, end));
  if (slice === undefined) return checkList(model);
  const copy: ListModel = { handle: slice, pieces: pieces.map(copyOf), borrowed: [] };
  for (const { block } of cut(copy, from)) block?.drop();
  const middle = cut(copy, to - from);
  for (const { block } of copy.pieces) block?.drop();
  add(world, slice, middle);
};

/**
 * Reads from the handles that a list gives out: from some of them or from all. They may be read from and released;
 * what is cloned from them stays.
 */
export const readPieces: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined || model.borrowed.length > MOST_BORROWED) return;
  const known = dice.from(model.borrowed);
  if (known?.handle !== undefined && dice.oneIn(3)) {
    known.handle.release();
    known.span.block?.drop();
    remove(model.borrowed, known);
    return checkList(model);
  }
  const { pieces } = model;
  const most = dice.oneIn(2) ? pieces.length : 1 + dice.below(pieces.length);
  let count = 0;
  for (const handle of model.handle) {
    const piece = pieces[count++];
    if (piece === undefined) throw new Finding('a list gave out more pieces than it has');
    readPiece(world, dice, model, copyOf(piece), handle);
    // A list that is read to its end is left to end by itself.
    if (count === most && most < pieces.length) break;
  }
  expectSame(count, Math.min(most, pieces.length), 'pieces that a list gave out');
  checkList(model);
};

function readPiece(world: World, dice: Dice, { borrowed }: ListModel, span: Span, handle: Bytes): void {
  borrowed.push({ span, handle });
  if (dice.oneIn(2)) {
    const step = dice.below(lengthOf(span) + 1);
    handle.advance(step);
    span.from += step;
    span.offset += step;
  }
  if (!dice.oneIn(4) || world.bytes.length >= MOST_BYTES) return;
  world.bytes.push({ handle: handle.clone(), ...shareOf(span, 0, lengthOf(span), true) });
}

export const releaseList: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined) return;
  if (dice.oneIn(4)) model.handle[Symbol.dispose]();
  else model.handle.release();
  for (const { block } of model.pieces) block?.drop();
  leave(world, model);
};
