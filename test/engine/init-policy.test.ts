import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BuddyArena,
  BuddyGeometry,
  BuddyHint,
  type Bytes,
  FixedArena,
  InitPolicy,
  type RawBuddyArena,
  type RawFixedArena,
  SlotSpec,
} from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';

const dirty = (): Uint8Array => new Uint8Array(1024).fill(0xdd);
const dirtyShared = (): Uint8Array => new Uint8Array(new SharedArrayBuffer(1024)).fill(0xdd);
const SLOT = 64;

const zeroed: readonly [name: string, make: () => RawFixedArena | RawBuddyArena][] = [
  ['fixed', () => FixedArena.withSlotCapacity(16, SLOT).initPolicy('zero').hazmatRawAccess().build()],
  ['buddy', () => BuddyArena.builder(BuddyGeometry.exact(1024, 16)).initPolicy('zero').hazmatRawAccess().build()],
  [
    'fixed from raw',
    () => FixedArena.fromRaw(dirty(), SlotSpec.size(SLOT)).initPolicy('zero').hazmatRawAccess().build(),
  ],
  [
    'buddy from raw',
    () => BuddyArena.fromRaw(dirty(), BuddyHint.minAlloc(16)).initPolicy('zero').hazmatRawAccess().build(),
  ],
  [
    'fixed from shared raw',
    () => FixedArena.fromRaw(dirtyShared(), SlotSpec.size(SLOT)).initPolicy('zero').hazmatRawAccess().build(),
  ],
];

/** Ways to leave bytes in the memory of an allocation, through every path that writes. */
const waysToDirty: readonly ((arena: RawFixedArena | RawBuddyArena, length: number) => void)[] = [
  (arena, length) => arena.allocate(length).putBytes(0xff, length).freeze().release(),
  (arena, length) => arena.allocate(length).putBytes(0xff, length).abandon(),
  (arena, length) => {
    const buffer = arena.allocate(length);
    buffer.chunkMut().fill(0xff);
    buffer.abandon();
  },
  (arena, length) => {
    const buffer = arena.allocate(length);
    buffer.chunkMut().fill(0xff);
    buffer.advanceMut(1).freeze().release();
  },
  (arena, length) => {
    using region = arena.rawAllocate(length);
    region.bytes.fill(0xff);
  },
  (arena, length) => {
    const region = arena.rawAllocate(length);
    new Uint8Array(region.memory, region.byteOffset, region.capacity).fill(0xff);
    region.freeze(0, 1).release();
  },
  (arena, length) => {
    const mutable = arena.allocate(length).putBytes(0xff, length).freeze().tryIntoMut();
    mutable?.freeze().release();
  },
  (arena, length) => {
    const bytes = arena.allocate(length).putBytes(0xff, length).freeze();
    const tail = bytes.splitOff(length >> 1);
    bytes.release();
    const reopened = tail.tryIntoMut();
    reopened?.abandon();
    tail.release();
  },
  (arena, length) => {
    const bytes = arena.allocate(length).putBytes(0xff, length).freeze();
    bytes.truncate(1);
    bytes.intoOwned();
  },
];

for (const [name, make] of zeroed) {
  test(`zero policy, ${name}: no owner sees a byte of an earlier owner, whatever path wrote it`, () => {
    const size = fc.integer({ min: 1, max: SLOT });
    const step = fc.tuple(fc.nat(waysToDirty.length - 1), size, size, fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const arena = make();
        const held: Bytes[] = [];
        for (const [way, dirtied, checked, keep] of steps) {
          waysToDirty[way]?.(arena, dirtied);
          const region = arena.rawAllocate(checked);
          assert.ok(region.bytes.every((byte) => byte === 0));
          region.bytes.fill(0xee);
          // Held allocations move later ones to other memory, which was not allocated before.
          if (keep && held.length < 8) held.push(region.freeze(0, checked));
          else region.release();
        }
        for (const bytes of held) bytes.release();
        assertAllReturned(arena);
      }),
    );
  });
}

test('zero policy: when a buffer spills, its slot is scrubbed', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).initPolicy(InitPolicy.Zero).autoSpill().build();
  arena.allocate().putBytes(0xff, 10).putBytes(0xff, 10).abandon();
  assert.ok(
    arena
      .allocate()
      .chunkMut()
      .every((byte) => byte === 0),
  );
});

test('zero policy: memory is scrubbed when it comes back, not when it is claimed again', () => {
  const memory = dirty();
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).initPolicy('zero').build();
  const bytes = arena.allocate().putBytes(0xff, 100).freeze();
  bytes.release();
  assert.ok(memory.every((byte) => byte === 0));
});

test('zero policy: only what was written is scrubbed', () => {
  const memory = dirty();
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).initPolicy('zero').build();
  arena.allocate().abandon();
  // The arena does not know of this byte, so a scrub that goes too far would show.
  memory[500] = 0x77;
  arena.allocate().putBytes(0xff, 100).abandon();
  assert.equal(memory[500], 0x77);
  assert.equal(memory[99], 0);
});

test('zero policy: shared memory is scrubbed to the last byte, at every length', () => {
  for (const length of [1, 4095, 4096, 4097, 8192, 10_000, 12_288]) {
    const memory = new Uint8Array(new SharedArrayBuffer(length));
    const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).initPolicy('zero').build();
    arena.allocate().putBytes(0xff, length).abandon();
    assert.ok(
      memory.every((byte) => byte === 0),
      `${length}`,
    );
  }
});

test('uninit policy: a new owner sees the bytes of the last one', () => {
  for (const policy of [InitPolicy.Uninit, undefined]) {
    const builder = FixedArena.withSlotCapacity(1, 16);
    const arena = (policy === undefined ? builder : builder.initPolicy(policy)).build();
    arena.allocate().putBytes(0xff, 16).abandon();
    assert.ok(
      arena
        .allocate()
        .chunkMut()
        .every((byte) => byte === 0xff),
    );
  }
});

test('values that are not a policy are refused', () => {
  for (const bad of ['Zero', '', 0, null, undefined, {}] as unknown as InitPolicy[]) {
    assert.throws(() => FixedArena.withSlotCapacity(1, 1).initPolicy(bad), TypeError);
  }
});

test('in shared memory, slots of odd sizes are filled and scrubbed from the first byte to the last and no further', () => {
  for (const size of [13, 20, 31, 65]) {
    const memory = new SharedArrayBuffer(3 + 5 * size);
    const arena = FixedArena.fromRaw(new Uint8Array(memory, 3), SlotSpec.size(size)).initPolicy('zero').build();
    const buffers = Array.from({ length: 5 }, () => arena.allocate());
    const expected = new Uint8Array(3 + 5 * size);
    const check = (): void => assert.deepEqual([...new Uint8Array(memory)], [...expected]);
    for (const [index, buffer] of buffers.entries()) {
      buffer.putBytes(0xa0 + index, size);
      expected.fill(0xa0 + index, 3 + index * size, 3 + (index + 1) * size);
      check();
    }
    for (const index of [2, 0, 4, 1, 3]) {
      buffers[index]?.abandon();
      expected.fill(0, 3 + index * size, 3 + (index + 1) * size);
      check();
    }
  }
});

test('scrubbing goes as far as the last owner wrote, not as far as the owner before', () => {
  const memory = dirty();
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).initPolicy('zero').build();
  arena.allocate().putBytes(1, 100).abandon();
  const buffer = arena.allocate().putBytes(2, 10);
  memory[50] = 9; // written past the arena, to show what is scrubbed
  buffer.abandon();
  assert.deepEqual([memory[5], memory[50]], [0, 9]);
  assertAllReturned(arena);
});
