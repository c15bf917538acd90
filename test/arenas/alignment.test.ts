import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, FixedArena, SlotSpec } from 'arena-alligator';
import fc from 'fast-check';
import { allocateAll, placeOf } from '../support/arenas.js';

const powers = fc.integer({ min: 0, max: 12 }).map((exponent) => 2 ** exponent);

test('slot capacities round up to the alignment and slots start at multiples of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 500 }), powers, (count, capacity, align) => {
      const arena = FixedArena.withSlotCapacity(count, capacity).alignment(align).build();
      assert.equal(arena.slotCapacity, Math.ceil(capacity / align) * align);
      for (const buffer of allocateAll(arena)) assert.equal(placeOf(buffer) % align, 0);
    }),
  );
});

test('over caller memory, slots start at multiples of the alignment in the buffer, wherever the window starts', () => {
  const buffer = new ArrayBuffer(8192);
  fc.assert(
    fc.property(fc.nat(4000), fc.integer({ min: 1, max: 5 }), powers, (offset, count, align) => {
      const window = new Uint8Array(buffer, offset, 4096);
      const skipped = (align - (offset % align)) % align;
      const expected = Math.floor((4096 - skipped) / count / align) * align;
      const builder = FixedArena.fromRaw(window, SlotSpec.count(count)).alignment(align);
      if (expected === 0) {
        assert.throws(() => builder.build(), { code: 'ZERO_USABLE_SLOTS' });
        return;
      }
      const arena = builder.build();
      assert.equal(arena.slotCapacity, expected);
      const places = allocateAll(arena).map(placeOf);
      assert.equal(places.length, count);
      for (const place of places) {
        assert.equal(place % align, 0);
        assert.ok(place >= offset && place + expected <= offset + 4096);
      }
    }),
  );
});

test('an alignment that is not a power of two is refused', () => {
  for (const bad of [3, 6, 4095, 2 ** 49 + 1]) {
    assert.throws(() => FixedArena.withSlotCapacity(1, 8).alignment(bad), {
      name: 'BuildError',
      code: 'INVALID_ALIGNMENT',
    });
  }
  for (const bad of [0, -2, 0.5, Number.NaN, 2 ** 60]) {
    assert.throws(() => FixedArena.withSlotCapacity(1, 8).alignment(bad), RangeError);
  }
  assert.throws(() => FixedArena.withSlotCapacity(1, 8).alignment('8' as unknown as number), TypeError);
});

test('alignment() of a buddy builder aligns as withAlignment() of its geometry does', () => {
  const exact = BuddyGeometry.exact(4096, 64);
  assert.equal(BuddyArena.builder(exact).alignment(64).build().minBlockSize, 64);
  assert.throws(() => BuddyArena.builder(exact).alignment(128).build(), { code: 'INVALID_GEOMETRY' });
  assert.equal(BuddyArena.builder(BuddyGeometry.nearest(4000, 60)).alignment(128).build().minBlockSize, 128);
  const aligned = BuddyGeometry.nearest(4000, 60).withAlignment(256);
  assert.equal(BuddyArena.builder(aligned).build().minBlockSize, 256);
});
