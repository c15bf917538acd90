import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, FixedArena, type Needle, SlotSpec } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { asyncArena } from '../support/chunks.js';

const few = fc.uint8Array({ min: 0, max: 2, maxLength: 24 });
const short = fc.uint8Array({ min: 0, max: 2, maxLength: 3 });

test('searches agree with Buffer, for needles of every kind', () => {
  const arena = asyncArena(1, 32);
  fc.assert(
    fc.property(few, short, fc.nat(24), (content, needle, at) => {
      const bytes = arena.allocate().putU8(9).putSlice(content).freeze();
      bytes.advance(1);
      const buffer = Buffer.from(content);
      const from = Math.min(at, content.length);
      const text = Buffer.from(needle).toString('latin1');
      const kinds: Needle[] = [needle, Bytes.copyFrom(needle), text];
      const byte = needle[0];
      if (needle.length === 1 && byte !== undefined) kinds.push(byte);
      for (const kind of kinds) {
        assert.equal(bytes.indexOf(kind, from), buffer.indexOf(needle, from));
        assert.equal(bytes.includes(kind, from), buffer.includes(Buffer.from(needle), from));
        assert.equal(bytes.startsWith(kind), buffer.subarray(0, needle.length).equals(needle));
        const tail = buffer.subarray(Math.max(0, buffer.length - needle.length));
        assert.equal(bytes.endsWith(kind), tail.equals(needle));
        const last = content.length === 0 && needle.length > 0 ? -1 : buffer.lastIndexOf(needle, from);
        if (needle.length > 0) assert.equal(bytes.lastIndexOf(kind, from), last);
        else assert.equal(bytes.lastIndexOf(kind, from), from);
      }
      bytes.release();
    }),
  );
  assertAllReturned(arena);
});

test('a search of few bytes finds the first match, wherever they lie, and nothing beside them', () => {
  // Bytes whose bits lie next to each other's, so that a carry would be noticed.
  const byte = fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0x81, 0xfe, 0xff);
  const window = fc.record({
    content: fc.array(byte, { maxLength: 40 }),
    needle: fc.array(byte, { minLength: 1, maxLength: 3 }),
    before: fc.nat(9),
    from: fc.nat(40),
  });
  fc.assert(
    fc.property(window, ({ content, needle, before, from }) => {
      const around = Array.from({ length: before }, () => needle).flat();
      const memory = Uint8Array.from([...around, ...content, ...around, ...needle]);
      const start = around.length;
      const at = Math.min(from, content.length);
      const expected = Buffer.from(content).indexOf(Buffer.from(needle), at);
      // The same bytes in a window of an arena's memory, and in memory of their own.
      const whole = Bytes.wrap(memory);
      const part = whole.slice(start, start + content.length);
      const wrapped = Bytes.wrap(memory.subarray(start, start + content.length));
      for (const bytes of [part, wrapped]) {
        assert.equal(bytes.indexOf(Uint8Array.from(needle), at), expected);
        bytes.release();
      }
      whole.release();
    }),
    { numRuns: 2000 },
  );
});

test('a search follows a WebAssembly.Memory that grew', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const arena = FixedArena.fromRaw(memory, SlotSpec.size(64)).build();
  const bytes = arena.allocate().putUtf8('a line with a word in it').freeze();
  assert.equal(bytes.indexOf('word'), 14);
  memory.grow(1);
  assert.deepEqual([bytes.indexOf('word'), bytes.indexOf('none')], [14, -1]);
  bytes.release();
  assertAllReturned(arena);
});

test('a search works in memory that can be resized', () => {
  const buffer = new (ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer)(64, {
    maxByteLength: 128,
  });
  const bytes = Bytes.wrap(new Uint8Array(buffer).fill(3));
  assert.deepEqual([bytes.indexOf(3, 5), bytes.indexOf(4)], [5, -1]);
});

test('a text is searched as UTF-8', () => {
  const bytes = Bytes.fromUtf8('aé☃é');
  assert.deepEqual([bytes.indexOf('é'), bytes.lastIndexOf('é'), bytes.includes('☃')], [1, 6, true]);
  assert.deepEqual([bytes.startsWith('aé'), bytes.endsWith('☃é'), bytes.endsWith('é☃')], [true, true, false]);
});

test('a bad needle or offset is refused', () => {
  const bytes = Bytes.fromUtf8('abc');
  for (const needle of [undefined, null, {}, true] as unknown as Needle[]) {
    for (const use of [() => bytes.indexOf(needle), () => bytes.lastIndexOf(needle), () => bytes.startsWith(needle)]) {
      assert.throws(use, TypeError);
    }
  }
  for (const needle of [-1, 256, 1.5]) {
    assert.throws(() => bytes.indexOf(needle), RangeError);
    assert.throws(() => bytes.lastIndexOf(needle), RangeError);
    assert.throws(() => bytes.endsWith(needle), RangeError);
  }
  for (const from of [-1, 4, 0.5]) {
    assert.throws(() => bytes.includes(97, from), RangeError);
    assert.throws(() => bytes.lastIndexOf(97, from), RangeError);
  }
});

test('copyTo and toString take a part, and agree with Buffer', () => {
  fc.assert(
    fc.property(few, fc.nat(30), fc.nat(24), fc.nat(24), (content, room, one, other) => {
      const bytes = Bytes.copyFrom(content);
      const [start = 0, end = 0] = [one, other].map((at) => Math.min(at, content.length)).sort((a, b) => a - b);
      const [mine, theirs] = [new Uint8Array(room).fill(7), Buffer.alloc(room, 7)];
      const targetStart = Math.min(3, room);
      assert.equal(
        bytes.copyTo(mine, targetStart, start, end),
        Buffer.from(content).copy(theirs, targetStart, start, end),
      );
      assert.deepEqual(Buffer.from(mine), theirs);
      assert.equal(bytes.toString('hex', start, end), Buffer.from(content).toString('hex', start, end));
    }),
  );
  const bytes = Bytes.fromUtf8('abc');
  assert.throws(() => bytes.copyTo([] as unknown as Uint8Array), TypeError);
  assert.throws(() => bytes.copyTo(new Uint8Array(2), 3), RangeError);
  assert.throws(() => bytes.copyTo(new Uint8Array(2), 0, 2, 1), RangeError);
  assert.throws(() => bytes.toString('utf8', 1, 4), RangeError);
});

test('a released handle throws in all of these', () => {
  const bytes = Bytes.fromUtf8('abc');
  bytes.release();
  const uses = [
    () => bytes.lastIndexOf(97),
    () => bytes.includes(97),
    () => bytes.startsWith('a'),
    () => bytes.endsWith('a'),
    () => bytes.copyTo(new Uint8Array(1)),
    () => bytes.canRead(1),
    () => bytes.getU8At(0),
    () => bytes.getUint(1),
    () => bytes.getVarint(),
    () => bytes.getUtf8(0),
  ];
  for (const use of uses) assert.throws(use, { code: 'RELEASED' });
});
