import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, BytesMut } from 'arena-alligator';
import { BytesList } from 'arena-alligator/streams';
import fc from 'fast-check';

type Methods = Record<string, (...args: unknown[]) => unknown>;

const readers = [
  ...['U8', 'I8', 'U16', 'U16Le', 'I16', 'I16Le', 'U32', 'U32Le', 'I32', 'I32Le', 'U64', 'U64Le', 'I64', 'I64Le'],
  ...['F32', 'F32Le', 'F64', 'F64Le'],
].map((kind) => ({ name: `get${kind}`, args: fc.constant<unknown[]>([]) }));
const counts = fc.oneof(fc.integer({ min: -1, max: 8 }), fc.constantFrom(1.5, Number.NaN));
const withArgument = ['getUint', 'getUintLe', 'getInt', 'getIntLe', 'getUtf8', 'canRead'].map((name) => ({
  name,
  args: fc.tuple(counts),
}));
const others = ['getVarint', 'getVarint64', 'getZigzag'].map((name) => ({ name, args: fc.constant<unknown[]>([]) }));
const peeks = readers.map(({ name }) => ({ name: `${name}At`, args: fc.tuple(counts) }));
const needles = fc.oneof(fc.nat(3), fc.uint8Array({ max: 3, maxLength: 3 }));
const searches = ['indexOf', 'lastIndexOf', 'includes', 'startsWith', 'endsWith'].map((name) => ({
  name,
  args: fc.tuple(needles),
}));

const calls = fc.array(
  fc
    .constantFrom(...readers, ...withArgument, ...others, ...peeks, ...searches)
    .chain(({ name, args }) => fc.record({ name: fc.constant(name), args })),
  { maxLength: 12 },
);
const content = fc.array(fc.uint8Array({ max: 3, maxLength: 7 }), { maxLength: 8 });

/** Errors may say it in other words, but must be of the same class. */
function outcome(call: () => unknown): unknown {
  try {
    return { value: call() };
  } catch (error) {
    return { error: (error as Error).name };
  }
}

for (const [kind, make] of [
  [
    'BytesMut',
    (pieces: Uint8Array[]) => pieces.reduce((buffer, piece) => buffer.putSlice(piece), BytesMut.withCapacity(0)),
  ],
  ['a BytesList', (pieces: Uint8Array[]) => new BytesList(pieces.map((piece) => Bytes.copyFrom(piece)))],
] as const) {
  test(`${kind} reads, peeks and searches as Bytes of the same content do`, () =>
    fc.assert(
      fc.property(content, calls, (pieces, all) => {
        const handle = make(pieces);
        const bytes = Bytes.copyFrom(Buffer.concat(pieces));
        for (const { name, args } of all) {
          const call = (on: unknown): unknown => ((on as Methods)[name] as Methods[string]).apply(on, args);
          assert.deepEqual(
            outcome(() => call(handle)),
            outcome(() => call(bytes)),
            name,
          );
          assert.equal(handle.length, bytes.length);
          assert.equal(handle.toString('hex'), bytes.toString('hex'));
        }
      }),
      { numRuns: 500 },
    ));
}

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('put' as const), data: fc.uint8Array({ maxLength: 40 }) }),
    fc.record({ do: fc.constant('own' as const), count: fc.nat(30) }),
    fc.record({ do: fc.constantFrom('split' as const, 'advance' as const, 'truncate' as const), count: fc.nat(40) }),
    fc.record({ do: fc.constant('resize' as const), count: fc.nat(60) }),
  ),
  { maxLength: 40 },
);

test('what was cut off stays as it was, whatever the buffer does next', () =>
  fc.assert(
    fc.property(fc.nat(64), steps, (capacity, all) => {
      const buffer = BytesMut.withCapacity(capacity);
      let model = Buffer.alloc(0);
      const cutOff: { readonly bytes: Bytes; readonly expected: Buffer }[] = [];
      for (const step of all) {
        if (step.do === 'put') {
          buffer.putSlice(step.data);
          model = Buffer.concat([model, step.data]);
        } else if (step.do === 'own') {
          // A part of the buffer itself, whose memory may move.
          const part = Buffer.from(model.subarray(0, step.count));
          buffer.putSlice(buffer.view.subarray(0, step.count));
          model = Buffer.concat([model, part]);
        } else if (step.do === 'split') {
          const count = Math.min(step.count, model.length);
          cutOff.push({ bytes: buffer.splitTo(count), expected: Buffer.from(model.subarray(0, count)) });
          model = model.subarray(count);
        } else if (step.do === 'advance') {
          const count = Math.min(step.count, model.length);
          buffer.advance(count);
          model = model.subarray(count);
        } else if (step.do === 'truncate') {
          buffer.truncate(step.count);
          model = model.subarray(0, step.count);
        } else {
          buffer.resize(step.count, 9);
          model = Buffer.concat([
            model.subarray(0, step.count),
            Buffer.alloc(Math.max(0, step.count - model.length), 9),
          ]);
        }
        assert.equal(buffer.length, model.length);
        assert.ok(buffer.equals(model));
      }
      const rest = buffer.freeze();
      assert.ok(rest.equals(model));
      for (const { bytes, expected } of cutOff) {
        assert.ok(bytes.equals(expected));
        assert.equal(bytes.tryIntoMut(), undefined, 'the memory is shared');
      }
    }),
    { numRuns: 500 },
  ));

