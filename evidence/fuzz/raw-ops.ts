import { inspect } from 'node:util';
import type { Operation } from './arena-ops.js';
import { checkRaw } from './checks.js';
import { integerUpTo } from './hostile.js';
import { remove } from './model.js';
import { attempt, expectSame, Fails, refusalOfInteger } from './outcome.js';

export const useRaw: Operation = (world, dice) => {
  const model = dice.from(world.raws);
  if (model === undefined) return;
  const { handle, capacity, content } = model;
  if (dice.oneIn(3)) {
    if (model.block.owner?.isGone) return;
    handle.bytes.set([dice.next()], dice.below(capacity));
    content.set(handle.bytes);
    inspect(handle);
    expectSame(handle.toJSON().capacity, capacity, 'capacity in JSON');
    return checkRaw(model);
  }
  const start = integerUpTo(dice, capacity, world.isHostile);
  const end = dice.oneIn(2) ? capacity : integerUpTo(dice, capacity, world.isHostile);
  const invalid = refusalOfInteger(start, 0) | refusalOfInteger(end, 0);
  const [from, to] = [start as number, end as number];
  const outside = invalid === 0 && (from > to || to > capacity) ? Fails.RawFreeze : 0;
  const { value: bytes } = attempt('freeze of a region', invalid || outside, 0, () => handle.freeze(from, to));
  if (bytes === undefined) return checkRaw(model);
  remove(world.raws, model);
  world.bury(handle);
  const { block } = model;
  if (block.owner !== undefined) block.owner.frozen++;
  const isEmpty = from === to;
  if (isEmpty) block.drop();
  world.bytes.push({
    handle: bytes,
    block: isEmpty ? undefined : block,
    content,
    from: from + 0, // never -0
    to: to + 0,
    offset: from + 0,
    visible: capacity,
  });
};

export const releaseRaw: Operation = (world, dice) => {
  const model = dice.from(world.raws);
  if (model === undefined) return;
  remove(world.raws, model);
  world.bury(model.handle);
  model.block.drop();
  if (dice.oneIn(2)) model.handle.release();
  else model.handle[Symbol.dispose]();
};
