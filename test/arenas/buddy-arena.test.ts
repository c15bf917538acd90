import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry } from 'arena-alligator';
import { assertAllReturned, placeOf } from '../support/arenas.js';

const small = (): BuddyArena => BuddyArena.builder(BuddyGeometry.exact(4096, 512)).build();

test('the arena has the shape of its geometry', () => {
  const arena = small();
  assert.deepEqual([arena.totalSize, arena.minBlockSize, arena.maxOrder], [4096, 512, 3]);
  assert.equal(arena.metrics().bytesReserved, 4096);
  assert.equal(arena.metrics().largestFreeBlock, 4096);
});

test('a request takes the smallest block that holds it', () => {
  const arena = small();
  for (const [length, block] of [
    [1, 512],
    [512, 512],
    [513, 1024],
    [700, 1024],
    [1024, 1024],
    [1025, 2048],
    [2049, 4096],
    [4096, 4096],
  ] as const) {
    const buffer = arena.allocate(length);
    assert.equal(buffer.capacity, block);
    assert.equal(arena.metrics().bytesLive, block);
    assert.equal(placeOf(buffer) % block, 0);
    buffer.abandon();
    assertAllReturned(arena);
  }
});

test('a nearest geometry caps the capacity to the request, and the arena counts the whole block', () => {
  const arena = BuddyArena.builder(BuddyGeometry.nearest(4000, 500)).build();
  const buffer = arena.allocate(700);
  assert.equal(buffer.capacity, 700);
  assert.equal(arena.metrics().bytesLive, 1024);
  assert.throws(() => buffer.putBytes(0, 701), { code: 'BUFFER_FULL' });
  buffer.abandon();
  assertAllReturned(arena);
});

test('splits and coalesces are counted step by step', () => {
  const arena = small();
  const first = arena.allocate(512);
  assert.equal(arena.metrics().splits, 3);
  assert.equal(arena.metrics().largestFreeBlock, 2048);
  const second = arena.allocate(512);
  assert.equal(arena.metrics().splits, 3);
  first.abandon();
  assert.equal(arena.metrics().coalesces, 0);
  second.abandon();
  assert.equal(arena.metrics().coalesces, 3);
  assertAllReturned(arena);
});

test('the best fit is taken, so that large blocks stay free for large requests', () => {
  const arena = small();
  const buffers = [arena.allocate(512), arena.allocate(2048)];
  assert.equal(arena.metrics().largestFreeBlock, 1024);
  buffers.push(arena.allocate(512));
  assert.equal(arena.metrics().largestFreeBlock, 1024);
  buffers.push(arena.allocate(1024));
  assert.equal(arena.metrics().largestFreeBlock, 0);
  assert.throws(() => arena.allocate(1), { name: 'AllocError', code: 'ARENA_FULL' });
  assert.equal(arena.tryAllocate(1), undefined);
  for (const buffer of buffers) buffer.abandon();
  assertAllReturned(arena);
});

test('a fragmented arena refuses only requests that are larger than its largest free block', () => {
  const arena = small();
  const buffers = Array.from({ length: 8 }, () => arena.allocate(512));
  for (const index of [0, 2, 4, 6]) buffers[index]?.abandon();
  assert.equal(arena.metrics().largestFreeBlock, 512);
  assert.equal(arena.tryAllocate(513), undefined);
  const refill = arena.allocate(512);
  refill.abandon();
  for (const index of [1, 3, 5, 7]) buffers[index]?.abandon();
  assertAllReturned(arena);
});

test('a length that could never fit fails with REQUEST_TOO_LARGE, and an invalid length is refused', () => {
  const arena = small();
  assert.throws(() => arena.allocate(4097), { name: 'AllocError', code: 'REQUEST_TOO_LARGE' });
  assert.throws(() => arena.tryAllocate(2 ** 52), { name: 'AllocError', code: 'REQUEST_TOO_LARGE' });
  assert.equal(arena.metrics().allocationsFailed, 2);
  for (const bad of [0, -1, Number.NaN, 1.5, 2 ** 60]) assert.throws(() => arena.allocate(bad), RangeError);
  for (const bad of ['8', undefined, null, {}, 8n] as unknown as number[]) {
    assert.throws(() => arena.allocate(bad), TypeError);
    assert.throws(() => arena.tryAllocate(bad), TypeError);
  }
  assert.equal(arena.metrics().allocationsFailed, 2);
  assertAllReturned(arena);
});

test('more blocks than can be numbered fail to build', () => {
  assert.throws(() => BuddyArena.builder(BuddyGeometry.exact(2 ** 31, 1)).build(), { code: 'SIZE_OVERFLOW' });
  assert.throws(() => BuddyArena.builder(BuddyGeometry.exact(2 ** 50, 2 ** 40)).build(), { code: 'SIZE_OVERFLOW' });
});

test('an arena beyond 4 GiB finds its blocks beyond 4 GiB', (context) => {
  let arena: BuddyArena;
  try {
    arena = BuddyArena.builder(BuddyGeometry.exact(2 ** 33, 2 ** 30))
      .pageSize('unknown')
      .build();
  } catch (error) {
    // On Node 20 a typed array has 4 GiB at most.
    assert.equal((error as { code?: string }).code, 'SIZE_OVERFLOW');
    context.skip('the runtime has no typed array of 8 GiB');
    return;
  }
  const buffers = Array.from({ length: 8 }, (_, index) => arena.allocate(2 ** 30).putU32(index));
  assert.throws(() => arena.allocate(1), { code: 'ARENA_FULL' });
  const offsets = new Set<number>();
  for (const [index, buffer] of buffers.entries()) {
    const bytes = buffer.freeze();
    offsets.add(bytes.view.byteOffset);
    assert.equal(bytes.getU32(), index);
    bytes.release();
  }
  assert.equal(offsets.size, 8);
  assert.ok(Math.max(...offsets) >= 2 ** 32);
  assertAllReturned(arena);
});
