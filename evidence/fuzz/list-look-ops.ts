import { inspect } from 'node:util';
import type { ArenaBuffer, Bytes } from 'arena-alligator';
import { checkRefused, type Operation, refusals } from './arena-ops.js';
import { checkBytes, checkList, contentOfList, goneOfList } from './checks.js';
import type { Dice } from './dice.js';
import { anything } from './hostile.js';
import { anyEncoding, checkAt, checkCopyTo, checkTemplate, checkText } from './look-ops.js';
import {
  type ArenaModel,
  Block,
  copyOf,
  heapBytes,
  type ListModel,
  lengthOf,
  MOST_BYTES,
  type World,
} from './model.js';
import { attempt, expectBytes, expectSame, Fails, REFUSALS } from './outcome.js';
import { anyNeedle, checkOrder, checkSearch, SEARCHES } from './search-ops.js';

type Look = (world: World, dice: Dice, model: ListModel, content: Uint8Array) => void;

const LOOKS: readonly Look[] = [
  (world, dice, { handle }, content) => checkAt(world, dice, handle, content),
  (_world, _dice, { handle }, content) => checkTemplate(handle, content),
  (world, dice, { handle }, content) => {
    const { encoding, refusal } = anyEncoding(dice, world.isHostile);
    const { value } = attempt('toString of a list', refusal, 0, () => handle.toString(encoding));
    checkText(value, content, encoding);
  },
  (_world, _dice, { handle, pieces }, content) => {
    const views = handle.views();
    expectSame(views.length, pieces.length, 'views of a list');
    for (const [at, piece] of pieces.entries()) expectSame(views[at]?.length, lengthOf(piece), 'length of a view');
    expectBytes(Buffer.concat(views), content, 'views of a list');
  },
  (_world, _dice, { handle }, content) => expectBytes(handle.valueOf(), content, 'valueOf of a list'),
  (_world, _dice, { handle }, content) => {
    inspect(handle);
    expectSame(handle.toJSON().length, content.length, 'length of a list in JSON');
  },
];

/** Calls that read all the memory of a list. Where some of it is gone, they may throw, and do nothing worse. */
const READS: readonly ((handle: ListModel['handle']) => unknown)[] = [
  (handle) => handle.toUint8Array(),
  (handle) => handle.toString(),
  (handle) => handle.views(),
  (handle) => handle.indexOf(1),
  (handle) => handle.equals(new Uint8Array(1)),
  (handle) => handle.copyTo(new Uint8Array(4)),
];

export const lookAtList: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined) return;
  const may = goneOfList(model);
  if (may === 0) dice.pick(LOOKS)(world, dice, model, contentOfList(model));
  else attempt('a look at a list whose memory is gone', 0, may, () => dice.pick(READS)(model.handle));
  checkList(model);
};

/** Compares a list and searches in it. */
export const searchList: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined || goneOfList(model) !== 0) return;
  const { handle } = model;
  const content = contentOfList(model);
  checkSearch(world, dice, handle, content, dice.pick(SEARCHES));
  const other = dice.from(world.lists);
  if (other === undefined || goneOfList(other) !== 0 || dice.oneIn(2)) {
    checkOrder(handle, content, anyNeedle(world, dice, content));
  } else {
    checkOrder(handle, content, { value: other.handle, run: contentOfList(other), must: 0, may: 0 });
  }
};

export const copyFromList: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined || goneOfList(model) !== 0) return;
  checkCopyTo(world, dice, model.handle, contentOfList(model));
};

/** Makes one payload of a list: another handle on its only piece, or a copy on the heap or in an arena. */
export const joinList: Operation = (world, dice) => {
  const model = dice.from(world.lists);
  if (model === undefined || world.bytes.length >= MOST_BYTES) return;
  const { handle, pieces } = model;
  const [only] = pieces;
  const arena = dice.from(world.arenas);
  if (pieces.length > 1 && arena !== undefined && dice.oneIn(2)) return joinInto(world, dice, model, arena);
  const place = world.isHostile && dice.oneIn(3) ? anything(dice) : undefined;
  const copies = pieces.length > 1;
  const must = place === undefined || !copies ? 0 : Fails.Type | Fails.Marker;
  const may = copies ? goneOfList(model) : 0;
  const { value: bytes } = attempt('toBytes', must, may, () => handle.toBytes(place as ArenaModel['arena']));
  if (bytes === undefined) return checkList(model);
  const joined =
    only === undefined || copies
      ? heapBytes(bytes, contentOfJoined(model, bytes), false)
      : { handle: bytes, ...copyOf(only) };
  world.bytes.push(joined);
  checkBytes(joined);
};

/** What a copy of a list must hold. What was in memory that is gone, only the copy can tell. */
function contentOfJoined(model: ListModel, bytes: Bytes): Uint8Array {
  return goneOfList(model) === 0 ? contentOfList(model) : bytes.toUint8Array();
}

function joinInto(world: World, dice: Dice, model: ListModel, arena: ArenaModel): void {
  const { length } = contentOfList(model);
  const { must, may, size } = refusals(arena, length);
  // A source of buffers without room: the copy fails, and must return the buffer.
  const isFull = world.isHostile && must === 0 && !arena.traits.spills && !arena.isGone && dice.oneIn(3);
  let capacity = 0;
  const source = {
    allocate(byteCount: number): ArenaBuffer {
      expectSame(byteCount, length, 'the length that toBytes asks for');
      const buffer = arena.arena.allocate(byteCount);
      capacity = buffer.capacity;
      return isFull ? buffer.putBytes(0, capacity) : buffer;
    },
  };
  const invalid = isFull ? Fails.BufferFull : must;
  const lost = goneOfList(model) | (arena.isGone ? Fails.Type : 0);
  const { failure, value } = attempt('toBytes in an arena', invalid, may | lost, () => model.handle.toBytes(source));
  if (value === undefined) {
    if ((failure & REFUSALS) === 0) new Block(arena, size).drop();
    else checkRefused(arena, failure, size);
    arena.checkMetrics();
    checkList(model);
    return;
  }
  const content = arena.isGone ? new Uint8Array(length) : contentOfJoined(model, value);
  const block = new Block(arena, size);
  arena.frozen++;
  const joined = { handle: value, block, content, from: 0, to: length, offset: 0, visible: capacity };
  world.bytes.push(joined);
  checkBytes(joined);
}
