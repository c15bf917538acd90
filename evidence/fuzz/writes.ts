import { checkBuffer } from './checks.js';
import { Block, type BufferModel } from './model.js';
import { type Attempt, Fails } from './outcome.js';

// What a write does to the model of a buffer.

/** Growing a buffer beyond this many bytes would take noticeable time. */
export const LARGEST_GROWTH: number = 4096;
/** Making room for this many bytes must be refused. */
export const IMPOSSIBLE: number = 2 ** 40;

/** The failures that writing `byteCount` bytes must throw, and those it may throw. */
export function refusalOfRoom(model: BufferModel, byteCount: number): { must: number; may: number } {
  const may = model.block.owner?.isGone ? Fails.Type : 0;
  if (byteCount <= model.capacity - model.length) return { must: 0, may };
  if (model.growth === 'firm') return { must: Fails.BufferFull, may };
  return { must: byteCount >= IMPOSSIBLE ? Fails.Range : 0, may };
}

/** Updates the model after a write that returned. */
export function wrote(model: BufferModel, bytes: Uint8Array): void {
  const needed = model.length + bytes.length;
  if (needed > model.capacity) moved(model);
  room(model, needed);
  model.content.set(bytes, model.length);
  model.length = needed;
}

function room(model: BufferModel, byteCount: number): void {
  if (byteCount <= model.content.length) return;
  const grown = new Uint8Array(2 * byteCount);
  grown.set(model.content.subarray(0, model.length));
  model.content = grown;
}

/** Updates the model of a buffer that outgrew its memory. Memory of an arena was returned. */
export function moved(model: BufferModel): void {
  const { owner } = model.block;
  model.start = 0;
  if (owner !== undefined) {
    owner.spills++;
    model.block.drop();
    model.block = new Block(undefined, 0);
    model.isSpilled = true;
  }
  model.capacity = model.handle.capacity;
}

/** Updates the model after a call that returned. After a call that threw, checks that nothing changed. */
export function settle(model: BufferModel, { failure }: Attempt<unknown>, bytes: Uint8Array): void {
  if (failure === 0) wrote(model, bytes);
  else checkBuffer(model, false);
}
