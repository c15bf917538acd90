import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, BytesMut, FixedArena, ReleasedError } from 'arena-alligator';
import { assertAllReturned, frozen } from '../support/arenas.js';

test('toUint8Array makes a separate copy', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'copy');
  const copy = bytes.toUint8Array();
  bytes.release();
  frozen(arena, 'XXXXXXXX').release();
  assert.equal(Buffer.from(copy).toString(), 'copy');
  assert.equal(copy.buffer.byteLength, 4);
});

test('intoOwned copies to a growable buffer and releases the handle', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'hello');
  const owned = bytes.intoOwned();
  assert.equal(bytes.isReleased, true);
  assertAllReturned(arena);
  assert.equal(owned.putUtf8(' world, and more than the slot had').freeze().toString().slice(0, 11), 'hello world');
});

test('intoOwned does not change other handles on the memory', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'hello');
  const clone = bytes.clone();
  bytes.intoOwned().putUtf8('!');
  assert.equal(clone.toString(), 'hello');
  assert.equal(arena.tryAllocate(), undefined);
  clone.release();
  assertAllReturned(arena);
});

test('tryIntoMut reopens the memory of the only handle, with its content', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'hello world');
  const place = bytes.view.byteOffset;
  bytes.advance(6);
  const buffer = bytes.tryIntoMut();
  assert.ok(buffer !== undefined);
  assert.equal(bytes.isReleased, true);
  assert.throws(() => bytes.view, ReleasedError);
  assert.throws(() => bytes.getU8(), ReleasedError);
  assert.equal(buffer.length, 5);
  assert.equal(buffer.capacity, 10);
  const again = buffer.putUtf8('!').freeze();
  assert.equal(again.toString(), 'world!');
  assert.equal(again.view.byteOffset, place + 6);
  assert.equal(arena.metrics().frozen, 2);
  bytes.release();
  again.release();
  assertAllReturned(arena);
});

test('tryIntoMut overwrites no frozen bytes and gives no more room than the slot has', () => {
  const arena = FixedArena.withSlotCapacity(2, 8).build();
  const neighbour = frozen(arena, 'neighbor');
  const buffer = frozen(arena, 'abcd').tryIntoMut();
  assert.ok(buffer !== undefined);
  assert.throws(() => buffer.putUtf8('12345'), { code: 'BUFFER_FULL', remaining: 4 });
  const full = buffer.putUtf8('1234').freeze();
  assert.equal(full.toString(), 'abcd1234');
  assert.equal(neighbour.toString(), 'neighbor');
  full.release();
  neighbour.release();
  assertAllReturned(arena);
});

test('tryIntoMut changes nothing while another handle lives', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'shared');
  const slice = bytes.slice(0, 2);
  assert.equal(bytes.isUnique, false);
  assert.equal(bytes.tryIntoMut(), undefined);
  assert.equal(bytes.toString(), 'shared');
  slice.release();
  assert.equal(bytes.isUnique, true);
  bytes.tryIntoMut()?.abandon();
  assertAllReturned(arena);
});

test('tryIntoMut of heap memory that the library owns returns a buffer that grows', () => {
  const bytes = Bytes.copyFrom(Uint8Array.of(1, 2, 3, 4));
  bytes.advance(1);
  const buffer = bytes.tryIntoMut();
  assert.equal(bytes.isReleased, true);
  assert.equal(buffer?.isSpilled, true);
  assert.deepEqual([...(buffer?.putU16(0x0506).freeze() ?? [])], [2, 3, 4, 5, 6]);
});

test('tryIntoMut returns undefined for memory that the library does not own, and for empty bytes', () => {
  const source = Uint8Array.of(1);
  const wrapped = Bytes.wrap(source);
  assert.equal(wrapped.tryIntoMut(), undefined);
  assert.equal(wrapped.isReleased, false);
  assert.equal(Bytes.empty.tryIntoMut(), undefined);
});

test('wrap and copyFrom use the bytes that a view truly has, in a window that does not grow', () => {
  class Liar extends Uint8Array {
    override get length(): number {
      return 32;
    }
  }
  const liar = new Liar(new ArrayBuffer(64), 0, 4);
  assert.equal(Bytes.wrap(liar).length, 4);
  assert.equal(Bytes.copyFrom(liar).length, 4);
  assert.equal(Bytes.wrap(liar).view.length, 4);
});

test('copyFrom copies and wrap does not', () => {
  const source = Uint8Array.of(1, 2, 3);
  const copy = Bytes.copyFrom(source);
  const wrapped = Bytes.wrap(source);
  source[0] = 9;
  assert.deepEqual([...copy], [1, 2, 3]);
  assert.deepEqual([...wrapped], [9, 2, 3]);
  const slice = wrapped.slice(1);
  wrapped.release();
  assert.deepEqual([...slice], [2, 3]);
  assert.equal(slice.isUnique, false);
});

test('copyFrom and wrap take Uint8Arrays only', () => {
  for (const bad of ['a', null, [1], new ArrayBuffer(2), new Uint16Array(2)] as unknown as Uint8Array[]) {
    assert.throws(() => Bytes.copyFrom(bad), TypeError);
    assert.throws(() => Bytes.wrap(bad), TypeError);
  }
});

test('Bytes.empty is a fresh handle each time, without memory', () => {
  const empty = Bytes.empty;
  assert.equal(empty.length, 0);
  assert.equal(empty.isUnique, false);
  assert.equal(empty.tryIntoMut(), undefined);
  empty.release();
  assert.equal(empty.isReleased, true);
  assert.equal(Bytes.empty.isReleased, false);
  assert.equal(Bytes.wrap(new Uint8Array(0)).isEmpty, true);
  assert.equal(Bytes.copyFrom(new Uint8Array(0)).isEmpty, true);
});

test('isUnique says whether tryIntoMut gives a buffer', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).build();
  const shared = arena.allocate().putUtf8('ab').freeze();
  using other = shared.clone();
  const all = [
    arena.allocate().putUtf8('ab').freeze(),
    shared,
    Bytes.empty,
    Bytes.copyFrom(Uint8Array.of(1)),
    Bytes.copyFrom(new Uint8Array(0)),
    Bytes.wrap(Uint8Array.of(1)),
    BytesMut.withCapacity(1).putU8(1).freeze(),
  ];
  for (const bytes of all) {
    const { isUnique } = bytes;
    const buffer = bytes.tryIntoMut();
    assert.equal(buffer !== undefined, isUnique);
    buffer?.abandon();
    bytes.release();
  }
  other.release();
  assertAllReturned(arena);
});
