import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, BuddyHint, FixedArena, SlotSpec } from 'arena-alligator';
import { assertAllReturned, frozen } from '../support/arenas.js';
import { uncaughtDuring } from '../support/uncaught.js';

test('a closed arena refuses new allocations, and its live handles stay valid', () => {
  for (const arena of [
    FixedArena.withSlotCapacity(4, 64).build(),
    BuddyArena.builder(BuddyGeometry.exact(256, 64)).build(),
  ]) {
    const buffer = arena.allocate(64);
    const bytes = arena.allocate(64).putUtf8('live').freeze();
    arena.close();
    assert.throws(() => arena.allocate(64), { name: 'AllocError', code: 'ARENA_CLOSED' });
    assert.throws(() => arena.tryAllocate(64), { name: 'AllocError', code: 'ARENA_CLOSED' });
    assert.equal(arena.metrics().allocationsFailed, 2);
    const late = buffer.putUtf8('late').freeze();
    assert.equal(late.toString(), 'late');
    assert.equal(bytes.clone().slice(1, 3).toString(), 'iv');
    late.release();
    bytes.release();
    assert.throws(() => arena.allocate(64), { name: 'AllocError', code: 'ARENA_CLOSED' });
  }
});

test('isClosed says whether the arena was closed', () => {
  const fixed = FixedArena.withSlotCapacity(1, 8).build();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(8, 8)).build();
  for (const arena of [fixed, buddy]) {
    assert.equal(arena.isClosed, false);
    arena.close();
    assert.equal(arena.isClosed, true);
  }
});

test('disposing an arena closes it, and closing twice does nothing', () => {
  const arena = FixedArena.withSlotCapacity(1, 8).build();
  {
    using scoped = arena;
    scoped.allocate().abandon();
  }
  arena.close();
  assert.throws(() => arena.allocate(), { code: 'ARENA_CLOSED' });
  assertAllReturned(arena);
});

test('close calls dealloc once, with the memory, when nothing is live', () => {
  const memory = new ArrayBuffer(64);
  const calls: unknown[] = [];
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(4), (given) => calls.push(given)).build();
  arena.allocate().abandon();
  assert.deepEqual(calls, []);
  arena.close();
  arena.close();
  assert.equal(calls.length, 1);
  assert.equal(calls[0], memory);
});

test('dealloc waits for the last handle of a closed arena', () => {
  const memory = new Uint8Array(64);
  let calls = 0;
  const arena = FixedArena.fromRaw(memory, SlotSpec.size(16), () => calls++).build();
  const bytes = frozen(arena, 'last');
  const clone = bytes.clone();
  const buffer = arena.allocate();
  arena.close();
  bytes.release();
  buffer.abandon();
  assert.equal(calls, 0);
  clone.release();
  assert.equal(calls, 1);
  clone.release();
  assert.equal(calls, 1);
});

test('dealloc waits for the last handle of a closed buddy arena', () => {
  let calls = 0;
  const arena = BuddyArena.fromRaw(new ArrayBuffer(64), BuddyHint.minAlloc(16), () => calls++).build();
  const region = arena.allocate(20);
  arena.close();
  assert.equal(calls, 0);
  region.abandon();
  assert.equal(calls, 1);
  assertAllReturned(arena);
});

test('an error thrown by dealloc does not fail the operation that returned the last slot', async () => {
  const boom = new Error('boom');
  const arena = FixedArena.fromRaw(new ArrayBuffer(8), SlotSpec.count(1), () => {
    throw boom;
  })
    .autoSpill()
    .build();
  const buffer = arena.allocate().putBytes(1, 4);
  arena.close();
  const thrown = await uncaughtDuring(() => void buffer.putBytes(2, 8));
  assert.deepEqual([...buffer.freeze()], [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
  assert.deepEqual(thrown, [boom]);
  assert.equal(thrown[0], boom);
});

test('dealloc does not run for an arena that was not closed', () => {
  let calls = 0;
  const arena = FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.count(1), () => calls++).build();
  arena.allocate().abandon();
  assert.equal(calls, 0);
});

test('a dealloc that is not a function is refused', () => {
  const bad = 5 as unknown as () => void;
  assert.throws(() => FixedArena.fromRaw(new ArrayBuffer(8), SlotSpec.count(1), bad), TypeError);
  assert.throws(() => BuddyArena.fromRaw(new ArrayBuffer(8), BuddyHint.minAlloc(8), bad), TypeError);
});
