import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, BytesMut, FixedArena } from 'arena-alligator';
import { BytesList } from 'arena-alligator/node';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';

type Reader = 'U8' | 'I8' | 'U16' | 'I16' | 'U32' | 'I32' | 'U64' | 'I64' | 'F32' | 'F64';
const widths: Readonly<Record<Reader, number>> = {
  ...{ U8: 1, I8: 1, U16: 2, I16: 2, U32: 4, I32: 4, U64: 8, I64: 8, F32: 4, F64: 8 },
};

test('a peek reads what the reader would after advance, and consumes nothing', () => {
  const arena = FixedArena.withSlotCapacity(1, 64).build();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 24 }), fc.nat(23), (content, at) => {
      const bytes = arena.allocate().putU8(1).putSlice(content).freeze();
      bytes.advance(1);
      for (const [name, width] of Object.entries(widths)) {
        for (const form of width === 1 ? [name] : [name, `${name}Le`]) {
          const peek = (): unknown =>
            (bytes as unknown as Record<string, (at: number) => unknown>)[`get${form}At`]?.(at);
          const copy = bytes.clone();
          if (at + width > content.length) assert.throws(peek, RangeError);
          else {
            copy.advance(at);
            const read = (copy as unknown as Record<string, () => unknown>)[`get${form}`]?.();
            assert.deepEqual(peek.call(undefined), read);
          }
          copy.release();
        }
      }
      assert.equal(bytes.length, content.length);
      bytes.release();
    }),
    { numRuns: 50 },
  );
  assertAllReturned(arena);
});

test('integers of 1 to 6 bytes agree with Buffer, both ways', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (width, share) => {
        const value = Math.floor(share * 256 ** width);
        const signed = value - 256 ** width / 2;
        const expected = Buffer.alloc(4 * width);
        expected.writeUIntBE(value, 0, width);
        expected.writeUIntLE(value, width, width);
        expected.writeIntBE(signed, 2 * width, width);
        expected.writeIntLE(signed, 3 * width, width);
        const buffer = BytesMut.withCapacity(1).putUint(value, width).putUintLe(value, width);
        const bytes = buffer.putInt(signed, width).putIntLe(signed, width).freeze();
        assert.ok(bytes.equals(expected));
        const read = [bytes.getUint(width), bytes.getUintLe(width), bytes.getInt(width), bytes.getIntLe(width)];
        assert.deepEqual(read, [value, value, signed, signed]);
      },
    ),
  );
  const buffer = BytesMut.withCapacity(8);
  for (const width of [0, 7, 1.5]) assert.throws(() => buffer.putUint(0, width), RangeError);
  for (const [value, width] of [
    [256, 1],
    [-1, 1],
    [0.5, 2],
    [2 ** 48, 6],
  ] as const) {
    assert.throws(() => buffer.putUint(value, width), RangeError);
  }
  for (const [value, width] of [
    [128, 1],
    [-129, 1],
    [2 ** 47, 6],
  ] as const) {
    assert.throws(() => buffer.putInt(value, width), RangeError);
  }
  assert.throws(() => buffer.putUint('1' as unknown as number, 1), TypeError);
  assert.equal(buffer.length, 0);
  assert.throws(() => Bytes.fromUtf8('ab').getUint(3), RangeError);
});

test('varints are those of Protocol Buffers, both ways', () => {
  const known: readonly (readonly [bigint, string])[] = [
    [0n, '00'],
    [1n, '01'],
    [127n, '7f'],
    [128n, '8001'],
    [150n, '9601'],
    [300n, 'ac02'],
    [2n ** 32n, '8080808010'],
    [2n ** 64n - 1n, 'ffffffffffffffffff01'],
  ];
  for (const [value, hex] of known) {
    const bytes = BytesMut.withCapacity(1).putVarint(value).freeze();
    assert.equal(bytes.toString('hex'), hex);
    assert.equal(bytes.clone().getVarint64(), value);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) assert.equal(bytes.getVarint(), Number(value));
    else assert.throws(() => bytes.getVarint(), /getVarint64/);
  }
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeNat(), (signed, natural) => {
      const bytes = BytesMut.withCapacity(1)
        .putVarint(natural)
        .putZigzag(Math.trunc(signed / 2))
        .freeze();
      assert.deepEqual([bytes.getVarint(), bytes.getZigzag(), bytes.length], [natural, Math.trunc(signed / 2) + 0, 0]);
    }),
  );
  assert.equal(BytesMut.withCapacity(1).putZigzag(-1).putZigzag(1).freeze().toString('hex'), '0102');
  assert.equal(
    BytesMut.withCapacity(1)
      .putZigzag(-(2n ** 63n))
      .freeze()
      .toString('hex'),
    'ffffffffffffffffff01',
  );
});

