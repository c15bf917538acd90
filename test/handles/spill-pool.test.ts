import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, type Bytes, FixedArena, InitPolicy } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';

const SLOT = 16;

function spilled(arena: FixedArena, value: number, length: number): Bytes {
  return arena
    .allocate()
    .putBytes(value, SLOT)
    .putBytes(value, length - SLOT)
    .freeze();
}

test('memory of a spilled payload is reused after its release', () => {
  const arena = FixedArena.withSlotCapacity(2, SLOT).autoSpill().build();
  const first = spilled(arena, 1, 100);
  const { buffer } = first.view;
  first.release();
  const second = spilled(arena, 2, 100);
  assert.equal(second.view.buffer, buffer);
  second.release();
  assertAllReturned(arena);
});

test('memory of a spilled payload is not reused while a handle holds it', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ length: fc.integer({ min: SLOT + 1, max: 70_000 }), drop: fc.boolean(), share: fc.boolean() }),
        {
          maxLength: 40,
        },
      ),
      (steps) => {
        const arena = FixedArena.withSlotCapacity(1, SLOT).autoSpill().build();
        let live: { bytes: Bytes; value: number; length: number }[] = [];
        for (const [index, { length, drop, share }] of steps.entries()) {
          const value = index + 1;
          const bytes = spilled(arena, value, length);
          live.push({ bytes: share ? bytes.clone() : bytes, value, length });
          if (share) bytes.release();
          if (drop) live.splice(index % live.length, 1)[0]?.bytes.release();
        }
        for (const { bytes, value, length } of live) {
          assert.equal(bytes.length, length);
          assert.ok(bytes.toUint8Array().every((byte) => byte === value));
          bytes.release();
        }
        live = [];
        assertAllReturned(arena);
      },
    ),
    { numRuns: 60 },
  );
});

test('a spilled buffer keeps its content when it grows again or is made writable again, also after another was abandoned', () => {
  const arena = FixedArena.withSlotCapacity(1, SLOT).autoSpill().build();
  spilled(arena, 1, 40).release();
  arena.allocate().putBytes(2, 40).abandon();
  const bytes = spilled(arena, 3, 40);
  const again = bytes.tryIntoMut();
  assert.ok(again !== undefined);
  assert.equal(again.isSpilled, true);
  const grown = again.putBytes(3, 20_000).freeze();
  const other = spilled(arena, 4, 40);
  assert.ok(grown.toUint8Array().every((byte) => byte === 3));
  assert.equal(grown.length, 20_040);
  assert.ok(other.toUint8Array().every((byte) => byte === 4));
  grown.release();
  other.release();
  assertAllReturned(arena);
});

test('kept memory whose content started further back starts at its front again for the next spill', () => {
  const arena = FixedArena.withSlotCapacity(1, SLOT).autoSpill().build();
  const bytes = spilled(arena, 1, 40);
  bytes.splitTo(30).release();
  bytes.tryIntoMut()?.abandon();
  const next = spilled(arena, 2, 40);
  assert.deepEqual(
    [...next],
    Array.from({ length: 40 }, () => 2),
  );
  next.release();
  assertAllReturned(arena);
});

test('under the zero policy a buffer spills to fresh memory', () => {
  const arena = FixedArena.withSlotCapacity(1, SLOT).autoSpill().initPolicy(InitPolicy.Zero).build();
  spilled(arena, 0xaa, 60).release();
  const buffer = arena.allocate().putBytes(1, SLOT).putU8(1);
  assert.ok(buffer.chunkMut().every((byte) => byte === 0));
  buffer.abandon();
  assertAllReturned(arena);
});

test('a closed arena keeps no memory for later spills', () => {
  const arena = FixedArena.withSlotCapacity(3, SLOT).autoSpill().build();
  const late = arena.allocate();
  const later = arena.allocate();
  const first = spilled(arena, 1, 100);
  const { buffer } = first.view;
  first.release();
  arena.close();
  const bytes = late.putBytes(2, 100).freeze();
  const other = later.putBytes(3, SLOT);
  const lateBuffer = bytes.view.buffer;
  assert.notEqual(lateBuffer, buffer);
  bytes.release();
  const last = other.putBytes(3, 84).freeze();
  assert.notEqual(last.view.buffer, lateBuffer);
  last.release();
  assertAllReturned(arena);
});

