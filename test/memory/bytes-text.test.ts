import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, FixedArena, SlotSpec, type TextEncoding } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';

const arenas = [
  FixedArena.withSlotCapacity(2, 4096).build(),
  FixedArena.fromRaw(new SharedArrayBuffer(8192), SlotSpec.count(2)).build(),
];

test('toString reads every encoding as Buffer does', () => {
  for (const arena of arenas) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (content) => {
        using bytes = arena.allocate().putSlice(content).freeze();
        for (const encoding of ['utf8', 'hex', 'base64', 'latin1'] satisfies TextEncoding[]) {
          assert.equal(bytes.toString(encoding), Buffer.from(content).toString(encoding));
        }
        assert.equal(bytes.toString(), Buffer.from(content).toString());
      }),
    );
    assertAllReturned(arena);
  }
});

test('toString reads payloads with more bytes than a call can take arguments', () => {
  const content = Buffer.alloc(200_001, 0xe9);
  using bytes = Bytes.wrap(content);
  assert.equal(bytes.toString('latin1'), content.toString('latin1'));
  assert.equal(bytes.toString('base64'), content.toString('base64'));
});

test('toString keeps a byte order mark', () => {
  using bytes = Bytes.wrap(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41));
  assert.equal(bytes.toString(), '\ufeffA');
});

test('toString throws a TypeError for an unknown encoding', () => {
  using bytes = Bytes.copyFrom(Uint8Array.of(1));
  assert.throws(() => bytes.toString('utf-7' as TextEncoding), TypeError);
});

test('putUtf8 writes what TextEncoder writes, at any length and with lone surrogates', () => {
  const unit = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.array(fc.nat(0xffff), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
    fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
  );
  for (const arena of arenas) {
    fc.assert(
      fc.property(unit, (text) => {
        const expected = new TextEncoder().encode(text);
        using bytes = arena.allocate().putU8(7).putUtf8(text).putU8(9).freeze();
        assert.deepEqual([...bytes], [7, ...expected, 9]);
      }),
      { numRuns: 500 },
    );
    assertAllReturned(arena);
  }
});

test('putUtf8 writes nothing when the text does not fit, counted in bytes and not in characters', () => {
  const arena = FixedArena.withSlotCapacity(1, 8).build();
  using buffer = arena.allocate().putUtf8('abc');
  assert.throws(() => buffer.putUtf8('ééé'), { code: 'BUFFER_FULL', remaining: 5, requested: 6 });
  assert.equal(buffer.length, 3);
  buffer.putUtf8('éé').putUtf8('x');
  assert.equal(buffer.remainingMut(), 0);
});
