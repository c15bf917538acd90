import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, type Bytes, FixedArena } from 'arena-alligator';
import { recordArena } from 'arena-alligator/planner';
import { decodeTrace } from '#internal/planner/trace-file';
import { assertAllReturned } from '../support/arenas.js';
import { inFolder } from '../support/digest.js';

for (const [kind, make] of [
  ['fixed', () => FixedArena.withSlotCapacity(8, 1024).build()],
  ['isolated', () => FixedArena.withSlotCapacity(8, 1024).isolated().build()],
  ['buddy', () => BuddyArena.builder(BuddyGeometry.exact(8192, 64)).build()],
  ['shared', () => FixedArena.withSlotCapacity(8, 1024).shared({ maxThreads: 1 }).build()],
] as const) {
  test(`a recording has the order, the written sizes and the releases of a ${kind} arena`, () =>
    inFolder(async (folder) => {
      const arena = make();
      const before = arena.allocate(10).putUtf8('before').freeze();
      const recording = recordArena(arena);
      const first = arena.allocate(1000).putUtf8('x'.repeat(700)).freeze();
      const clone = first.clone();
      const open = arena.allocate(100).putUtf8('four');
      first.release();
      arena.allocate(50).abandon();
      clone.release();
      before.release();
      const live: Bytes = arena.allocate(300).putUtf8('live').freeze();
      const path = join(folder, 'arena.trace');
      assert.equal(recording.save(path), 4);
      const { sizes, steps } = decodeTrace(readFileSync(path));
      // An open buffer notes what was written only when it is frozen.
      assert.deepEqual(sizes, [700, 1, 1, 4]);
      assert.deepEqual(
        steps.filter((step) => step >= 0),
        [0, 1, 2, 3],
      );
      assert.deepEqual(steps.filter((step) => step < 0).sort(), [-1, -3]);
      assert.equal(recording.save(path), 4, 'it can be written again');
      open.freeze().release();
      live.release();
      arena.allocate(10).putU8(1).freeze().release();
      assertAllReturned(arena);
    }));
}

test('a fixed arena takes its fast way again after a recording, and can be recorded again', () => {
  const arena = FixedArena.withSlotCapacity(2, 64).build();
  recordArena(arena).save('/dev/null');
  const again = recordArena(arena);
  arena.allocate().putU8(1).freeze().release();
  assert.equal(again.save('/dev/null'), 1);
  assertAllReturned(arena);
});

test('what is no arena, and an arena with safety nets, cannot be recorded', () => {
  assert.throws(() => recordArena({} as FixedArena), TypeError);
  for (const arena of [
    FixedArena.withSlotCapacity(1, 8).guarded().build(),
    FixedArena.withSlotCapacity(1, 8).leakDetection('full').build(),
  ]) {
    assert.throws(() => recordArena(arena), /cannot be recorded/);
  }
  const arena = FixedArena.withSlotCapacity(1, 8).build();
  recordArena(arena);
  assert.throws(() => recordArena(arena), /cannot be recorded/);
});
