import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, Bytes, FixedArena } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned, frozen } from '../support/arenas.js';

const makeArenas = (): (FixedArena | BuddyArena)[] => [
  FixedArena.withSlotCapacity(1, 64).build(),
  BuddyArena.builder(BuddyGeometry.exact(64, 64)).build(),
];

test('freeze passes the slot to the bytes, and releasing them returns it', () => {
  for (const arena of makeArenas()) {
    const bytes = arena.allocate(64).putUtf8('hello').freeze();
    assert.equal(arena.tryAllocate(64), undefined);
    assert.equal(bytes.toString(), 'hello');
    bytes.release();
    assertAllReturned(arena);
    arena.allocate(64).abandon();
  }
});

test('clones and slices, released in any order, return the slot with the last release and no earlier', () => {
  const makers: ((bytes: Bytes) => Bytes)[] = [(b) => b.clone(), (b) => b.slice(1, 3), (b) => b.slice(2)];
  fc.assert(
    fc.property(fc.array(fc.nat(2), { minLength: 0, maxLength: 6 }), fc.infiniteStream(fc.nat()), (kinds, order) => {
      const arena = FixedArena.withSlotCapacity(1, 16).build();
      const handles = [frozen(arena, 'abcdef')];
      for (const kind of kinds) {
        const parent = handles[(order.next().value as number) % handles.length];
        const make = makers[kind];
        assert.ok(parent !== undefined && make !== undefined);
        if (parent.length >= 4) handles.push(make(parent));
      }
      while (handles.length > 0) {
        assert.equal(arena.metrics().frees, 0);
        const [gone] = handles.splice((order.next().value as number) % handles.length, 1);
        gone?.release();
      }
      assertAllReturned(arena);
    }),
  );
});

test('releasing a handle twice does nothing and never frees memory that another handle holds', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const first = frozen(arena, 'first');
  first.release();
  const second = frozen(arena, 'second');
  first.release();
  first[Symbol.dispose]();
  assert.equal(second.toString(), 'second');
  assert.equal(arena.tryAllocate(), undefined);
  second.release();
  assertAllReturned(arena);
});

test('abandon returns the slot, and abandoning or disposing again does nothing', () => {
  for (const arena of makeArenas()) {
    const buffer = arena.allocate(64).putUtf8('draft');
    buffer.abandon();
    assertAllReturned(arena);
    const other = arena.allocate(64);
    buffer.abandon();
    buffer[Symbol.dispose]();
    assert.equal(arena.metrics().frees, 1);
    other.abandon();
    assertAllReturned(arena);
  }
});

test('using abandons a buffer on every way out, and does not touch a frozen one', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const build = (text: string): Bytes => {
    using buffer = arena.allocate();
    return buffer.putUtf8(text).freeze();
  };
  const bytes = build('kept');
  assert.equal(bytes.toString(), 'kept');
  bytes.release();
  assert.throws(() => build('far too long for the slot'), { code: 'BUFFER_FULL' });
  assertAllReturned(arena);
});

test('using releases bytes', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  {
    using bytes = frozen(arena, 'scoped');
    assert.equal(bytes.length, 6);
  }
  assertAllReturned(arena);
});

