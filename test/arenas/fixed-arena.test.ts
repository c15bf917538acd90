import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedArena } from 'arena-alligator';
import { allocateAll, assertAllReturned, placeOf } from '../support/arenas.js';

test('withSlotCapacity makes the given number of slots of the given capacity', () => {
  const arena = FixedArena.withSlotCapacity(3, 100).build();
  assert.equal(arena.slotCount, 3);
  assert.equal(arena.slotCapacity, 100);
  assert.equal(arena.metrics().bytesReserved, 300);
  assert.equal(arena.allocate().capacity, 100);
});

test('withArenaCapacity divides the total capacity, and rounds the slots up', () => {
  const arena = FixedArena.withArenaCapacity(3, 100).build();
  assert.equal(arena.slotCount, 3);
  assert.equal(arena.slotCapacity, 34);
});

test('every slot can be allocated once, none overlaps another, and then the arena is full', () => {
  for (const slotCount of [1, 2, 31, 32, 33, 64, 1000, 1024, 1025, 40_000]) {
    const arena = FixedArena.withSlotCapacity(slotCount, 16).build();
    const buffers = allocateAll(arena);
    assert.equal(buffers.length, slotCount);
    const places = new Set(buffers.map(placeOf));
    assert.equal(places.size, slotCount);
    for (const place of places) assert.equal(place % 16, 0);
    assert.throws(() => arena.allocate(), { name: 'AllocError', code: 'ARENA_FULL' });
    assert.equal(arena.tryAllocate(), undefined);
    for (const buffer of buffers) buffer.abandon();
    assertAllReturned(arena);
    assert.equal(allocateAll(arena).length, slotCount);
  }
});

test('the slot that was released last is allocated next', () => {
  const arena = FixedArena.withSlotCapacity(8, 16).build();
  const first = arena.allocate();
  const place = placeOf(first);
  first.abandon();
  assert.equal(placeOf(arena.allocate()), place);
});

test('allocate(length) takes a slot that holds length bytes, or fails with REQUEST_TOO_LARGE when no slot could', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).build();
  assert.equal(arena.allocate(16).capacity, 16);
  assert.equal(arena.tryAllocate(1)?.capacity, 16);
  assert.throws(() => arena.allocate(17), { name: 'AllocError', code: 'REQUEST_TOO_LARGE' });
  assert.throws(() => arena.tryAllocate(17), { name: 'AllocError', code: 'REQUEST_TOO_LARGE' });
});

test('sizes that are not positive integers are refused before anything is built', () => {
  for (const bad of [0, -1, Number.NaN, 1.5, 2 ** 60, Number.POSITIVE_INFINITY]) {
    assert.throws(() => FixedArena.withSlotCapacity(bad, 1), RangeError);
    assert.throws(() => FixedArena.withSlotCapacity(1, bad), RangeError);
    assert.throws(() => FixedArena.withArenaCapacity(bad, 1), RangeError);
    assert.throws(() => FixedArena.withArenaCapacity(1, bad), RangeError);
  }
  for (const bad of ['1', null, undefined, {}, 1n, [1]] as unknown as number[]) {
    assert.throws(() => FixedArena.withSlotCapacity(bad, 1), TypeError);
    assert.throws(() => FixedArena.withSlotCapacity(1, bad), TypeError);
  }
});

test('an allocation with a bad length changes nothing, not even the counters', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).build();
  const before = arena.metrics();
  for (const bad of [0, -1, Number.NaN, 1.5, 2 ** 60]) assert.throws(() => arena.allocate(bad), RangeError);
  assert.throws(() => arena.allocate('1' as unknown as number), TypeError);
  assert.deepEqual(arena.metrics(), before);
});

test('sizes beyond what can be counted or reserved fail to build with SIZE_OVERFLOW', () => {
  for (const [count, capacity] of [
    [2 ** 30, 2 ** 40],
    [2 ** 31, 2],
    [2 ** 20, 2 ** 32],
  ] as const) {
    assert.throws(() => FixedArena.withSlotCapacity(count, capacity).build(), {
      name: 'BuildError',
      code: 'SIZE_OVERFLOW',
    });
  }
});

test('one builder can build several arenas, each with its own memory', () => {
  const builder = FixedArena.withSlotCapacity(1, 8);
  const one = builder.build();
  const other = builder.build();
  assert.notEqual(one.allocate().chunkMut().buffer, other.allocate().chunkMut().buffer);
});
