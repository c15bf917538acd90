import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Bytes, FixedArena } from 'arena-alligator';
import fc from 'fast-check';
import { environment } from '#internal/base/environment';
import { assertAllReturned, frozen } from '../support/arenas.js';

const arena = FixedArena.withSlotCapacity(4, 1024).build();
const content = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ minLength: 100, maxLength: 500 }));
/** Pairs that often share a long prefix, so that comparing them changes from the fast path to the slow one. */
const pair = fc.oneof(
  fc.tuple(content, content),
  fc.tuple(content, content, content).map(([prefix, a, b]) => {
    const join = (tail: Uint8Array): Uint8Array => Uint8Array.from([...prefix, ...tail]);
    return [join(a), join(b)] as const;
  }),
);

const { native } = environment;
after(() => {
  environment.native = native;
});

for (const search of [native, undefined]) {
  const kind = search === undefined ? 'own' : "runtime's";

  test(`compare and equals agree with Buffer, with the ${kind} search`, () => {
    environment.native = search;
    fc.assert(
      fc.property(pair, ([a, b]) => {
        using left = arena.allocate().putSlice(a).freeze();
        using right = arena.allocate().putSlice(b).freeze();
        assert.equal(left.compare(right), Buffer.compare(a, b));
        assert.equal(left.compare(b), Buffer.compare(a, b));
        assert.equal(left.equals(right), Buffer.compare(a, b) === 0);
        assert.equal(left.equals(b), Buffer.compare(a, b) === 0);
        assert.equal(left.equals(left), true);
      }),
      { numRuns: 500 },
    );
    assertAllReturned(arena);
  });

  test(`indexOf agrees with Buffer for bytes and runs, with the ${kind} search`, () => {
    environment.native = search;
    const few = fc.oneof(
      fc.uint8Array({ max: 2, minLength: 1, maxLength: 60 }),
      fc.uint8Array({ max: 2, minLength: 250, maxLength: 600 }),
    );
    const needles = fc.uint8Array({ max: 2, minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(few, needles, fc.nat(400), fc.nat(3), (haystack, needle, from, cut) => {
        using whole = arena.allocate().putSlice(haystack).freeze();
        using bytes = whole.slice(Math.min(cut, haystack.length - 1), haystack.length);
        const oracle = Buffer.from(bytes.toUint8Array());
        const start = from % (bytes.length + 1);
        using other = Bytes.copyFrom(needle);
        assert.equal(bytes.indexOf(needle, start), oracle.indexOf(needle, start));
        assert.equal(bytes.indexOf(other, start), oracle.indexOf(needle, start));
        assert.equal(bytes.indexOf(needle[0] as number, start), oracle.indexOf(needle[0] as number, start));
        assert.equal(bytes.lastIndexOf(needle, start), oracle.lastIndexOf(needle, start));
      }),
      { numRuns: 1000 },
    );
    using atEnd = Bytes.copyFrom(Uint8Array.from([...new Uint8Array(400), 1, 2, 3]));
    assert.equal(atEnd.indexOf(Uint8Array.of(1, 2, 3)), 400);
    assertAllReturned(arena);
  });
}

test('indexOf never looks past the end of its own bytes', () => {
  using bytes = frozen(arena, 'abcabc');
  using front = bytes.slice(0, 4);
  assert.equal(front.indexOf(Buffer.from('ca')), 2);
  assert.equal(front.indexOf(Buffer.from('bca'), 2), -1);
  assert.equal(front.indexOf(0x62, 2), -1);
  assert.equal(front.indexOf(new Uint8Array(0), 3), 3);
});

test('a Uint8Array that reports a false length is compared by its true length', () => {
  class Liar extends Uint8Array {
    override get length(): number {
      return 20;
    }
  }
  const buffer = new ArrayBuffer(32);
  using bytes = Bytes.wrap(new Uint8Array(20));
  assert.equal(bytes.equals(new Liar(buffer, 0, 4)), false);
  assert.equal(bytes.compare(new Liar(buffer, 0, 4)), 1);
});

test('comparing and searching refuse arguments of a wrong type and numbers out of range', () => {
  using bytes = frozen(arena, 'abc');
  for (const bad of ['abc', null, {}, [1], new Uint16Array(1)] as unknown as Uint8Array[]) {
    assert.throws(() => bytes.equals(bad), TypeError);
    assert.throws(() => bytes.compare(bad), TypeError);
    if (typeof bad !== 'string') assert.throws(() => bytes.indexOf(bad), TypeError);
  }
  for (const bad of [-1, 256, 1.5, Number.NaN]) assert.throws(() => bytes.indexOf(bad), RangeError);
  assert.throws(() => bytes.indexOf(0x61, 4), RangeError);
});

test('a search may start at the end, but not beyond it', () => {
  using bytes = Bytes.copyFrom(Uint8Array.of(1, 2, 3));
  assert.equal(bytes.indexOf(3, 3), -1);
  assert.equal(bytes.indexOf(Uint8Array.of(3), 3), -1);
  assert.equal(bytes.indexOf(new Uint8Array(0), 3), 3);
  assert.throws(() => bytes.indexOf(3, 4), RangeError);
});
