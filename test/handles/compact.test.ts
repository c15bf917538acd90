import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, BytesMut, FixedArena } from 'arena-alligator';
import { assertAllReturned, frozen } from '../support/arenas.js';

test('compact() of a small piece gives its slot back and keeps the bytes', () => {
  const arena = FixedArena.withSlotCapacity(2, 1024).build();
  const piece = frozen(arena, 'header: value').slice(0, 6);
  const whole = frozen(arena, 'another');
  whole.release();
  assert.equal(arena.metrics().bytesLive, 1024);
  const kept = piece.compact();
  assert.deepEqual([kept.toString(), piece.isReleased, kept.view.buffer.byteLength], ['header', true, 6]);
});

test('compact(arena) moves the bytes to the arena that is given', () => {
  const large = FixedArena.withSlotCapacity(1, 1024).build();
  const small = FixedArena.withSlotCapacity(2, 16).build();
  const kept = frozen(large, 'abc').compact(small);
  assert.deepEqual([large.metrics().bytesLive, small.metrics().bytesLive, kept.toString()], [0, 16, 'abc']);
  kept.release();
  assertAllReturned(large);
  assertAllReturned(small);
});

test('compact() does not copy what already fits, and leaves other handles alone', () => {
  const bytes = Bytes.fromUtf8('exact');
  const view = bytes.view;
  const other = bytes.clone();
  const same = bytes.compact();
  assert.equal(same.view, view);
  const part = same.slice(1, 3).compact();
  assert.deepEqual([part.toString(), other.toString(), same.toString()], ['xa', 'exact', 'exact']);
  const roomy = BytesMut.withCapacity(100).putUtf8('abc').freeze().compact();
  assert.equal(roomy.view.buffer.byteLength, 3);
  assert.equal(Bytes.empty.compact().length, 0);
});

test('compact() into a full or closed arena throws and changes nothing', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'abc');
  assert.throws(() => bytes.compact(arena), { code: 'ARENA_FULL' });
  assert.throws(() => bytes.clone().compact(FixedArena.withSlotCapacity(1, 2).build()), { code: 'REQUEST_TOO_LARGE' });
  assert.equal(bytes.toString(), 'abc');
  bytes.release();
  assert.throws(() => bytes.compact(), { code: 'RELEASED' });
});

test('compact() of guarded bytes that were written to throws and changes nothing', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).guarded().build();
  const bytes = frozen(arena, 'abc');
  (bytes.view as Uint8Array)[0] = 0;
  assert.throws(() => bytes.compact(), { code: 'WRITTEN_AFTER_FREEZE' });
  bytes.release();
  const sound = frozen(arena, 'abc');
  const kept = sound.compact();
  sound.release(); // used up, which is no second release
  assert.deepEqual([kept.toString(), arena.metrics().bytesLive], ['abc', 0]);
});
