import { inspect } from 'node:util';
import type { ArenaBuffer, Bytes } from 'arena-alligator';
import { checkRefused, type Operation, refusals } from './arena-ops.js';
import { checkList, contentOfList, goneOfList } from './checks.js';
import type { Dice } from './dice.js';
import { anything } from './hostile.js';
import { anyEncoding, checkAt, checkCopyTo, checkTemplate, checkText } from './look-ops.js';
import { type ArenaModel, Block, heapBytes, type ListModel, MOST_BYTES, shareOf, type World } from './model.js';
import { attempt, expectBytes, expectSame, Fails } from './outcome.js';
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
    for (const [at, { from, to }] of pieces.entries()) expectSame(views[at]?.length, to - from, 'length of a view');
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
  if (model === undefined || goneOfList(model) !== 0 || world.bytes.length >= MOST_BYTES) return;
  const { handle, pieces } = model;
  const [only] = pieces;
  const arena = dice.from(world.arenas);
  if (pieces.length > 1 && arena !== undefined && dice.oneIn(2)) return joinInto(world, model, arena);
  const content = contentOfList(model);
  const place = world.isHostile && dice.oneIn(3) ? anything(dice) : undefined;
  const must = place === undefined || pieces.length < 2 ? 0 : Fails.Type | Fails.Marker;
  const { value: bytes } = attempt('toBytes', must, 0, () => handle.toBytes(place as ArenaModel['arena']));
  if (bytes === undefined) return checkList(model);
  const span = only !== undefined && pieces.length === 1 ? shareOf(only, 0, only.to - only.from) : undefined;
  world.bytes.push(span === undefined ? heapBytes(bytes, content, false) : { handle: bytes, ...span });
  expectBytes(bytes.toUint8Array(), content, 'toBytes');
};

function joinInto(world: World, model: ListModel, arena: ArenaModel): void {
  const content = contentOfList(model);
  const { length } = content;
  const { must, may, size } = refusals(arena, length);
  let capacity = 0;
  const source = {
    allocate(byteCount: number): ArenaBuffer {
      expectSame(byteCount, length, 'the length that toBytes asks for');
      const buffer = arena.arena.allocate(byteCount);
      capacity = buffer.capacity;
      return buffer;
    },
  };
  // In memory that is gone, the copy fails.
  const fails = arena.isGone ? Fails.Type : 0;
  const { failure, value } = attempt(
    'toBytes in an arena',
    must,
    may | fails,
    (): Bytes => model.handle.toBytes(source),
  );
  if (value === undefined) {
    checkList(model);
    if (failure !== Fails.Type) checkRefused(arena, failure, size);
    else new Block(arena, size).drop();
    return;
  }
  const block = new Block(arena, size);
  arena.frozen++;
  world.bytes.push({ handle: value, block, content, from: 0, to: length, offset: 0, visible: capacity });
}
