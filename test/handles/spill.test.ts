import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';

const fixed = (): FixedArena => FixedArena.withSlotCapacity(2, 16).autoSpill().build();

test('a write past the capacity moves the content to the heap and returns the slot at once', () => {
  for (const arena of [fixed(), BuddyArena.builder(BuddyGeometry.exact(64, 16)).autoSpill().build()]) {
    const buffer = arena.allocate(16).putUtf8('0123456789');
    assert.equal(buffer.isSpilled, false);
    buffer.putUtf8('abcdefghij');
    assert.equal(buffer.isSpilled, true);
    assertAllReturned(arena);
    assert.equal(arena.metrics().spills, 1);
    assert.ok(buffer.capacity >= buffer.length);
    const bytes = buffer.putU8(0x21).freeze();
    assert.equal(bytes.toString(), '0123456789abcdefghij!');
    assert.equal(arena.metrics().frozen, 0);
    bytes.slice(0, 3).release();
    bytes.release();
    assertAllReturned(arena);
  }
});

test('a buffer that fits to the last byte does not spill', () => {
  const arena = fixed();
  const buffer = arena.allocate().putBytes(1, 16);
  assert.equal(buffer.isSpilled, false);
  buffer.freeze().release();
  assert.equal(arena.metrics().spills, 0);
  assertAllReturned(arena);
});

test('abandoning a spilled buffer does not return its slot a second time', () => {
  const arena = fixed();
  const buffer = arena.allocate().putBytes(1, 17);
  const other = arena.allocate();
  const another = arena.allocate();
  buffer.abandon();
  assert.equal(arena.tryAllocate(), undefined);
  other.abandon();
  another.abandon();
  assertAllReturned(arena);
});

test('a buffer that may spill reports no bound', () => {
  using buffer = fixed().allocate();
  assert.equal(buffer.remainingMut(), Number.MAX_SAFE_INTEGER);
  assert.equal(buffer.willFit(1e9), true);
  assert.equal(buffer.tryPutSlice(new Uint8Array(100)), true);
});

test('chunkMut spills a full buffer, but not one with room', () => {
  const arena = fixed();
  const buffer = arena.allocate().putBytes(1, 15);
  assert.equal(buffer.chunkMut().length, 1);
  buffer.putU8(1);
  const chunk = buffer.chunkMut();
  assert.ok(chunk.length > 0);
  assert.equal(buffer.isSpilled, true);
  chunk[0] = 2;
  const bytes = buffer.advanceMut(1).freeze();
  assert.deepEqual([...bytes], [...new Array(16).fill(1), 2]);
  assertAllReturned(arena);
});

test('advanceMut beyond the capacity is refused, because those bytes cannot have been written', () => {
  using buffer = fixed().allocate();
  assert.throws(() => buffer.advanceMut(17), { code: 'BUFFER_FULL', remaining: 16, requested: 17 });
  assert.equal(buffer.isSpilled, false);
});

test('a view of the buffer itself can be appended, although that moves the content and scrubs the slot', () => {
  for (const policy of ['uninit', 'zero'] as const) {
    const arena = FixedArena.withSlotCapacity(1, 8).initPolicy(policy).autoSpill().build();
    const buffer = arena.allocate();
    const chunk = buffer.chunkMut();
    chunk.fill(7);
    const bytes = buffer.advanceMut(8).putSlice(chunk).freeze();
    assert.deepEqual([...bytes], new Array(16).fill(7));
  }
});

test('a spill for which the machine has no memory throws RangeError and changes nothing', () => {
  const arena = fixed();
  using buffer = arena.allocate().putUtf8('kept');
  assert.throws(() => buffer.putBytes(0, 2 ** 52), RangeError);
  assert.equal(buffer.isSpilled, false);
  assert.equal(buffer.length, 4);
  assert.equal(arena.metrics().spills, 0);
});

test('content written in any pieces reads back, spilled or not', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }), (pieces) => {
      const arena = fixed();
      const buffer = arena.allocate();
      for (const piece of pieces) buffer.putSlice(piece);
      const whole = Buffer.concat(pieces);
      assert.equal(buffer.isSpilled, whole.length > 16);
      using bytes = buffer.freeze();
      assert.deepEqual([...bytes], [...whole]);
      bytes.release();
      assertAllReturned(arena);
      assert.equal(arena.metrics().spills, whole.length > 16 ? 1 : 0);
    }),
  );
});

test('a buffer that tryIntoMut returns in a spilling arena can spill', () => {
  const arena = fixed();
  const buffer = arena.allocate().putUtf8('0123456789').freeze().tryIntoMut();
  const bytes = buffer?.putUtf8('0123456789').freeze();
  assert.equal(bytes?.toString(), '01234567890123456789');
  assertAllReturned(arena);
});

test('a buffer that starts inside its slot spills only its own content; growing further is not counted as a spill', () => {
  const arena = fixed();
  using neighbour = arena.allocate().putUtf8('neighbour-------');
  const bytes = arena.allocate().putUtf8('headtail').freeze();
  bytes.advance(4);
  const buffer = bytes.tryIntoMut();
  assert.ok(buffer !== undefined);
  assert.equal(buffer.length, 4);
  assert.equal(buffer.capacity, 12);
  buffer.putUtf8('0123456789');
  assert.equal(buffer.isSpilled, true);
  assert.equal(buffer.length, 14);
  buffer.putBytes(0x2e, 500).putBytes(0x2d, 5000);
  assert.equal(arena.metrics().spills, 1);
  const spilled = buffer.freeze();
  assert.equal(spilled.toString(), `tail0123456789${'.'.repeat(500)}${'-'.repeat(5000)}`);
  neighbour.abandon();
  assertAllReturned(arena);
});
