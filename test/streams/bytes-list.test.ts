import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Bytes, FixedArena } from 'arena-alligator';
import { BytesList } from 'arena-alligator/streams';
import fc from 'fast-check';
import { assertAllReturned, frozen } from '../support/arenas.js';

function listOf(arena: FixedArena, ...texts: string[]): BytesList {
  return new BytesList(texts.map((text) => (text === '' ? Bytes.empty : frozen(arena, text))));
}

test('a list is the concatenation of its pieces', () => {
  const arena = FixedArena.withSlotCapacity(8, 16).build();
  const list = listOf(arena, 'ab', '', 'cde');
  assert.deepEqual([list.length, list.isEmpty, list.pieceCount, list.toString()], [5, false, 2, 'abcde']);
  assert.deepEqual([...list].map(String), ['ab', 'cde']);
  assert.deepEqual([list.at(0), list.at(2), list.at(4)], [97, 99, 101]);
  assert.throws(() => list.at(5), RangeError);
  assert.throws(() => list.at(-1), RangeError);
  list.append(frozen(arena, 'f')).append(Bytes.empty);
  assert.equal(list.toString('hex'), '616263646566');
  assert.deepEqual(list.toUint8Array(), new Uint8Array(Buffer.from('abcdef')));
  assert.deepEqual(JSON.stringify(list), '{"type":"BytesList","length":6}');
  assert.match(inspect(list), /BytesList\(6\)/);
  list.release();
  assert.match(inspect(list), /released/);
  assertAllReturned(arena);
});

test('clones and slices are separate lists over the same memory, and a slice holds only the pieces it needs', () => {
  const arena = FixedArena.withSlotCapacity(8, 16).build();
  const list = listOf(arena, 'abc', 'def', 'ghi');
  const middle = list.slice(4, 5);
  const clone = list.clone();
  list.release();
  clone.release();
  assert.equal(arena.metrics().bytesLive, 16);
  assert.equal(middle.toString(), 'e');
  middle.release();
  const whole = listOf(arena, 'abc');
  assert.equal(whole.slice().toString(), 'abc');
  assert.throws(() => whole.slice(2, 1), RangeError);
  assert.throws(() => whole.slice(0, 4), RangeError);
  assert.throws(() => whole.split(4), RangeError);
  whole.release();
  arena.close();
});

test('a fully read piece gives its memory back when a list takes it', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).build();
  const read = frozen(arena, 'ab');
  read.advance(2);
  const list = new BytesList([read]);
  assert.deepEqual([list.pieceCount, list.length, read.isReleased], [0, 0, true]);
  assertAllReturned(arena);
});

test('every use of a released list throws, and a second release does nothing', () => {
  const list = new BytesList([Bytes.copyFrom(Uint8Array.of(1))]);
  list.release();
  list.release();
  assert.equal(list.isReleased, true);
  const uses: (() => unknown)[] = [
    () => list.length,
    () => list.isEmpty,
    () => list.pieceCount,
    () => [...list],
    () => list.at(0),
    () => list.append(Bytes.empty),
    () => list.clone(),
    () => list.slice(),
    () => list.split(0),
    () => list.views(),
    () => list.toUint8Array(),
    () => list.toString(),
  ];
  for (const use of uses) assert.throws(use, { name: 'ReleasedError' }, use.toString());
});

test('a piece must be Bytes, and a list with a bad piece takes no handle', () => {
  const bytes = Bytes.copyFrom(Uint8Array.of(1));
  const wrong = new Uint8Array(1) as unknown as Bytes;
  assert.throws(() => new BytesList([bytes, wrong]), TypeError);
  assert.equal(bytes.isReleased, false);
  assert.throws(() => new BytesList().append(wrong), TypeError);
});

test('slicing and splitting at any index give the same bytes as with one array, and all memory comes back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 6 }), { maxLength: 6 }),
      fc.nat(),
      fc.nat(),
      (parts, one, other) => {
        const arena = FixedArena.withSlotCapacity(8, 8).build();
        const all = Buffer.concat(parts);
        const [start, end] = [one % (all.length + 1), other % (all.length + 1)].sort((a, b) => a - b) as [
          number,
          number,
        ];
        const list = new BytesList(parts.map((part) => arena.allocate().putSlice(part).freeze()));
        using slice = list.slice(start, end);
        assert.deepEqual(Buffer.from(slice.toUint8Array()), all.subarray(start, end));
        const head = list.split(end);
        assert.deepEqual(Buffer.from(head.toUint8Array()), all.subarray(0, end));
        assert.deepEqual(Buffer.from(list.toUint8Array()), all.subarray(end));
        assert.deepEqual([head.length, list.length], [end, all.length - end]);
        for (const piece of [...head, ...list]) assert.ok(!piece.isEmpty);
        head.release();
        list.release();
        slice.release();
        assertAllReturned(arena);
      },
    ),
  );
});

