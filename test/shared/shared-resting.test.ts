import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, type SharedBuddyArena } from 'arena-alligator';
import fc from 'fast-check';
import type { Allocation } from '#internal/handles/allocation';
import { openHandle } from '#internal/shared/arena-handle';
import type { SharedEngine } from '#internal/shared/engine';
import { activeState, BLOCKING_CELL, STATE } from '#internal/shared/lane';
import { SharedThread } from '#internal/shared/thread';
import { assertAllReturned } from '../support/arenas.js';
import { auditArena } from '../support/audit.js';
import { IntervalOracle } from '../support/oracle.js';

// Resting words: words of a shared buddy arena that stay open for the thread that claims from them (docs/threads.md,
// T5). These tests attach several lanes in one thread, so that the steps of one lane can come between the steps of
// another.

function buddies(maxOrder: number, maxThreads: number): SharedBuddyArena {
  return BuddyArena.builder(BuddyGeometry.exact(2 ** maxOrder, 1))
    .shared({ maxThreads })
    .build();
}

function engineOf(arena: SharedBuddyArena): SharedEngine {
  return (arena as unknown as { readonly thread: SharedThread }).thread.engine;
}

function otherLane(arena: SharedBuddyArena): SharedEngine {
  const { control, memory } = openHandle(arena.handle(), 'buddy');
  return SharedThread.join(control, memory).engine;
}

function claim(engine: SharedEngine, order: number): Allocation {
  return engine.granted(engine.claim(order, 1), 1);
}

function audit(engine: SharedEngine): string[] {
  return auditArena(engine.tools);
}

/** What the audit says about words that are full and open. */
function resting(engine: SharedEngine): string[] {
  return auditArena(engine.tools, true);
}

test('a word stays open for the thread that claims from it, and is merged for a thread that needs more', () => {
  const arena = buddies(11, 3);
  const [one, other] = [otherLane(arena), otherLane(arena)];
  one.release(claim(one, 0));
  assert.deepEqual(audit(one), []);
  assert.equal(resting(one).length, 1);
  const { splits, coalesces } = one;
  for (let round = 0; round < 10; round++) one.release(claim(one, 0));
  assert.equal(one.splits - splits, one.coalesces - coalesces);
  const all = claim(other, 11);
  assert.deepEqual(audit(other), []);
  assert.deepEqual(resting(other), []);
  other.release(all);
  assertAllReturned(arena);
});

test('each thread opens its own words while there is memory, and threads share words when there is none', () => {
  const arena = buddies(11, 3);
  const [one, other] = [otherLane(arena), otherLane(arena)];
  // Moves away from the words that idle threads begin at.
  const half = claim(one, 10);
  const mine = claim(one, 0);
  const theirs = claim(other, 0);
  assert.ok(Math.abs(mine.trace.block - theirs.trace.block) >= 32, 'the blocks lie in different words');
  const rest = [];
  for (let record = one.claimOrWait(0, 1); record !== undefined; record = one.claimOrWait(0, 1)) rest.push(record);
  assert.equal(rest.length, 2 ** 10 - 2);
  // By now the hints say that nothing is free anywhere.
  for (const record of [...rest.splice(500), mine, half]) {
    one.release(record);
    assert.deepEqual(audit(one), []);
  }
  for (const record of rest) one.release(record);
  other.release(theirs);
  assert.deepEqual(audit(one), []);
  assertAllReturned(arena);
});

test('a thread that found too little in the word it claims from goes on to the word that it opened', () => {
  const arena = buddies(11, 3);
  const one = otherLane(arena);
  const held = [5, 4, 3].map((order) => claim(one, order));
  one.release(claim(one, 5));
  assert.deepEqual(audit(one), []);
  assert.equal(resting(one).length, 1);
  const { splits, coalesces } = one;
  const again = claim(one, 5);
  assert.equal(one.splits - splits, 0, 'the block is half of the resting word');
  one.release(again);
  assert.equal(one.coalesces - coalesces, 0);
  for (const record of held) one.release(record);
  assertAllReturned(arena);
});

test('a release merges at once while a thread waits', () => {
  const arena = buddies(6, 2);
  const other = otherLane(arena);
  const record = claim(other, 0);
  const { requests } = engineOf(arena).tools;
  requests.post(BLOCKING_CELL, 6);
  let rested = 0;
  const { blocks } = other.tools;
  const { claimOnce } = blocks;
  blocks.claimOnce = (order) => {
    rested += resting(other).length;
    return claimOnce.call(blocks, order);
  };
  other.release(record);
  assert.equal(rested, 0);
  assert.equal(requests.take(BLOCKING_CELL), 0);
  engineOf(arena).giveUp(0);
  assertAllReturned(arena);
});

test('a thread that leaves leaves no word open, and changes nothing afterwards', () => {
  const arena = buddies(11, 3);
  const other = otherLane(arena);
  const last = claim(other, 3);
  other.release(claim(other, 0));
  other.closeHere();
  other.leave();
  assert.ok(resting(other).length > 0, 'a word rests while the thread still holds a block');
  other.release(last);
  assert.deepEqual(resting(other), []);
  const next = otherLane(arena);
  next.release(claim(next, 0));
  const { words } = next.tools.control;
  const before = words.slice();
  other.largestFreeOrder();
  assert.deepEqual(words, before);
  assertAllReturned(arena);
});

test('reclaiming a dead thread closes the words that it left open', () => {
  const arena = buddies(11, 3);
  const other = otherLane(arena);
  other.release(claim(other, 0));
  other.tools.lane.words[STATE] = activeState(12_345);
  assert.equal(resting(other).length, 1);
  assert.equal(arena.reclaim(12_345), 0);
  assert.deepEqual(resting(other), []);
  assertAllReturned(arena);
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ lane: fc.nat(2), order: fc.nat(12) }) },
  { weight: 5, arbitrary: fc.record({ lane: fc.nat(2), release: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant('measure' as const) },
);

test('random churn in three lanes: free memory is found, whichever words rest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 80 }), (maxOrder, steps) => {
      const arena = buddies(maxOrder, 4);
      const engines = [otherLane(arena), otherLane(arena), otherLane(arena)];
      const oracle = new IntervalOracle(2 ** maxOrder);
      const live: { readonly engine: SharedEngine; readonly record: Allocation }[] = [];
      for (const next of steps) {
        if (next === 'measure') {
          const { splits, coalesces, largestFreeBlock } = arena.metrics();
          const free = oracle.freeBlocks(1);
          assert.deepEqual([largestFreeBlock, resting(engineOf(arena))], [Math.max(0, ...free), []]);
          assert.equal(1 + splits - coalesces, free.length + live.length);
          continue;
        }
        const engine = engines[next.lane] as SharedEngine;
        if ('order' in next) {
          const order = Math.min(next.order, maxOrder);
          const record = engine.claimOrWait(order, 1);
          assert.equal(record !== undefined, 2 ** order <= Math.max(0, ...oracle.freeBlocks(1)));
          if (record === undefined) continue;
          oracle.take(record.trace.block, record.trace.block + 2 ** order);
          live.push({ engine, record });
        } else {
          const [gone] = live.splice(next.release % live.length, live.length > 0 ? 1 : 0);
          if (gone === undefined) continue;
          oracle.give(gone.record.trace.block);
          gone.engine.release(gone.record);
        }
        assert.deepEqual(audit(engine), []);
      }
      for (const { engine, record } of live) engine.release(record);
      for (const engine of engines) engine.leave();
      assertAllReturned(arena);
    }),
    { numRuns: 100 },
  );
});
