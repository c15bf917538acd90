import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, FixedArena } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned, frozen } from '../support/arenas.js';

const arena = FixedArena.withSlotCapacity(8, 64).build();

test('slice gives the same bytes as subarray for indices in range', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.nat(64), fc.nat(64), (content, a, b) => {
      const [start = 0, end = 0] = [a % (content.length + 1), b % (content.length + 1)].sort((x, y) => x - y);
      using bytes = arena.allocate().putSlice(content).freeze();
      using both = bytes.slice(start, end);
      assert.deepEqual([...both], [...content.subarray(start, end)]);
      using open = bytes.slice(start);
      assert.deepEqual([...open], [...content.subarray(start)]);
      using all = bytes.slice();
      assert.deepEqual([...all], [...content]);
    }),
  );
  assertAllReturned(arena);
});

test('a slice holds the memory itself, also after its parent is released', () => {
  const bytes = frozen(arena, 'hello world');
  const slice = bytes.slice(6);
  bytes.release();
  assert.equal(slice.toString(), 'world');
  assert.equal(slice.isUnique, true);
  slice.release();
  assertAllReturned(arena);
});

test('indices out of range throw RangeError and change nothing', () => {
  using bytes = frozen(arena, 'abcd');
  const wrong: [string, (b: Bytes) => unknown][] = [
    ['slice past the end', (b) => b.slice(0, 5)],
    ['slice from past the end', (b) => b.slice(5)],
    ['negative slice', (b) => b.slice(-1)],
    ['negative end', (b) => b.slice(0, -1)],
    ['reversed slice', (b) => b.slice(3, 1)],
    ['fractional slice', (b) => b.slice(0.5)],
    ['NaN', (b) => b.slice(Number.NaN)],
    ['splitTo past the end', (b) => b.splitTo(5)],
    ['splitOff past the end', (b) => b.splitOff(5)],
    ['negative split', (b) => b.splitTo(-1)],
    ['negative truncate', (b) => b.truncate(-1)],
    ['advance past the end', (b) => b.advance(5)],
    ['negative advance', (b) => b.advance(-1)],
    ['at past the end', (b) => b.at(4)],
    ['negative at', (b) => b.at(-1)],
    ['fractional at', (b) => b.at(1.5)],
  ];
  for (const [what, action] of wrong) assert.throws(() => action(bytes), RangeError, what);
  assert.throws(() => bytes.slice('1' as unknown as number), TypeError);
  assert.throws(() => bytes.at('1' as unknown as number), TypeError);
  assert.equal(bytes.toString(), 'abcd');
  assert.equal(bytes.isUnique, true);
});

test('splitTo splits the front off and splitOff the back, without copying', () => {
  const bytes = frozen(arena, 'head|body|tail');
  const buffer = bytes.view.buffer;
  const head = bytes.splitTo(5);
  const tail = bytes.splitOff(5);
  assert.deepEqual([head.toString(), bytes.toString(), tail.toString()], ['head|', 'body|', 'tail']);
  assert.equal(head.view.buffer, buffer);
  assert.equal(tail.view.buffer, buffer);
  for (const part of [head, bytes, tail]) part.release();
  assertAllReturned(arena);
});

test('truncate shortens, and does nothing for a count beyond the length', () => {
  using bytes = frozen(arena, 'abcdef');
  bytes.truncate(9);
  assert.equal(bytes.length, 6);
  bytes.truncate(2);
  assert.equal(bytes.toString(), 'ab');
  bytes.truncate(0);
  assert.equal(bytes.isEmpty, true);
});

test('advance drops bytes from the front', () => {
  using bytes = frozen(arena, 'abcdef');
  bytes.advance(0);
  bytes.advance(4);
  assert.equal(bytes.toString(), 'ef');
  bytes.advance(2);
  assert.equal(bytes.length, 0);
});

test('a length of -0 becomes 0', () => {
  using bytes = frozen(arena, 'abc');
  bytes.truncate(-0);
  assert.ok(Object.is(bytes.length, 0));
});

test('the type of an index is checked before its range, even when no index is in range', () => {
  const bad = {
    toString: (): string => {
      throw new Error('ran');
    },
  } as unknown as number;
  using empty = Bytes.empty;
  assert.throws(() => empty.at(bad), TypeError);
  assert.throws(() => empty.at(0), RangeError);
});

test('at reads one byte, and iteration reads all of them', () => {
  using bytes = arena
    .allocate()
    .putSlice(Uint8Array.of(0, 128, 255))
    .freeze();
  assert.deepEqual([bytes.at(0), bytes.at(1), bytes.at(2)], [0, 128, 255]);
  assert.deepEqual([...bytes], [0, 128, 255]);
  assert.deepEqual(Array.from(bytes), [0, 128, 255]);
});

test('reading more bytes than are left throws RangeError and does not advance, even when the memory continues', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, '0123456789abcdef');
  for (const [size, read] of [
    [1, (from: Bytes) => from.getU8()],
    [1, (from: Bytes) => from.getI8()],
    [2, (from: Bytes) => from.getU16()],
    [2, (from: Bytes) => from.getU16Le()],
    [2, (from: Bytes) => from.getI16()],
    [2, (from: Bytes) => from.getI16Le()],
    [4, (from: Bytes) => from.getU32()],
    [4, (from: Bytes) => from.getU32Le()],
    [4, (from: Bytes) => from.getI32()],
    [4, (from: Bytes) => from.getI32Le()],
    [4, (from: Bytes) => from.getF32()],
    [4, (from: Bytes) => from.getF32Le()],
    [8, (from: Bytes) => from.getU64()],
    [8, (from: Bytes) => from.getU64Le()],
    [8, (from: Bytes) => from.getI64()],
    [8, (from: Bytes) => from.getI64Le()],
    [8, (from: Bytes) => from.getF64()],
    [8, (from: Bytes) => from.getF64Le()],
  ] as const) {
    using short = bytes.slice(2, 2 + size);
    short.truncate(size);
    const rest = short.clone();
    rest.truncate(Math.max(1, size - 1));
    if (size === 1) rest.getU8();
    assert.throws(() => read(rest), RangeError);
    assert.equal(rest.length, size - 1);
    rest.release();
    assert.doesNotThrow(() => read(short));
    assert.equal(short.length, 0);
  }
  bytes.release();
  assertAllReturned(arena);
});
