import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FreeBitmap } from '#internal/blocks/free-bitmap';

const sizes = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1023, 1024, 1025, 32768, 32769, 40_000));

test('claims and releases agree with a Set, for all sizes and numbers of levels', () => {
  fc.assert(
    fc.property(
      sizes,
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(2), fc.nat()), { maxLength: 300 }),
      (size, full, steps) => {
        const bitmap = full ? FreeBitmap.full(size) : FreeBitmap.empty(size);
        const free = new Set<number>(full ? Array.from({ length: size }, (_, index) => index) : []);
        for (const [kind, pick] of steps) {
          if (kind === 0) {
            const claimed = bitmap.claim();
            if (free.size === 0) assert.equal(claimed, -1);
            else assert.ok(free.delete(claimed), `${claimed} was free`);
          } else if (kind === 1) {
            const entry = pick % size;
            assert.equal(bitmap.claimExact(entry), free.delete(entry));
          } else {
            const entry = pick % size;
            if (!free.has(entry)) {
              bitmap.release(entry);
              free.add(entry);
            }
          }
          assert.equal(bitmap.isEmpty, free.size === 0);
        }
        const rest = new Set<number>();
        for (let entry = bitmap.claim(); entry >= 0; entry = bitmap.claim()) rest.add(entry);
        assert.deepEqual(rest, free);
      },
    ),
  );
});

test('claims stay in the current word until it is exhausted, and then take the lowest free entry', () => {
  const bitmap = FreeBitmap.full(96);
  for (let entry = 0; entry < 40; entry++) assert.equal(bitmap.claim(), entry);
  bitmap.release(3);
  for (let entry = 40; entry < 64; entry++) assert.equal(bitmap.claim(), entry);
  assert.equal(bitmap.claim(), 3);
  assert.equal(bitmap.claim(), 64);
});

test('entries beyond the size are never claimed', () => {
  for (const size of [1, 31, 32, 33, 1023, 1025]) {
    const bitmap = FreeBitmap.full(size);
    let highest = -1;
    for (let entry = bitmap.claim(); entry >= 0; entry = bitmap.claim()) highest = Math.max(highest, entry);
    assert.equal(highest, size - 1);
  }
});

test('counting and claiming within a range agree with a Set', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3000 }),
      fc.array(fc.nat(), { maxLength: 400 }),
      fc.nat(),
      fc.nat(),
      (size, picks, one, other) => {
        const [start, end] = [one % (size + 1), other % (size + 1)].sort((a, b) => a - b) as [number, number];
        const bitmap = FreeBitmap.empty(size);
        const free = new Set(picks.map((pick) => pick % size));
        for (const entry of free) bitmap.release(entry);
        const within = [...free].filter((entry) => entry >= start && entry < end).sort((a, b) => a - b);
        assert.equal(bitmap.countWithin(start, end), within.length);
        const claimed: number[] = [];
        bitmap.claimWithin(start, end, (entry) => claimed.push(entry));
        assert.deepEqual(claimed, within);
        for (const entry of within) assert.equal(bitmap.claimExact(entry), false);
        assert.equal(bitmap.countWithin(0, size), free.size - within.length);
        assert.equal(bitmap.largestFreeOrder(), free.size > within.length ? 0 : -1);
        assert.equal(bitmap.countWithin(start, end), 0);
      },
    ),
  );
});