const dead = (): { name: string; use: () => unknown }[] => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const bytes = frozen(arena, 'x');
  bytes.release();
  const buffer = arena.allocate().putU8(1);
  buffer.freeze().release();
  const abandoned = arena.allocate();
  abandoned.abandon();
  const reads = (
    'getU8 getI8 getU16 getU16Le getI16 getI16Le getU32 getU32Le getI32 getI32Le getU64 getU64Le getI64 getI64Le ' +
    'getF32 getF32Le getF64 getF64Le'
  ).split(' ') as 'getU8'[];
  return [
    ...(['length', 'isEmpty', 'isUnique', 'view'] as const).map((name) => ({ name, use: () => bytes[name] })),
    ...reads.map((name) => ({ name, use: () => bytes[name]() })),
    { name: 'at', use: () => bytes.at(0) },
    { name: 'iteration', use: () => [...bytes] },
    { name: 'clone', use: () => bytes.clone() },
    { name: 'slice', use: () => bytes.slice() },
    { name: 'slice with ends', use: () => bytes.slice(0, 0) },
    { name: 'splitTo', use: () => bytes.splitTo(0) },
    { name: 'splitOff', use: () => bytes.splitOff(0) },
    { name: 'truncate', use: () => bytes.truncate(0) },
    { name: 'advance', use: () => bytes.advance(0) },
    { name: 'equals', use: () => bytes.equals(new Uint8Array(1)) },
    { name: 'equals as argument', use: () => Bytes.empty.equals(bytes) },
    { name: 'compare', use: () => bytes.compare(new Uint8Array(1)) },
    { name: 'indexOf', use: () => bytes.indexOf(1) },
    { name: 'toString', use: () => bytes.toString() },
    { name: 'toUint8Array', use: () => bytes.toUint8Array() },
    { name: 'intoOwned', use: () => bytes.intoOwned() },
    { name: 'tryIntoMut', use: () => bytes.tryIntoMut() },
    ...[buffer, abandoned].flatMap((spent) => [
      ...(['length', 'capacity', 'isEmpty', 'isSpilled'] as const).map((name) => ({ name, use: () => spent[name] })),
      { name: 'putU8', use: () => spent.putU8(1) },
      { name: 'putU16', use: () => spent.putU16(1) },
      { name: 'putSlice', use: () => spent.putSlice(new Uint8Array(0)) },
      { name: 'putUtf8', use: () => spent.putUtf8('') },
      { name: 'putBytes', use: () => spent.putBytes(0, 0) },
      { name: 'tryPutSlice', use: () => spent.tryPutSlice(new Uint8Array(9)) },
      { name: 'willFit', use: () => spent.willFit(1) },
      { name: 'remainingMut', use: () => spent.remainingMut() },
      { name: 'chunkMut', use: () => spent.chunkMut() },
      { name: 'advanceMut', use: () => spent.advanceMut(0) },
      { name: 'freeze', use: () => spent.freeze() },
    ]),
  ];
};

for (const { name, use } of dead()) {
  test(`${name} on a handle that was given up throws ReleasedError`, () => {
    assert.throws(use, { name: 'ReleasedError', code: 'RELEASED' });
  });
}

test('isReleased is false before the release and true after it', () => {
  const bytes = Bytes.copyFrom(new Uint8Array(3));
  assert.equal(bytes.isReleased, false);
  bytes.release();
  assert.equal(bytes.isReleased, true);
});

test('freezing an empty buffer counts as a freeze and returns the slot at once', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const empty = arena.allocate().freeze();
  assert.equal(empty.length, 0);
  assert.equal(empty.isEmpty, true);
  assert.equal(arena.metrics().frozen, 1);
  assertAllReturned(arena);
  assert.equal(empty.isReleased, false);
  empty.release();
  assert.equal(empty.isReleased, true);
});

test('an empty slice or split holds no memory', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'abc');
  const empties = [bytes.slice(1, 1), bytes.slice(3), bytes.splitTo(0), bytes.splitOff(3)];
  assert.equal(bytes.isUnique, true);
  bytes.release();
  assertAllReturned(arena);
  for (const empty of empties) {
    assert.equal(empty.length, 0);
    assert.equal(empty.view.length, 0);
    assert.equal(empty.toString(), '');
    assert.equal(empty.clone().slice().isEmpty, true);
    empty.release();
  }
});

test('a handle that becomes empty by splitting or truncating no longer holds memory', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const endings: ((bytes: Bytes) => Bytes | undefined)[] = [
    (bytes) => bytes.splitTo(6),
    (bytes) => bytes.splitOff(0),
    (bytes) => {
      bytes.truncate(0);
      return undefined;
    },
  ];
  for (const end of endings) {
    const bytes = frozen(arena, 'abcdef');
    const rest = end(bytes);
    assert.equal(bytes.length, 0);
    assert.equal(bytes.isReleased, false);
    assert.equal(rest?.isUnique ?? true, true);
    rest?.release();
    assertAllReturned(arena);
    assert.equal(bytes.view.length, 0);
    bytes.release();
    assertAllReturned(arena);
  }
});

test('bytes outlive every reference to their arena', () => {
  const bytes = frozen(FixedArena.withSlotCapacity(1, 16).build(), 'orphan');
  assert.equal(bytes.slice(0, 3).toString(), 'orp');
  bytes.release();
});
