import { ArenaBuffer, BytesMut } from 'arena-alligator';
import {
  type BufferModel,
  type BytesModel,
  type ListModel,
  lengthOf,
  type RawModel,
  type Span,
  type World,
} from './model.js';
import { expectBytes, expectSame, Fails, Finding } from './outcome.js';

/** The bytes that a handle on frozen bytes must show. */
export function contentOf(span: Span): Uint8Array {
  return span.content.subarray(span.from, span.to);
}

/** The failure that a look at bytes may throw, because their memory was detached or shrunk. */
export function gone({ block }: Span): number {
  return block?.owner?.isGone ? Fails.Type : 0;
}

export function checkBytes(model: BytesModel): void {
  const { handle, block } = model;
  expectSame(handle.isReleased, false, 'isReleased');
  expectSame(handle.length, model.to - model.from, 'length of bytes');
  expectSame(handle.isUnique, block?.isWritable === true && block.holders === 1, 'isUnique');
  if (block?.owner?.isGone) return;
  expectBytes(handle.toUint8Array(), contentOf(model), 'bytes');
}

export function goneOfList({ pieces }: ListModel): number {
  return pieces.reduce((may, piece) => may | gone(piece), 0);
}

export function lengthOfList({ pieces }: ListModel): number {
  return pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
}

/** All bytes of a list together. Not as a Buffer, whose slices would share memory. */
export function contentOfList({ pieces }: ListModel): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces.map(contentOf)));
}

export function checkList(model: ListModel): void {
  const { handle, pieces } = model;
  const length = lengthOfList(model);
  expectSame(handle.isReleased, false, 'isReleased of a list');
  expectSame(handle.length, length, 'length of a list');
  expectSame(handle.isEmpty, length === 0, 'isEmpty of a list');
  expectSame(handle.pieceCount, pieces.length, 'pieceCount');
  for (const { span, handle: borrowed } of model.borrowed) {
    if (borrowed !== undefined) checkBytes({ ...span, handle: borrowed });
  }
  if (goneOfList(model) === 0) expectBytes(handle.toUint8Array(), contentOfList(model), 'a list');
}

/**
 * Checks a buffer against its model.
 * @param looks whether it also lends the rest of the memory. Only this tells where the written part lies
 */
export function checkBuffer(model: BufferModel, looks: boolean): void {
  const { handle, length } = model;
  expectSame(handle.length, length, 'length of a buffer');
  expectSame(handle.isEmpty, length === 0, 'isEmpty of a buffer');
  if (handle instanceof ArenaBuffer) expectSame(handle.isSpilled, model.isSpilled, 'isSpilled');
  if (model.block.owner === undefined) {
    model.capacity = handle.capacity;
    if (model.capacity < length) throw new Finding(`${length} bytes in a capacity of ${model.capacity}`);
  } else {
    expectSame(handle.capacity, model.capacity, 'capacity');
  }
  if (model.growth === 'firm') expectSame(handle.remainingMut(), model.capacity - length, 'remainingMut');
  if (handle instanceof BytesMut) expectBytes(handle.view, model.content.subarray(0, length), 'a BytesMut');
  if (!looks || model.block.owner?.isGone || length === model.capacity) return;
  const rest = handle.chunkMut();
  expectSame(rest.length, model.capacity - length, 'length of chunkMut');
  const written = new Uint8Array(rest.buffer, rest.byteOffset - length, length);
  expectBytes(written, model.content.subarray(0, length), 'a buffer');
}

export function checkRaw(model: RawModel): void {
  const { handle } = model;
  expectSame(handle.capacity, model.capacity, 'capacity of a region');
  if (model.block.owner?.isGone) return;
  expectBytes(handle.bytes, model.content, 'a region');
  expectSame(handle.bytes.byteOffset, handle.byteOffset, 'byteOffset of a region');
}

export function checkAll(world: World): void {
  for (const model of world.bytes) checkBytes(model);
  for (const model of world.lists) checkList(model);
  for (const model of world.buffers) checkBuffer(model, true);
  for (const model of world.raws) checkRaw(model);
  for (const model of world.arenas) model.checkMetrics();
}

/** Releases everything, and checks that all memory was returned. */
export function releaseAll(world: World): void {
  for (const { handle, block } of world.bytes.splice(0)) {
    handle.release();
    handle.release();
    block?.drop();
  }
  for (const { handle, pieces, borrowed } of world.lists.splice(0)) {
    handle.release();
    handle.release();
    for (const { block } of pieces) block?.drop();
    for (const { span } of borrowed) span.block?.drop();
  }
  for (const { handle, block } of world.buffers.splice(0)) {
    if (handle instanceof ArenaBuffer) handle.abandon();
    block.drop();
  }
  for (const { handle, block } of world.raws.splice(0)) {
    handle.release();
    block.drop();
  }
  for (const model of world.arenas) {
    model.checkEmpty();
    model.backing?.checkGuards();
  }
}