test('a parse loop cuts complete records off, and needs no memory for those before', () => {
  const buffer = BytesMut.withCapacity(64);
  const records: string[] = [];
  let most = 0;
  for (let index = 0; index < 1000; index++) {
    buffer.putSlice(Buffer.from(`${index},`.repeat(3)));
    for (let end = buffer.indexOf(','); end >= 0; end = buffer.indexOf(',')) {
      records.push(buffer.getUtf8(end));
      buffer.advance(1);
    }
    most = Math.max(most, buffer.view.buffer.byteLength);
  }
  assert.equal(records.length, 3000);
  assert.equal(records.at(-1), '999');
  assert.equal(most, 64);
});

test('a frozen BytesMut can become writable again unless something was cut off from it', () => {
  const whole = BytesMut.withCapacity(8).putUtf8('abcd');
  whole.advance(1);
  assert.equal(whole.freeze().tryIntoMut()?.putUtf8('e').freeze().toString(), 'bcde');
  const cut = BytesMut.withCapacity(8).putUtf8('abcd');
  const head = cut.splitTo(1);
  assert.equal(cut.freeze().tryIntoMut(), undefined);
  assert.equal(head.toString(), 'a');
});

test('BytesMut compares, and shows its content as text', () => {
  const buffer = BytesMut.withCapacity(8).putUtf8('xbcd');
  buffer.advance(1);
  assert.deepEqual([buffer.toString(), buffer.toString('hex', 1, 2), buffer.at(0)], ['bcd', '63', 98]);
  assert.deepEqual(
    [buffer.compare(Bytes.fromUtf8('bce')), buffer.equals(BytesMut.withCapacity(0).putUtf8('bcd'))],
    [-1, true],
  );
  assert.throws(() => buffer.advance(4), RangeError);
  assert.throws(() => buffer.splitTo(4), RangeError);
  assert.throws(() => buffer.resize(-1), RangeError);
  assert.throws(() => buffer.resize(9, 256), RangeError);
  assert.equal(buffer.toString(), 'bcd');
  buffer.freeze();
  for (const use of [() => buffer.getU8(), () => buffer.advance(0), () => buffer.splitTo(0), () => buffer.toString()]) {
    assert.throws(use, { code: 'RELEASED' });
  }
});

test('extend() appends any kind of bytes', () => {
  const list = new BytesList([Bytes.fromUtf8('c'), Bytes.fromUtf8('d')]);
  const buffer = BytesMut.withCapacity(0).extend(Buffer.from('a')).extend(Bytes.fromUtf8('b')).extend(list);
  assert.equal(buffer.extend(buffer.view).toString(), 'abcdabcd');
  assert.throws(() => buffer.extend(7 as unknown as Uint8Array), TypeError);
});

test('the longest varint is read across pieces', () => {
  const bytes = BytesMut.withCapacity(16)
    .putVarint(2n ** 64n - 1n)
    .freeze();
  for (let cut = 1; cut < bytes.length; cut++) {
    const list = new BytesList([bytes.slice(0, cut), bytes.slice(cut)]);
    assert.equal(list.getVarint64(), 2n ** 64n - 1n);
    assert.equal(list.length, 0);
  }
});

test('a part of the buffer itself can be appended when the content moves', () => {
  for (let dropped = 0; dropped <= 16; dropped++) {
    const buffer = BytesMut.withCapacity(16).putUtf8('0123456789abcdef');
    buffer.advance(dropped);
    const expected = '0123456789abcdef'.slice(dropped);
    buffer.putSlice(buffer.view.subarray(0, 3));
    assert.equal(buffer.toString(), expected + expected.slice(0, 3));
  }
});
