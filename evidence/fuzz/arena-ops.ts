import { inspect } from 'node:util';
import {
  type ArenaBuffer,
  RawBuddyArena,
  RawFixedArena,
  RawSharedBuddyArena,
  RawSharedFixedArena,
} from 'arena-alligator';
import type { Dice } from './dice.js';
import { anything, integerUpTo } from './hostile.js';
import { type ArenaModel, Block, type BufferModel, type World } from './model.js';
import { attempt, expectSame, Fails, Finding, REFUSALS, refusalOfInteger } from './outcome.js';

/** One operation on the objects of a world. The dice make its choices. */
export type Operation = (world: World, dice: Dice) => void;

const SMALL = 4;

function anyLength(world: World, dice: Dice, { arena }: ArenaModel): unknown {
  if ('slotCount' in arena) return dice.oneIn(2) ? undefined : integerUpTo(dice, arena.slotCapacity, world.isHostile);
  // Most lengths are small, so that several blocks are live at once.
  const limit = Math.max(1, arena.totalSize >> dice.below(SMALL + 2));
  return dice.oneIn(8) ? integerUpTo(dice, limit, world.isHostile) : 1 + dice.below(limit);
}

/** The failures that an allocation of `length` must throw, and those it may throw. */
export function refusals(model: ArenaModel, length: unknown): { must: number; may: number; size: number } {
  const optional = model.traits.kind === 'fixed' && length === undefined;
  const invalid = optional ? 0 : refusalOfInteger(length, 1);
  if (invalid !== 0) return { must: invalid, may: 0, size: 0 };
  const size = model.blockFor(length as number | undefined);
  if (size === undefined) return { must: Fails.TooLarge, may: 0, size: 0 };
  if (model.isClosed) return { must: Fails.Closed, may: 0, size };
  if (model.bytesLive + size > model.total) return { must: Fails.ArenaFull, may: 0, size };
  // A buddy arena may have enough free bytes, but only in smaller blocks.
  const surely = model.traits.kind === 'fixed' || model.bytesLive === 0;
  return { must: 0, may: surely ? 0 : Fails.ArenaFull, size };
}

export function checkRefused(model: ArenaModel, failure: number, size: number): void {
  if ((failure & REFUSALS) !== 0) model.allocationsFailed++;
  if (failure !== Fails.ArenaFull || 'slotCount' in model.arena) return;
  const { largestFreeBlock } = model.arena.metrics();
  if (largestFreeBlock >= size)
    throw new Finding(`the arena is full, although a free block of ${largestFreeBlock} bytes is enough for ${size}`);
}

/** Adds a buffer that an arena handed out. */
export function addBuffer(
  world: World,
  model: ArenaModel,
  handle: ArenaBuffer,
  size: number,
  length: number | undefined,
): BufferModel {
  const { arena, traits } = model;
  const caps = !('slotCount' in arena) && handle.capacity !== size;
  if (caps) expectSame(handle.capacity, length, 'capacity of a buffer');
  const buffer: BufferModel = {
    handle,
    growth: traits.spills ? 'spill' : 'firm',
    block: new Block(model, size),
    isSpilled: false,
    capacity: handle.capacity,
    start: 0,
    content: new Uint8Array(handle.capacity),
    length: 0,
  };
  if (handle.length !== 0 || buffer.capacity > size)
    throw new Finding(`a fresh buffer has ${handle.length} bytes of content, or too large a capacity`);
  world.buffers.push(buffer);
  return buffer;
}

/** Checks that a fresh allocation of an arena with the zero policy is all zeros. The check lends the memory. */
function checkZero({ handle }: BufferModel, model: ArenaModel): void {
  if (!model.traits.zeroes || model.isGone) return;
  const chunk = handle.chunkMut();
  expectSame(chunk.length, handle.capacity, 'length of a fresh chunk');
  for (const byte of chunk) expectSame(byte, 0, 'a fresh byte');
  if (chunk.byteOffset % model.traits.alignment !== 0) throw new Finding(`offset ${chunk.byteOffset} is not aligned`);
}