test('a varint that is cut off, too long or too large is refused and moves nothing', () => {
  for (const hex of ['', '80', 'ffffff', 'ffffffffffffffffffff01', 'ffffffffffffffffff7f']) {
    const bytes = Bytes.copyFrom(Buffer.from(hex, 'hex'));
    const { length } = bytes;
    assert.throws(() => bytes.getVarint64(), RangeError, hex);
    if (length < 10) assert.throws(() => bytes.getVarint(), /cut off/, hex);
    assert.throws(() => bytes.getVarint(), RangeError, hex);
    assert.equal(bytes.length, length);
  }
  const buffer = BytesMut.withCapacity(8);
  for (const value of [-1, 2n ** 64n, -1n]) assert.throws(() => buffer.putVarint(value), RangeError);
  for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) assert.throws(() => buffer.putZigzag(value), RangeError);
  for (const value of [0.5, '1', Number.NaN]) assert.throws(() => buffer.putVarint(value as number), TypeError);
  assert.equal(buffer.length, 0);
});

test('getUtf8 takes a text off the front, and canRead asks before', () => {
  const bytes = Bytes.fromUtf8('héllo');
  assert.deepEqual([bytes.canRead(6), bytes.canRead(7)], [true, false]);
  assert.deepEqual([bytes.getUtf8(3), bytes.getUtf8(0), bytes.getUtf8(3), bytes.length], ['hé', '', 'llo', 0]);
  assert.throws(() => bytes.getUtf8(1), RangeError);
  assert.throws(() => bytes.canRead(-1), RangeError);
});

test('put appends bytes and lists without lending their memory', () => {
  const arena = FixedArena.withSlotCapacity(6, 16).build();
  const part = (text: string): Bytes => arena.allocate().putUtf8(text).freeze();
  const bytes = part('ab');
  const list = new BytesList([part('cd'), part('ef')]);
  const whole = arena.allocate().put(bytes).put(list).put([bytes, bytes]).freeze();
  assert.equal(whole.toString(), 'abcdefabab');
  for (const bad of [undefined, 'text', [1], Uint8Array.of(1)]) {
    const buffer = arena.allocate();
    assert.throws(() => buffer.put(bad as unknown as Bytes), TypeError);
    buffer.abandon();
  }
  const full = arena.allocate().putBytes(0, 15);
  assert.throws(() => full.put(bytes), { code: 'BUFFER_FULL' });
  full.abandon();
  for (const held of [bytes, list, whole]) held.release();
  assertAllReturned(arena);
});

test('written bytes can be overwritten and looked at, and no others', () => {
  const arena = FixedArena.withSlotCapacity(2, 32).build();
  const neighbour = arena.allocate().putBytes(0xee, 32).freeze();
  const buffer = arena.allocate().putU32(0).putUtf8('body').putU16(0).putU8(0);
  buffer.setU32(0, 4).setU16Le(8, 0x0102).setU8(10, 255);
  assert.equal(Buffer.from(buffer.written).toString('hex'), '00000004626f64790201ff');
  buffer.setUint(4, 0x414243, 3).setU32Le(0, 1).setU16(8, 1).setUintLe(7, 0x5a, 1);
  for (const [at, width] of [
    [8, 4],
    [11, 1],
    [-1, 1],
    [0.5, 1],
  ] as const) {
    assert.throws(() => buffer.setUint(at, 0, width), RangeError);
  }
  assert.throws(() => buffer.setU8(0, 256), RangeError);
  const bytes = buffer.freeze();
  assert.equal(bytes.toString('hex'), '010000004142435a0001ff');
  assert.throws(() => buffer.setU8(0, 1), { code: 'RELEASED' });
  assert.throws(() => buffer.written, { code: 'RELEASED' });
  assert.equal(neighbour.toString('hex'), 'ee'.repeat(32));
  neighbour.release();
  bytes.release();
  assertAllReturned(arena);
});
