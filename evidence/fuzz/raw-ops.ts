import { inspect } from 'node:util';
import { ArenaBuffer, Bytes, BytesMut, type RawRegion } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { checkRaw } from './checks.js';
import { integerUpTo } from './hostile.js';
import { type DeadHandle, remove } from './model.js';
import { attempt, expectSame, Fails, Finding, refusalOfInteger } from './outcome.js';

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

type Use<Handle> = (handle: Handle) => unknown;

const one = Uint8Array.of(1);
// Calls that need a live handle, whatever their arguments.
const BUFFER_USES: readonly Use<ArenaBuffer>[] = [
  (handle) => handle.putU8(1),
  (handle) => handle.putI64(1n),
  (handle) => handle.putSlice(one),
  (handle) => handle.putSlice(new Uint8Array(0)),
  (handle) => handle.tryPutSlice(one),
  (handle) => handle.putBytes(1, 0),
  (handle) => handle.putUtf8(''),
  (handle) => handle.chunkMut(),
  (handle) => handle.advanceMut(0),
  (handle) => handle.length,
  (handle) => handle.capacity,
  (handle) => handle.isEmpty,
  (handle) => handle.remainingMut(),
  (handle) => handle.willFit(0),
  (handle) => handle.freeze(),
  (handle) => handle.isSpilled,
];
const MUT_USES: readonly Use<BytesMut>[] = [
  (handle) => handle.putF64Le(1),
  (handle) => handle.putSlice(one),
  (handle) => handle.view,
  (handle) => handle.reserve(0),
  (handle) => handle.truncate(0),
  (handle) => handle.clear(),
  (handle) => handle.freeze(),
  (handle) => handle.chunkMut(),
];
const BYTES_USES: readonly Use<Bytes>[] = [
  (handle) => handle.length,
  (handle) => handle.isEmpty,
  (handle) => handle.isUnique,
  (handle) => handle.view,
  (handle) => handle.at(0),
  (handle) => [...handle],
  (handle) => handle.clone(),
  (handle) => handle.slice(0, 0),
  (handle) => handle.slice(),
  (handle) => handle.splitTo(0),
  (handle) => handle.splitOff(0),
  (handle) => handle.truncate(0),
  (handle) => handle.advance(0),
  (handle) => handle.getU8(),
  (handle) => handle.getF64Le(),
  (handle) => handle.equals(one),
  (handle) => Bytes.empty.equals(handle),
  (handle) => handle.compare(one),
  (handle) => handle.indexOf(1),
  (handle) => handle.toString(),
  (handle) => `${handle}`,
  (handle) => handle.toUint8Array(),
  (handle) => handle.intoOwned(),
  (handle) => handle.tryIntoMut(),
  (handle) => handle.toTicket(),
];
const RAW_USES: readonly Use<RawRegion>[] = [
  (handle) => handle.capacity,
  (handle) => handle.bytes,
  (handle) => handle.memory,
  (handle) => handle.byteOffset,
  (handle) => handle.freeze(0, 0),
];

function use(handle: DeadHandle, at: number): unknown {
  const of = <Handle>(uses: readonly Use<Handle>[]): Use<Handle> => uses[at % uses.length] as Use<Handle>;
  if (handle instanceof ArenaBuffer) return of(BUFFER_USES)(handle);
  if (handle instanceof BytesMut) return of(MUT_USES)(handle);
  if (handle instanceof Bytes) return of(BYTES_USES)(handle);
  return of(RAW_USES)(handle);
}

/** Uses a handle that was given up. Every use must throw ReleasedError; giving it up again must do nothing. */
export const useDead: Operation = (world, dice) => {
  const handle = dice.from(world.dead);
  if (handle === undefined) return;
  if (dice.oneIn(4)) {
    if (handle instanceof ArenaBuffer) handle.abandon();
    else if (!(handle instanceof BytesMut)) handle.release();
    if (handle instanceof Bytes && !handle.isReleased) throw new Finding('isReleased is false for released bytes');
    inspect(handle);
    handle.toJSON();
    return;
  }
  attempt('a handle that was given up', Fails.Released, 0, () => use(handle, dice.below(1000)));
};
