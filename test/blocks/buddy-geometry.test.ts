import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry } from 'arena-alligator';
import fc from 'fast-check';

test('exact keeps a valid shape and reports its parts', () => {
  const geometry = BuddyGeometry.exact(4096, 512);
  assert.equal(geometry.totalSize, 4096);
  assert.equal(geometry.minBlockSize, 512);
  assert.equal(geometry.maxOrder, 3);
  assert.equal(geometry.alignment, 1);
  assert.equal(BuddyGeometry.exact(512, 512).maxOrder, 0);
  assert.equal(BuddyGeometry.exact(1, 1).maxOrder, 0);
  assert.equal(BuddyGeometry.exact(2 ** 40, 2 ** 33).maxOrder, 7);
});

test('exact refuses sizes that are not a valid shape', () => {
  for (const [total, block] of [
    [4096, 768],
    [6144, 1024],
    [256, 512],
    [4096, 3],
    [4097, 1],
    [2 ** 40 + 2 ** 39, 2 ** 33],
    [2 ** 50 + 1, 2 ** 30],
  ] as const) {
    assert.throws(() => BuddyGeometry.exact(total, block), { name: 'BuildError', code: 'INVALID_GEOMETRY' });
  }
});

test('nearest rounds both sizes up to the smallest valid shape', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 2 ** 20 }), (total, block) => {
      const { totalSize, minBlockSize, maxOrder } = BuddyGeometry.nearest(total, block);
      assert.equal(minBlockSize * 2 ** maxOrder, totalSize);
      assert.ok(Number.isInteger(maxOrder));
      assert.ok(minBlockSize >= block && minBlockSize / 2 < block, 'blocks no larger than needed');
      assert.ok(totalSize >= total, 'holds the total');
      assert.ok(maxOrder === 0 || totalSize / 2 < total, 'no larger than needed');
      assert.doesNotThrow(() => BuddyGeometry.exact(totalSize, minBlockSize));
    }),
  );
  const geometry = BuddyGeometry.nearest(6000, 768);
  assert.deepEqual([geometry.totalSize, geometry.minBlockSize], [8192, 1024]);
});

test('nearest throws SIZE_OVERFLOW when the size is not a safe integer after rounding up', () => {
  assert.throws(() => BuddyGeometry.nearest(Number.MAX_SAFE_INTEGER, 1), { code: 'SIZE_OVERFLOW' });
});

test('withAlignment keeps a shape whose blocks are large enough, and returns a new geometry', () => {
  const geometry = BuddyGeometry.exact(4096, 512);
  const aligned = geometry.withAlignment(512);
  assert.equal(aligned.alignment, 512);
  assert.equal(aligned.minBlockSize, 512);
  assert.equal(geometry.alignment, 1);
});

test('withAlignment refuses an exact shape with smaller blocks, and enlarges the blocks of a nearest shape', () => {
  assert.throws(() => BuddyGeometry.exact(4096, 512).withAlignment(1024), { code: 'INVALID_GEOMETRY' });
  const raised = BuddyGeometry.nearest(5000, 500).withAlignment(4096);
  assert.deepEqual([raised.totalSize, raised.minBlockSize, raised.maxOrder], [8192, 4096, 1]);
  assert.equal(raised.alignment, 4096);
  assert.throws(() => BuddyGeometry.nearest(64, 64).withAlignment(3), { code: 'INVALID_ALIGNMENT' });
});

test('sizes that are not positive integers are refused', () => {
  for (const bad of [0, -1, Number.NaN, 1.5, 2 ** 60]) {
    assert.throws(() => BuddyGeometry.exact(bad, 1), RangeError);
    assert.throws(() => BuddyGeometry.exact(1, bad), RangeError);
    assert.throws(() => BuddyGeometry.nearest(bad, 1), RangeError);
    assert.throws(() => BuddyGeometry.nearest(1, bad), RangeError);
    assert.throws(() => BuddyGeometry.exact(64, 64).withAlignment(bad), RangeError);
  }
  assert.throws(() => BuddyGeometry.exact('64' as unknown as number, 64), TypeError);
});

test('a geometry cannot be changed, and a builder accepts nothing else as a geometry', () => {
  const geometry = BuddyGeometry.exact(64, 64);
  assert.throws(() => {
    (geometry as { totalSize: number }).totalSize = 128;
  }, TypeError);
  assert.throws(() => BuddyArena.builder({ ...geometry } as BuddyGeometry), TypeError);
  assert.throws(() => BuddyArena.builder(64 as unknown as BuddyGeometry), TypeError);
});
