import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArenaBuffer, BuddyArena, BuddyGeometry } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { IntervalOracle } from '../support/oracle.js';

const MIN_BLOCK = 8;

interface Live {
  readonly buffer: ArenaBuffer;
  readonly start: number;
  readonly tag: number;
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ allocate: fc.double({ min: 0, max: 1, noNaN: true }), tag: fc.nat(255) }) },
  { weight: 4, arbitrary: fc.record({ release: fc.nat() }) },
);

test('random churn on a buddy arena: no overlap, exact metrics and largest free block after every step', () => {
  fc.assert(
    fc.property(fc.nat(8), fc.array(step, { maxLength: 150 }), fc.boolean(), (maxOrder, steps, nearest) => {
      const total = MIN_BLOCK * 2 ** maxOrder;
      const geometry = nearest ? BuddyGeometry.nearest(total, MIN_BLOCK) : BuddyGeometry.exact(total, MIN_BLOCK);
      const arena = BuddyArena.builder(geometry).build();
      const oracle = new IntervalOracle(total);
      const live: Live[] = [];
      let [ok, failed, frees] = [0, 0, 0];
      for (const next of steps) {
        if ('allocate' in next) {
          // Small requests are more frequent than large ones, as in programs.
          const length = Math.max(1, Math.ceil(total * next.allocate ** 4));
          const block = Math.max(MIN_BLOCK, 2 ** Math.ceil(Math.log2(length)));
          const largest = Math.max(0, ...oracle.freeBlocks(MIN_BLOCK));
          const buffer = arena.tryAllocate(length);
          assert.equal(
            buffer !== undefined,
            block <= largest,
            'a request is granted exactly when a free block is large enough',
          );
          if (buffer === undefined) {
            failed++;
          } else {
            ok++;
            assert.equal(buffer.capacity, nearest ? length : block);
            const start = buffer.chunkMut().byteOffset;
            assert.equal(start % block, 0);
            oracle.take(start, start + block);
            live.push({ buffer: buffer.putBytes(next.tag, buffer.capacity), start, tag: next.tag });
          }
        } else {
          const [gone] = live.splice(next.release % live.length, live.length > 0 ? 1 : 0);
          if (gone !== undefined) {
            const bytes = gone.buffer.freeze();
            assert.ok(
              [...bytes].every((byte) => byte === gone.tag),
              'no other handle wrote to it',
            );
            bytes.release();
            oracle.give(gone.start);
            frees++;
          }
        }
        const metrics = arena.metrics();
        const free = oracle.freeBlocks(MIN_BLOCK);
        assert.deepEqual(
          [
            metrics.allocationsOk,
            metrics.allocationsFailed,
            metrics.frees,
            metrics.bytesLive,
            metrics.largestFreeBlock,
          ],
          [ok, failed, frees, oracle.bytesTaken, Math.max(0, ...free)],
        );
        // There is one block at first. Each split makes one block more, and each coalesce one block less.
        assert.equal(1 + metrics.splits - metrics.coalesces, free.length + live.length);
      }
      for (const { buffer } of live) buffer.abandon();
      assertAllReturned(arena);
    }),
    { numRuns: 200 },
  );
});
