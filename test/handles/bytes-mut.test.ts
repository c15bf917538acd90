import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BytesMut } from 'arena-alligator';
import fc from 'fast-check';

test('withCapacity reserves room, and writing beyond it grows the buffer', () => {
  const buffer = BytesMut.withCapacity(4);
  assert.equal(buffer.capacity, 4);
  buffer.putUtf8('abcd');
  assert.equal(buffer.capacity, 4);
  buffer.putU8(0x65);
  assert.ok(buffer.capacity > 4);
  assert.equal(buffer.length, 5);
  assert.equal(buffer.freeze().toString(), 'abcde');
});

test('content that was appended in any pieces reads as one', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.array(fc.uint8Array({ maxLength: 40 })), (capacity, pieces) => {
      const buffer = BytesMut.withCapacity(capacity);
      for (const piece of pieces) buffer.putSlice(piece);
      const whole = Buffer.concat(pieces);
      assert.equal(buffer.length, whole.length);
      assert.deepEqual([...buffer.view], [...whole]);
      assert.deepEqual([...buffer.freeze()], [...whole]);
    }),
  );
});

test('growing doubles the capacity, so that appending copies little', () => {
  const buffer = BytesMut.withCapacity(64);
  let moves = 0;
  for (let capacity = buffer.capacity, byte = 0; byte < 100_000; byte++) {
    buffer.putU8(byte & 0xff);
    if (buffer.capacity !== capacity) moves++;
    capacity = buffer.capacity;
  }
  assert.ok(moves <= 11, `${moves}`);
});

test('a growing buffer reports no bound', () => {
  const buffer = BytesMut.withCapacity(1);
  assert.equal(buffer.remainingMut(), Number.MAX_SAFE_INTEGER);
  assert.equal(buffer.willFit(2 ** 40), true);
  assert.equal(buffer.tryPutSlice(new Uint8Array(100)), true);
});

test('chunkMut of a full buffer grows it', () => {
  const buffer = BytesMut.withCapacity(0);
  const chunk = buffer.chunkMut();
  assert.ok(chunk.length > 0);
  chunk[0] = 7;
  buffer.advanceMut(1);
  assert.deepEqual([...buffer.view], [7]);
});

test('reserve makes room once, and does nothing when there is room', () => {
  const buffer = BytesMut.withCapacity(10).putU8(1);
  assert.equal(buffer.reserve(9).capacity, 10);
  const roomy = buffer.reserve(1000).capacity;
  assert.ok(roomy >= 1001);
  buffer.putBytes(2, 1000);
  assert.equal(buffer.capacity, roomy);
  const filled = BytesMut.withCapacity(10).putBytes(1, 8);
  assert.equal(filled.reserve(2).capacity, 10);
  assert.ok(filled.reserve(3).capacity >= 11);
});

test('truncate and clear shorten the content and keep the memory', () => {
  const buffer = BytesMut.withCapacity(8).putUtf8('abcdef');
  assert.equal(buffer.truncate(9).length, 6);
  assert.equal(buffer.truncate(2).putU8(0x7a).view.length, 3);
  assert.equal(Buffer.from(buffer.view).toString(), 'abz');
  assert.equal(buffer.clear().isEmpty, true);
  assert.equal(buffer.capacity, 8);
});

test('view shows the memory of the buffer and is writable', () => {
  const buffer = BytesMut.withCapacity(8).putUtf8('abc');
  buffer.view[0] = 0x7a;
  assert.equal(buffer.freeze().toString(), 'zbc');
});

test('a frozen buffer is used up', () => {
  const buffer = BytesMut.withCapacity(8).putUtf8('abc');
  const bytes = buffer.freeze();
  for (const use of [
    () => buffer.length,
    () => buffer.view,
    () => buffer.putU8(1),
    () => buffer.reserve(1),
    () => buffer.truncate(0),
    () => buffer.clear(),
    () => buffer.freeze(),
  ]) {
    assert.throws(use, { name: 'ReleasedError', code: 'RELEASED' });
  }
  assert.equal(bytes.toString(), 'abc');
  assert.equal(BytesMut.withCapacity(5).freeze().isEmpty, true);
});

test('bad sizes are refused', () => {
  const buffer = BytesMut.withCapacity(1);
  for (const bad of [-1, 0.5, Number.NaN, 2 ** 60]) {
    assert.throws(() => BytesMut.withCapacity(bad), RangeError);
    assert.throws(() => buffer.reserve(bad), RangeError);
    assert.throws(() => buffer.truncate(bad), RangeError);
  }
  assert.throws(() => BytesMut.withCapacity('1' as unknown as number), TypeError);
});

test('growing beyond the memory of the machine throws RangeError and changes nothing', () => {
  const buffer = BytesMut.withCapacity(1).putU8(1);
  assert.throws(() => buffer.reserve(2 ** 52), RangeError);
  assert.throws(() => buffer.putBytes(0, 2 ** 52), RangeError);
  assert.deepEqual([...buffer.freeze()], [1]);
});

test('when the machine has no memory to double the capacity, growing takes only what is needed', () => {
  const RealArray = Uint8Array;
  const buffer = BytesMut.withCapacity(100).putBytes(1, 100);
  globalThis.Uint8Array = new Proxy(RealArray, {
    construct(target, args: unknown[]) {
      const [length] = args;
      if (typeof length === 'number' && length > 150) throw new RangeError('Array buffer allocation failed');
      return Reflect.construct(target, args);
    },
  });
  try {
    assert.equal(buffer.putU8(2).capacity, 101);
    assert.throws(() => buffer.putBytes(3, 100), RangeError);
  } finally {
    globalThis.Uint8Array = RealArray;
  }
  assert.deepEqual([...buffer.freeze()], [...new Array(100).fill(1), 2]);
});

test('a BytesMut is not made by new, and the error says what makes it', () => {
  const construct = BytesMut as unknown as new () => BytesMut;
  assert.throws(() => new construct(), { name: 'TypeError', message: /withCapacity\(\)/ });
});