export function allocate(world: World, dice: Dice): void {
  const model = dice.from(world.arenas);
  if (model === undefined) return;
  const tries = dice.oneIn(2);
  const length = anyLength(world, dice, model);
  const { must, may, size } = refusals(model, length);
  const { arena } = model;
  // For tryAllocate a full arena is an answer, not a failure.
  const full = tries ? Fails.ArenaFull : 0;
  const { failure, value } = attempt('allocate', must & ~full, may & ~full, () =>
    tries ? arena.tryAllocate(length as number) : arena.allocate(length as number),
  );
  if (value === undefined) {
    if (failure === 0 && ((must | may) & full) === 0)
      throw new Finding('tryAllocate returned undefined in an arena with room');
    checkRefused(model, failure === 0 ? Fails.ArenaFull : failure, size);
    return;
  }
  if (must !== 0) throw new Finding('an allocation succeeded in a full arena');
  const buffer = addBuffer(world, model, value, size, length as number | undefined);
  if (dice.oneIn(3)) checkZero(buffer, model);
}

export function rawAllocate(world: World, dice: Dice): void {
  const model = dice.from(world.arenas);
  if (model === undefined) return;
  const { arena } = model;
  const isRaw =
    arena instanceof RawFixedArena ||
    arena instanceof RawBuddyArena ||
    arena instanceof RawSharedFixedArena ||
    arena instanceof RawSharedBuddyArena;
  expectSame(isRaw, model.traits.isRaw, 'whether an arena is raw');
  if (!isRaw) return;
  const length = anyLength(world, dice, model);
  const { must, may, size } = refusals(model, length);
  const { failure, value: handle } = attempt('rawAllocate', must, may, () => arena.rawAllocate(length as number));
  if (handle === undefined) {
    checkRefused(model, failure, size);
    return;
  }
  const block = new Block(model, size);
  const { capacity } = handle;
  const content = new Uint8Array(capacity);
  if (!model.isGone) {
    const { bytes } = handle;
    if (model.traits.zeroes) for (const byte of bytes) expectSame(byte, 0, 'a fresh raw byte');
    bytes.fill(dice.next());
    content.set(bytes);
  }
  world.raws.push({ handle, block, capacity, content });
}

export function lookAtArena(world: World, dice: Dice): void {
  const model = dice.from(world.arenas);
  if (model === undefined) return;
  if (dice.oneIn(4)) {
    inspect(model.arena);
    JSON.stringify(model.arena);
  }
  model.checkMetrics();
}

/** Closes an arena. Rarely, because little is left to do after that. */
export function closeArena(world: World, dice: Dice): void {
  const model = dice.from(world.arenas);
  if (model === undefined || !dice.oneIn(12)) return;
  if (dice.oneIn(2)) model.arena.close();
  else model.arena[Symbol.dispose]();
  model.isClosed = true;
}

/** Shrinks, detaches or grows the backing memory of an arena. */
export function disturbMemory(world: World, dice: Dice): void {
  const backing = dice.from(world.arenas)?.backing;
  if (backing?.disturb !== undefined && dice.oneIn(4)) backing.disturb(backing);
}

/** Calls a method on a foreign object. It may throw a TypeError, and must do nothing worse. */
export function callOnStranger(world: World, dice: Dice): void {
  const model = dice.from(world.arenas);
  if (model === undefined || !world.isHostile) return;
  const stranger = anything(dice);
  const { arena } = model;
  const methods: readonly ((this: unknown) => unknown)[] = [
    arena.allocate as () => unknown,
    arena.metrics as () => unknown,
    arena.close as () => unknown,
  ];
  const method = dice.pick(methods);
  attempt('a method called on a foreign object', 0, Fails.Type | Fails.Marker, () => method.call(stranger));
}
