import { inspect } from 'node:util';
import { ArenaBuffer, Bytes, BytesMut, type RawRegion } from 'arena-alligator';
import { BytesList } from 'arena-alligator/node';
import type { Operation } from './arena-ops.js';
import type { DeadHandle } from './model.js';
import { attempt, Fails, Finding } from './outcome.js';

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
  (handle) => handle.putUint(1, 1),
  (handle) => handle.putIntLe(-1, 6),
  (handle) => handle.putVarint(1),
  (handle) => handle.putZigzag(-1n),
  (handle) => handle.put(Bytes.empty),
  (handle) => handle.put([Bytes.empty]),
  (handle) => handle.setUint(0, 1, 1),
  (handle) => handle.setU8(0, 1),
  (handle) => handle.setU32Le(0, 1),
  (handle) => handle.written,
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
  (handle) => handle.putVarint(1),
  (handle) => handle.put(Bytes.empty),
  (handle) => handle.setU16(0, 1),
  (handle) => handle.written,
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
  (handle) => handle.getU8At(0),
  (handle) => handle.getF64LeAt(0),
  (handle) => handle.getUint(1),
  (handle) => handle.getIntLe(6),
  (handle) => handle.getVarint(),
  (handle) => handle.getVarint64(),
  (handle) => handle.getZigzag(),
  (handle) => handle.getUtf8(0),
  (handle) => handle.canRead(0),
  (handle) => handle.toString('hex', 0, 0),
  (handle) => handle.copyTo(one),
  (handle) => handle.startsWith(1),
  (handle) => handle.endsWith(''),
  (handle) => handle.includes(one),
  (handle) => handle.lastIndexOf(1),
  (handle) => Bytes.empty.startsWith(handle),
  (handle) => BytesMut.withCapacity(1).put(handle),
  (handle) => new BytesList([handle]),
  (handle) => new BytesList().append(handle),
  (handle) => new BytesList().equals(handle),
];
const LIST_USES: readonly Use<BytesList>[] = [
  (handle) => handle.length,
  (handle) => handle.isEmpty,
  (handle) => handle.pieceCount,
  (handle) => [...handle],
  (handle) => handle.append(Bytes.empty),
  (handle) => handle.prepend(new BytesList()),
  (handle) => new BytesList().append(handle),
  (handle) => handle.advance(0),
  (handle) => handle.at(0),
  (handle) => handle.clone(),
  (handle) => handle.slice(),
  (handle) => handle.slice(0, 0),
  (handle) => handle.split(0),
  (handle) => handle.equals(one),
  (handle) => handle.compare(one),
  (handle) => new BytesList().compare(handle),
  (handle) => handle.indexOf(1),
  (handle) => handle.includes(''),
  (handle) => handle.copyTo(one),
  (handle) => handle.toBytes(),
  (handle) => handle.views(),
  (handle) => handle.toUint8Array(),
  (handle) => handle.toString(),
  (handle) => `${handle}`,
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
  if (handle instanceof BytesList) return of(LIST_USES)(handle);
  return of(RAW_USES)(handle);
}

/** Uses a handle that was given up. Every use must throw ReleasedError; giving it up again must do nothing. */
export const useDead: Operation = (world, dice) => {
  const handle = dice.from(world.dead);
  if (handle === undefined) return;
  if (dice.oneIn(4)) {
    if (handle instanceof ArenaBuffer) handle.abandon();
    else if (!(handle instanceof BytesMut)) handle.release();
    const isReadable = handle instanceof Bytes || handle instanceof BytesList;
    if (isReadable && !handle.isReleased) throw new Finding('isReleased is false for a released handle');
    inspect(handle);
    handle.toJSON();
    return;
  }
  attempt('a handle that was given up', Fails.Released, 0, () => use(handle, dice.below(1000)));
};