test('a view of the buffer itself can be appended to it, also after it has spilled', () => {
  const arena = FixedArena.withSlotCapacity(1, SLOT).autoSpill().build();
  const buffer = arena.allocate();
  const own = buffer.chunkMut();
  buffer.putBytes(7, SLOT).putSlice(own).putSlice(own);
  const bytes = buffer.freeze();
  assert.equal(bytes.length, 3 * SLOT);
  assert.ok(bytes.toUint8Array().every((byte) => byte === 7));
  bytes.release();
  assertAllReturned(arena);
});

test('memory that was transferred, before or after its release, does not break later spills', () => {
  for (const isReleasedFirst of [false, true]) {
    const arena = FixedArena.withSlotCapacity(2, SLOT).autoSpill().build();
    const first = spilled(arena, 1, 100);
    const { buffer } = first.view;
    if (isReleasedFirst) first.release();
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    first.release();
    const second = spilled(arena, 2, 100);
    assert.ok(second.toUint8Array().every((byte) => byte === 2));
    second.release();
    assertAllReturned(arena);
  }
});

test('a view that lies about its length cannot mislead a spill or run code in the middle of one', () => {
  const arena = FixedArena.withSlotCapacity(2, SLOT).autoSpill().build();
  const buffer = arena.allocate();
  const view = buffer.chunkMut();
  let asked = 0;
  buffer.putBytes(1, SLOT);
  Object.defineProperty(view, 'length', {
    get() {
      asked++;
      buffer.abandon();
      return SLOT;
    },
  });
  const bytes = buffer.putBytes(2, 100).freeze();
  assert.equal(asked, 0);
  assert.deepEqual(
    [...bytes.slice(0, SLOT)],
    Array.from({ length: SLOT }, () => 1),
  );
  bytes.release();
  const next = arena.allocate();
  assert.equal(next.chunkMut().byteLength, SLOT);
  assert.equal(asked, 0);
  next.abandon();
});

test('a view that lies about its length is not lent to the next owner of its block', () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(64, 16)).build();
  const large = arena.allocate(64);
  Object.defineProperty(large.chunkMut(), 'length', { value: 16 });
  large.abandon();
  const small = arena.allocate(16);
  assert.equal(small.chunkMut().byteLength, 16);
  small.abandon();
  assertAllReturned(arena);
});

test('when the machine has no memory for the preferred size, a buffer spills to just the size it needs', () => {
  const RealArray = globalThis.Uint8Array;
  const arena = FixedArena.withSlotCapacity(1, 1024).autoSpill().build();
  const buffer = arena.allocate().putBytes(1, 1024);
  globalThis.Uint8Array = new Proxy(RealArray, {
    construct(target, args) {
      if (args[0] > 1500) throw new RangeError('Array buffer allocation failed');
      return new target(...(args as [number]));
    },
  });
  try {
    buffer.putU8(2);
  } finally {
    globalThis.Uint8Array = RealArray;
  }
  assert.equal(buffer.length, 1025);
  buffer.freeze().release();
  assertAllReturned(arena);
});

test('a buffer whose content starts further back in its slot spills from there', () => {
  const arena = FixedArena.withSlotCapacity(1, SLOT).autoSpill().build();
  const bytes = arena.allocate().putBytes(1, 4).putBytes(2, 12).freeze();
  bytes.splitTo(4).release();
  const buffer = bytes.tryIntoMut();
  assert.ok(buffer !== undefined);
  const grown = buffer.putBytes(3, 10).freeze();
  assert.deepEqual([...grown], [...new Array(12).fill(2), ...new Array(10).fill(3)]);
  grown.release();
  assertAllReturned(arena);
});