test('a fully read piece gives its memory back when it is appended', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).build();
  const [first, second] = [frozen(arena, 'a'), frozen(arena, 'b')];
  first.getU8();
  second.getU8();
  assert.equal(arena.tryAllocate(), undefined, 'fully read pieces hold their memory until a list takes them');
  const list = new BytesList([first]).append(second);
  assert.deepEqual([list.pieceCount, first.isReleased, second.isReleased], [0, true, true]);
  assertAllReturned(arena);
});

test('reading from the pieces of a list leaves the list as it is', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const list = new BytesList([
    arena.allocate().putU16(1).putUtf8('ab').freeze(),
    arena.allocate().putU16(2).putUtf8('cd').freeze(),
  ]);
  const read: number[] = [];
  for (const piece of list) read.push(piece.getU16());
  for (const piece of list) {
    read.push(piece.getU16());
    piece.release();
  }
  assert.deepEqual(read, [1, 2, 1, 2]);
  assert.deepEqual([list.length, list.toString('hex')], [8, '00016162000263' + '64']);
  using head = list.split(4);
  assert.equal(head.toString('hex'), '00016162');
  list.release();
  head.release();
  assertAllReturned(arena);
});

test('a list uses the handles up that it takes over, and refuses the same handle twice', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const bytes = arena.allocate().putUtf8('ab').freeze();
  assert.throws(() => new BytesList([bytes, bytes]), RangeError);
  assert.equal(bytes.toString(), 'ab');
  using list = new BytesList([bytes]);
  assert.equal(bytes.isReleased, true);
  assert.throws(() => list.append(bytes), { code: 'RELEASED' });
  assert.equal(list.append(arena.allocate().putUtf8('cd').freeze()).toString(), 'abcd');
  list.release();
  assertAllReturned(arena);
});

test('lists agree with Buffer.concat in comparing, searching, copying and advancing', () => {
  const arena = FixedArena.withSlotCapacity(16, 16).build();
  const larger = FixedArena.withSlotCapacity(1, 64).build();
  const parts = fc.array(fc.uint8Array({ min: 0, max: 2, minLength: 1, maxLength: 6 }), { maxLength: 5 });
  fc.assert(
    fc.property(parts, fc.uint8Array({ min: 0, max: 2, minLength: 1, maxLength: 3 }), fc.nat(30), (all, needle, at) => {
      const whole = Buffer.concat(all);
      const piecesOf = (from: Uint8Array[]): Bytes[] => from.map((part) => arena.allocate().putSlice(part).freeze());
      const list = new BytesList(piecesOf(all.slice(1)));
      const [first] = piecesOf(all.slice(0, 1));
      if (first !== undefined) list.prepend(first);
      const from = Math.min(at, whole.length);
      assert.equal(list.indexOf(needle, from), whole.indexOf(needle, from));
      assert.equal(list.includes(Bytes.copyFrom(needle), from), whole.indexOf(needle, from) >= 0);
      assert.equal(list.equals(whole), true);
      assert.equal(list.compare(needle), Math.sign(Buffer.compare(whole, needle)));
      const [mine, theirs] = [new Uint8Array(8), Buffer.alloc(8)];
      assert.equal(list.copyTo(mine, 2, from), whole.copy(theirs, 2, from));
      assert.deepEqual(Buffer.from(mine), theirs);
      for (const target of [undefined, larger]) {
        const bytes = list.toBytes(target);
        assert.ok(bytes.equals(whole));
        bytes.release();
      }
      const other = list.clone();
      assert.equal(list.equals(other), true);
      list.append(other);
      assert.equal(other.isReleased, true);
      assert.ok(list.equals(Buffer.concat([whole, whole])));
      list.advance(from);
      assert.ok(list.equals(Buffer.concat([whole, whole]).subarray(from)));
      list.release();
    }),
  );
  const list = new BytesList([arena.allocate().putU8(1).freeze()]);
  assert.throws(() => list.append(list), RangeError);
  assert.throws(() => list.append('text' as unknown as Bytes), TypeError);
  assert.throws(() => list.advance(2), RangeError);
  assert.throws(() => list.indexOf(1, 2), RangeError);
  assert.equal(list.length, 1);
  list.release();
  assertAllReturned(arena);
  assertAllReturned(larger);
});

test('a list that is refused because of a released handle leaves the other handles as they are', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).build();
  const [good, released] = [frozen(arena, 'ab'), frozen(arena, 'cd')];
  released.release();
  assert.throws(() => new BytesList([good, released]), { code: 'RELEASED' });
  assert.equal(good.toString(), 'ab');
  good.release();
  assertAllReturned(arena);
});

test('handles that were given out and released do not pile up', () => {
  const list = new BytesList([Bytes.fromUtf8('ab'), Bytes.fromUtf8('cd')]);
  for (let round = 0; round < 1000; round++) for (const piece of list) piece.release();
  const { borrowed } = list as unknown as { readonly borrowed: readonly Bytes[] };
  assert.ok(borrowed.length <= 32, `${borrowed.length}`);
  list.release();
});
