import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';

const FRESH = {
  allocationsOk: 0,
  allocationsFailed: 0,
  frees: 0,
  frozen: 0,
  spills: 0,
  bytesReserved: 64,
  bytesLive: 0,
  leaksReclaimed: 0,
  leaksPinned: 0,
};

test('the metrics of a fresh fixed arena are all 0, except for its size', () => {
  assert.deepEqual(FixedArena.withSlotCapacity(4, 16).build().metrics(), FRESH);
});

test('the metrics of a fresh buddy arena show one free block', () => {
  assert.deepEqual(BuddyArena.builder(BuddyGeometry.exact(64, 16)).build().metrics(), {
    ...FRESH,
    splits: 0,
    coalesces: 0,
    largestFreeBlock: 64,
  });
});

test('metrics are a frozen snapshot of plain data', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const before = arena.metrics();
  const buffer = arena.allocate();
  assert.equal(before.allocationsOk, 0);
  assert.equal(Object.isFrozen(before), true);
  assert.equal(Object.getPrototypeOf(before), Object.prototype);
  assert.deepEqual(structuredClone(before), before);
  buffer.abandon();
});

test('every event is counted once', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).autoSpill().build();
  const frozen = arena.allocate().putU8(1).freeze();
  const spilled = arena.allocate().putBytes(1, 17);
  const abandoned = arena.allocate();
  assert.equal(arena.tryAllocate(), undefined);
  assert.throws(() => arena.allocate());
  assert.throws(() => arena.allocate(17));
  frozen.clone().release();
  frozen.slice(0, 1).release();
  abandoned.abandon();
  spilled.freeze().release();
  const { bytesReserved, ...counts } = arena.metrics();
  assert.equal(bytesReserved, 32);
  assert.deepEqual(counts, {
    allocationsOk: 3,
    allocationsFailed: 3,
    frees: 2,
    frozen: 1,
    spills: 1,
    bytesLive: 16,
    leaksReclaimed: 0,
    leaksPinned: 0,
  });
  frozen.release();
  assert.equal(arena.metrics().frees, 3);
});
