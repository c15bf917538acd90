import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, FixedArena, type RawFixedArena, type RawRegion, SlotSpec } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';

const fixed = (): RawFixedArena => FixedArena.withSlotCapacity(2, 16).hazmatRawAccess().build();

test('a region shows its whole slot as writable bytes, and the place of the slot', () => {
  const arena = fixed();
  const region = arena.rawAllocate();
  const other = arena.rawAllocate();
  assert.equal(region.capacity, 16);
  assert.equal(region.bytes.length, 16);
  assert.equal(region.bytes.byteOffset, region.byteOffset);
  assert.equal(region.bytes.buffer, region.memory);
  assert.equal(Math.abs(other.byteOffset - region.byteOffset), 16);
  region.release();
  other.release();
  assertAllReturned(arena);
});

test('freeze makes bytes of the given range, which may be written in any order', () => {
  const arena = fixed();
  const region = arena.rawAllocate();
  region.bytes.set([5, 6, 7], 4);
  new DataView(region.memory, region.byteOffset).setUint32(0, 3);
  const payload = region.freeze(4, 7);
  assert.deepEqual([...payload], [5, 6, 7]);
  assert.equal(arena.metrics().frozen, 1);
  assert.throws(() => region.bytes, { code: 'RELEASED' });
  payload.clone().release();
  payload.release();
  assertAllReturned(arena);
});

test('freezing a bad range throws and does not change the region', () => {
  const arena = fixed();
  const region = arena.rawAllocate();
  assert.throws(() => region.freeze(3, 2), { name: 'RawFreezeError', code: 'RAW_FREEZE_RANGE', start: 3, end: 2 });
  assert.throws(() => region.freeze(0, 17), { name: 'RawFreezeError', end: 17, capacity: 16 });
  assert.throws(() => region.freeze(-1, 2), RangeError);
  assert.throws(() => region.freeze(0, 0.5), RangeError);
  assert.throws(() => region.freeze('0' as unknown as number, 2), TypeError);
  assert.equal(arena.metrics().frozen, 0);
  region.bytes.fill(1);
  region.freeze(0, 16).release();
  assertAllReturned(arena);
});

test('a region that was frozen or released is used up, and releasing it again does nothing', () => {
  const arena = fixed();
  const endings: ((region: RawRegion) => void)[] = [(region) => region.freeze(0, 1).release(), (r) => r.release()];
  for (const end of endings) {
    const region = arena.rawAllocate();
    end(region);
    for (const use of [
      () => region.capacity,
      () => region.bytes,
      () => region.memory,
      () => region.byteOffset,
      () => region.freeze(0, 0),
    ]) {
      assert.throws(use, { name: 'ReleasedError', code: 'RELEASED' });
    }
    region.release();
    region[Symbol.dispose]();
  }
  assertAllReturned(arena);
});

test('an empty freeze returns the slot at once', () => {
  const arena = fixed();
  const empty = arena.rawAllocate().freeze(3, 3);
  assert.equal(empty.length, 0);
  assert.equal(arena.metrics().frozen, 1);
  assertAllReturned(arena);
});

test('zero policy: a region is scrubbed even when it was written through other views, which the arena cannot notice', () => {
  const memory = new Uint8Array(64);
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).initPolicy('zero').hazmatRawAccess().build();
  const region = arena.rawAllocate();
  memory.fill(0x5a, region.byteOffset, region.byteOffset + 64);
  region.freeze(0, 64).release();
  assert.ok(memory.every((byte) => byte === 0));
});

test('using releases a region', () => {
  const arena = fixed();
  {
    using region = arena.rawAllocate();
    region.bytes[0] = 1;
  }
  assertAllReturned(arena);
});

test('a raw arena also allocates ordinary buffers from the same slots', () => {
  const arena = fixed();
  const buffer = arena.allocate();
  const region = arena.rawAllocate(8);
  assert.throws(() => arena.rawAllocate(), { code: 'ARENA_FULL' });
  assert.throws(() => arena.rawAllocate(17), { code: 'REQUEST_TOO_LARGE' });
  buffer.abandon();
  region.release();
  arena.close();
  assert.throws(() => arena.rawAllocate(), { code: 'ARENA_CLOSED' });
  assertAllReturned(arena);
});

test('a buddy region has its whole block with an exact geometry, and the requested length with a nearest one', () => {
  const exact = BuddyArena.builder(BuddyGeometry.exact(256, 16)).hazmatRawAccess().build();
  const nearest = BuddyArena.builder(BuddyGeometry.nearest(256, 16)).hazmatRawAccess().build();
  const whole = exact.rawAllocate(20);
  const capped = nearest.rawAllocate(20);
  assert.equal(whole.capacity, 32);
  assert.equal(capped.capacity, 20);
  assert.throws(() => capped.freeze(0, 21), { code: 'RAW_FREEZE_RANGE' });
  assert.equal(nearest.metrics().bytesLive, 32);
  whole.release();
  capped.release();
  assertAllReturned(exact);
  assertAllReturned(nearest);
});

test('an arena built without raw access has no rawAllocate', () => {
  assert.equal('rawAllocate' in FixedArena.withSlotCapacity(1, 1).build(), false);
});
