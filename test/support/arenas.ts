import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ArenaBuffer, BuddyArena, type Bytes, type FixedArena, type TieredArena } from 'arena-alligator';

/** Asserts conservation: every allocation was returned, and a buddy arena is one block again. */
export function assertAllReturned(arena: FixedArena | BuddyArena | TieredArena): void {
  const metrics = arena.metrics();
  assert.equal(metrics.frees, metrics.allocationsOk, 'every allocation was returned');
  assert.equal(metrics.bytesLive, 0, 'no bytes are live');
  if (arena instanceof BuddyArena) {
    const { largestFreeBlock, splits, coalesces } = arena.metrics();
    assert.equal(largestFreeBlock, arena.totalSize, 'everything merged back into one block');
    assert.equal(coalesces, splits, 'every split was undone');
  }
}

/** Like {@link assertAllReturned}, but first gives the system up to a second to finish its closes. */
export async function assertAllReturnedSoon(arena: FixedArena | BuddyArena): Promise<void> {
  for (let turn = 0; turn < 200 && arena.metrics().bytesLive > 0; turn++) await sleep(5);
  assertAllReturned(arena);
}

/** Allocates slots until `arena` is full. */
export function allocateAll(arena: FixedArena): ArenaBuffer[] {
  const buffers: ArenaBuffer[] = [];
  for (let buffer = arena.tryAllocate(); buffer !== undefined; buffer = arena.tryAllocate()) buffers.push(buffer);
  return buffers;
}

/** Frozen bytes with `text` from `arena`. */
export function frozen(arena: FixedArena, text: string): Bytes {
  return arena.allocate().putUtf8(text).freeze();
}

/** The offset of a buffer's next byte in its ArrayBuffer. */
export function placeOf(buffer: ArenaBuffer): number {
  return buffer.chunkMut().byteOffset;
}
