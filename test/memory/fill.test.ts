import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedArena, InitPolicy, SlotSpec } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';

const SLOT = 700;
const SLOTS = 3;

for (const kind of ['ArrayBuffer', 'SharedArrayBuffer'] as const) {
  const memoryOf = (byteCount: number): ArrayBufferLike => new globalThis[kind](byteCount);

  test(`putBytes fills exactly its range, at any offset (${kind})`, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 17 }),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: SLOT - 20 }),
        fc.oneof(fc.constant(0xff), fc.integer({ min: 0, max: 255 })),
        (offset, before, byteCount, value) => {
          const memory = memoryOf(offset + SLOTS * SLOT + 9);
          const all = new Uint8Array(memory);
          all.forEach((_, index) => {
            all[index] = index % 251;
          });
          const expected = all.slice();
          const arena = FixedArena.fromRaw(new Uint8Array(memory, offset, SLOTS * SLOT), SlotSpec.size(SLOT)).build();
          const first = arena.allocate();
          const second = arena.allocate().putBytes(3, before).putBytes(value, byteCount);
          expected.fill(3, offset + SLOT, offset + SLOT + before);
          expected.fill(value, offset + SLOT + before, offset + SLOT + before + byteCount);
          assert.deepEqual(all, expected);
          first.abandon();
          second.abandon();
          assertAllReturned(arena);
        },
      ),
    );
  });

  test(`scrubbing zeroes exactly what was written (${kind})`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 17 }), fc.integer({ min: 0, max: SLOT }), (offset, byteCount) => {
        const memory = memoryOf(offset + SLOTS * SLOT);
        const all = new Uint8Array(memory);
        const window = new Uint8Array(memory, offset, SLOTS * SLOT);
        const arena = FixedArena.fromRaw(window, SlotSpec.size(SLOT)).initPolicy(InitPolicy.Zero).build();
        const neighbours = [arena.allocate(), arena.allocate(), arena.allocate()] as const;
        neighbours[0].putBytes(1, SLOT);
        neighbours[2].putBytes(1, SLOT);
        neighbours[1].putBytes(2, byteCount).abandon();
        const slots = [0, 1, 2].map((slot) => all.subarray(offset + slot * SLOT, offset + (slot + 1) * SLOT));
        assert.deepEqual(
          slots.map((slot) => slot.every((byte) => byte === slot[0])),
          [true, true, true],
        );
        assert.deepEqual(
          slots.map((slot) => slot[0]),
          [1, 0, 1],
        );
        neighbours[0].abandon();
        neighbours[2].abandon();
        assertAllReturned(arena);
      }),
    );
  });
}
