import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArenaBuffer, BytesMut, FixedArena, SlotSpec } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';

type Writer = ArenaBuffer | BytesMut;

const local = FixedArena.withSlotCapacity(2, 64).build();
const shared = FixedArena.fromRaw(new SharedArrayBuffer(128), SlotSpec.count(2)).build();
const writers: readonly [name: string, make: () => Writer][] = [
  ['ArenaBuffer', () => local.allocate()],
  ['ArenaBuffer over shared memory', () => shared.allocate()],
  ['BytesMut', () => BytesMut.withCapacity(0)],
];

interface NumberField {
  readonly name: 'U8' | 'I8' | 'U16' | 'U16Le' | 'I16' | 'I16Le' | 'U32' | 'U32Le' | 'I32' | 'I32Le';
  readonly oracle:
    | 'UInt8'
    | 'Int8'
    | 'UInt16BE'
    | 'UInt16LE'
    | 'Int16BE'
    | 'Int16LE'
    | 'UInt32BE'
    | 'UInt32LE'
    | 'Int32BE'
    | 'Int32LE';
  readonly min: number;
  readonly max: number;
  readonly bytes: number;
}

const integers: readonly NumberField[] = [
  { name: 'U8', oracle: 'UInt8', min: 0, max: 0xff, bytes: 1 },
  { name: 'I8', oracle: 'Int8', min: -0x80, max: 0x7f, bytes: 1 },
  { name: 'U16', oracle: 'UInt16BE', min: 0, max: 0xffff, bytes: 2 },
  { name: 'U16Le', oracle: 'UInt16LE', min: 0, max: 0xffff, bytes: 2 },
  { name: 'I16', oracle: 'Int16BE', min: -0x8000, max: 0x7fff, bytes: 2 },
  { name: 'I16Le', oracle: 'Int16LE', min: -0x8000, max: 0x7fff, bytes: 2 },
  { name: 'U32', oracle: 'UInt32BE', min: 0, max: 0xffff_ffff, bytes: 4 },
  { name: 'U32Le', oracle: 'UInt32LE', min: 0, max: 0xffff_ffff, bytes: 4 },
  { name: 'I32', oracle: 'Int32BE', min: -0x8000_0000, max: 0x7fff_ffff, bytes: 4 },
  { name: 'I32Le', oracle: 'Int32LE', min: -0x8000_0000, max: 0x7fff_ffff, bytes: 4 },
];

for (const [kind, make] of writers) {
  for (const { name, oracle, min, max, bytes } of integers) {
    test(`${kind}.put${name} writes what Buffer.write${oracle} writes, and get${name} reads it back`, () => {
      const values = fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max, min + 1, max - 1, 0));
      fc.assert(
        fc.property(values, (value) => {
          const expected = Buffer.alloc(bytes + 1);
          expected[`write${oracle}`](value, 1);
          using frozen = make().putU8(0)[`put${name}`](value).freeze();
          assert.deepEqual([...frozen], [...expected]);
          frozen.advance(1);
          assert.equal(frozen[`get${name}`](), value);
          assert.equal(frozen.length, 0);
          assert.throws(() => frozen[`get${name}`](), RangeError);
        }),
      );
    });

    test(`${kind}.put${name} refuses a value that the field cannot hold and changes nothing`, () => {
      const buffer = make().putU8(7);
      for (const bad of [min - 1, max + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
        assert.throws(() => buffer[`put${name}`](bad), RangeError, `${bad}`);
      }
      for (const bad of ['1', null, undefined, 1n, {}, [1], true] as unknown as number[]) {
        assert.throws(() => buffer[`put${name}`](bad), TypeError, `${typeof bad}`);
      }
      using frozen = buffer.freeze();
      assert.deepEqual([...frozen], [7]);
    });
  }

  for (const [name, oracle, min, max] of [
    ['U64', 'BigUInt64BE', 0n, 2n ** 64n - 1n],
    ['U64Le', 'BigUInt64LE', 0n, 2n ** 64n - 1n],
    ['I64', 'BigInt64BE', -(2n ** 63n), 2n ** 63n - 1n],
    ['I64Le', 'BigInt64LE', -(2n ** 63n), 2n ** 63n - 1n],
  ] as const) {
    test(`${kind}.put${name} writes what Buffer.write${oracle} writes, and get${name} reads it back`, () => {
      fc.assert(
        fc.property(fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n)), (value) => {
          const expected = Buffer.alloc(8);
          expected[`write${oracle}`](value);
          using frozen = make()[`put${name}`](value).freeze();
          assert.deepEqual([...frozen], [...expected]);
          assert.equal(frozen[`get${name}`](), value);
        }),
      );
      const buffer = make();
      for (const bad of [min - 1n, max + 1n]) assert.throws(() => buffer[`put${name}`](bad), RangeError);
      assert.throws(() => buffer[`put${name}`](1 as unknown as bigint), TypeError);
      assert.equal(buffer.length, 0);
      buffer.freeze();
    });
  }

  for (const [name, oracle, value] of [
    ['F32', 'FloatBE', fc.float()],
    ['F32Le', 'FloatLE', fc.float()],
    ['F64', 'DoubleBE', fc.double()],
    ['F64Le', 'DoubleLE', fc.double()],
  ] as const) {
    test(`${kind}.put${name} writes what Buffer.write${oracle} writes, and get${name} reads it back`, () => {
      fc.assert(
        fc.property(value, (number) => {
          const expected = Buffer.alloc(name.startsWith('F32') ? 4 : 8);
          expected[`write${oracle}`](number);
          using frozen = make()[`put${name}`](number).freeze();
          if (!Number.isNaN(number)) assert.deepEqual([...frozen], [...expected]);
          assert.ok(Object.is(frozen[`get${name}`](), number));
        }),
      );
      const buffer = make();
      assert.throws(() => buffer[`put${name}`]('1' as unknown as number), TypeError);
      assert.equal(buffer.length, 0);
      buffer.freeze();
    });
  }

  test(`${kind}.putSlice and putBytes append, and all writers return the buffer`, () => {
    const buffer = make();
    assert.equal(buffer.putSlice(Uint8Array.of(1, 2)), buffer);
    assert.equal(buffer.putSlice(Buffer.from([3])), buffer);
    assert.equal(buffer.putSlice(new Uint8Array(0)), buffer);
    assert.equal(buffer.putBytes(9, 3), buffer);
    assert.equal(buffer.putBytes(9, 0), buffer);
    assert.equal(buffer.length, 6);
    assert.equal(buffer.isEmpty, false);
    using frozen = buffer.freeze();
    assert.deepEqual([...frozen], [1, 2, 3, 9, 9, 9]);
  });

  test(`${kind} refuses wrong types and values out of range before anything changes`, () => {
    const buffer = make().putU8(1);
    for (const bad of [
      'a',
      null,
      undefined,
      [1],
      {},
      new Uint16Array(1),
      new ArrayBuffer(1),
    ] as unknown as Uint8Array[]) {
      assert.throws(() => buffer.putSlice(bad), TypeError);
      assert.throws(() => buffer.tryPutSlice(bad), TypeError);
    }
    for (const bad of [-1, 256, 0.5, Number.NaN]) assert.throws(() => buffer.putBytes(bad, 1), RangeError);
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 60]) {
      assert.throws(() => buffer.putBytes(1, bad), RangeError);
      assert.throws(() => buffer.willFit(bad), RangeError);
      assert.throws(() => buffer.advanceMut(bad), RangeError);
    }
    assert.throws(() => buffer.putUtf8(5 as unknown as string), TypeError);
    assert.throws(() => buffer.putBytes('1' as unknown as number, 1), TypeError);
    assert.throws(() => buffer.advanceMut('1' as unknown as number), TypeError);
    using frozen = buffer.freeze();
    assert.deepEqual([...frozen], [1]);
  });

  test(`${kind}.chunkMut lends the writable rest, and advanceMut counts bytes written there`, () => {
    const buffer = make().putU8(1);
    const chunk = buffer.chunkMut();
    assert.equal(chunk.length, buffer.capacity - 1);
    chunk.set([2, 3, 4]);
    assert.equal(buffer.length, 1);
    assert.equal(buffer.advanceMut(2), buffer);
    assert.throws(() => buffer.advanceMut(buffer.capacity), { code: 'BUFFER_FULL', remaining: buffer.capacity - 3 });
    using frozen = buffer.freeze();
    assert.deepEqual([...frozen], [1, 2, 3]);
  });
}

test('a buffer that does not spill reports the remaining room, and refuses what does not fit without changing anything', () => {
  using buffer = local.allocate();
  assert.equal(buffer.remainingMut(), 64);
  buffer.putBytes(1, 61);
  assert.equal(buffer.remainingMut(), 3);
  assert.equal(buffer.willFit(3), true);
  assert.equal(buffer.willFit(4), false);
  assert.equal(buffer.tryPutSlice(new Uint8Array(4)), false);
  for (const write of [
    () => buffer.putU32(1),
    () => buffer.putI32(1),
    () => buffer.putF32(1),
    () => buffer.putF64(1),
    () => buffer.putU64(1n),
    () => buffer.putI64(1n),
    () => buffer.putSlice(new Uint8Array(4)),
    () => buffer.putBytes(0, 4),
    () => buffer.putUtf8('four'),
  ]) {
    assert.throws(write, { name: 'BufferFullError', code: 'BUFFER_FULL', remaining: 3 });
  }
  assert.equal(buffer.length, 61);
  assert.equal(buffer.tryPutSlice(new Uint8Array(3)), true);
  assert.throws(() => buffer.putU8(1), { code: 'BUFFER_FULL', remaining: 0, requested: 1 });
  assert.throws(() => buffer.putI8(1), { code: 'BUFFER_FULL', remaining: 0, requested: 1 });
  assert.throws(() => buffer.putU16(1), { code: 'BUFFER_FULL', remaining: 0, requested: 2 });
  assert.throws(() => buffer.putI16(1), { code: 'BUFFER_FULL', remaining: 0, requested: 2 });
  assert.equal(buffer.chunkMut().length, 0);
  buffer.putSlice(new Uint8Array(0)).putUtf8('').putBytes(0, 0).advanceMut(0);
});

test('a Uint8Array that lies about its length is copied with its true length', () => {
  class Liar extends Uint8Array {
    override get length(): number {
      return 1;
    }
  }
  const neighbour = local.allocate().putBytes(5, 64).freeze();
  using buffer = local.allocate();
  assert.throws(() => buffer.putSlice(new Liar(65)), { code: 'BUFFER_FULL', requested: 65 });
  buffer.putSlice(new Liar(3));
  assert.equal(buffer.length, 3);
  assert.deepEqual([...neighbour], new Array(64).fill(5));
  neighbour.release();
});

test('all memory was returned', () => {
  assertAllReturned(local);
  assertAllReturned(shared);
});
