import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ArenaBuffer,
  type AsyncBuddyArena,
  type AsyncFixedArena,
  BuddyArena,
  BuddyGeometry,
  FixedArena,
} from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { FakeClock } from '../support/clock.js';
import { IntervalOracle } from '../support/oracle.js';
import { Outcome, settled } from '../support/outcome.js';

const UNIT = 8;

interface Waiting {
  readonly id: number;
  readonly units: number;
  readonly outcome: Outcome<ArenaBuffer>;
  readonly stop: AbortController;
  aborted: boolean;
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ take: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ wait: fc.nat(4), timeout: fc.option(fc.integer({ min: 0, max: 30 })) }) },
  { weight: 5, arbitrary: fc.record({ release: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ abort: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.integer({ min: 1, max: 20 }) }) },
);

/** Drives `arena` by `steps`, and compares it with a list of the live buffers and the waiting requests. */
async function drive(
  arena: AsyncFixedArena | AsyncBuddyArena,
  total: number,
  steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
  clock: FakeClock,
): Promise<void> {
  const largestOrder = arena instanceof BuddyArena ? arena.maxOrder : 0;
  const oracle = new IntervalOracle(total);
  const live: { readonly buffer: ArenaBuffer; readonly start: number }[] = [];
  const waiting: Waiting[] = [];
  const lastServed = new Map<number, number>();
  let [nextId, served, cancelled] = [0, 0, 0];

  const hold = (buffer: ArenaBuffer, units: number): void => {
    const start = buffer.chunkMut().byteOffset;
    oracle.take(start, start + units * UNIT);
    live.push({ buffer, start });
  };
  const lookAtWaits = (): void => {
    for (const wait of [...waiting]) {
      const { outcome, units, id } = wait;
      if (outcome.state === 'pending') continue;
      waiting.splice(waiting.indexOf(wait), 1);
      if (outcome.value === undefined) {
        cancelled++;
        continue;
      }
      assert.equal(wait.aborted, false, 'an aborted request is not served');
      served++;
      assert.ok((lastServed.get(units) ?? -1) < id, 'first in, first out among requests of the same size');
      lastServed.set(units, id);
      hold(outcome.value, units);
    }
  };

  for (const next of steps) {
    if ('take' in next) {
      const units = 2 ** Math.min(next.take, largestOrder);
      const buffer = arena.tryAllocate(units * UNIT);
      if (buffer !== undefined) {
        assert.ok(
          !waiting.some((wait) => wait.units === units && wait.outcome.state === 'pending'),
          'no waiting request is overtaken',
        );
        hold(buffer, units);
      }
    } else if ('wait' in next) {
      const units = 2 ** Math.min(next.wait, largestOrder);
      const stop = new AbortController();
      const timeout = next.timeout ?? undefined;
      const outcome = new Outcome(arena.allocateAsync(units * UNIT, { signal: stop.signal, timeout }));
      const before = arena.metrics().waiting;
      await settled();
      if (outcome.value !== undefined) {
        assert.ok(!waiting.some((wait) => wait.units === units), 'no waiting request is overtaken');
        hold(outcome.value, units);
      } else {
        assert.ok(before > 0);
        waiting.push({ id: nextId++, units, outcome, stop, aborted: false });
      }
    } else if ('release' in next) {
      const [gone] = live.splice(next.release % Math.max(1, live.length), 1);
      if (gone !== undefined) {
        oracle.give(gone.start);
        gone.buffer.abandon();
      }
    } else if ('abort' in next) {
      const wait = waiting[next.abort % Math.max(1, waiting.length)];
      if (wait !== undefined) {
        wait.aborted = true;
        wait.stop.abort();
      }
    } else {
      clock.advance(next.pass);
    }
    await settled();
    lookAtWaits();
    const metrics = arena.metrics();
    assert.equal(metrics.waiting, waiting.length);
    assert.equal(metrics.waitsServed, served);
    assert.equal(metrics.waitsCancelled, cancelled);
    assert.equal(metrics.bytesLive, oracle.bytesTaken);
    const free = arena instanceof BuddyArena ? arena.metrics().largestFreeBlock : total - metrics.bytesLive;
    for (const { units } of waiting) assert.ok(units * UNIT > free, 'no request waits for memory that is free');
  }
  for (let turns = 0; live.length > 0 || waiting.length > 0; turns++) {
    assert.ok(turns < 1000, 'no request waits for ever');
    for (const { buffer, start } of live.splice(0)) {
      oracle.give(start);
      buffer.abandon();
    }
    await settled();
    lookAtWaits();
  }
  assert.equal(clock.pendingTimers, 0);
  assertAllReturned(arena);
}

test('a fixed arena agrees with a model under random allocations, waits, aborts, timeouts and releases', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), async (slots, steps) => {
      using clock = new FakeClock();
      await drive(FixedArena.withSlotCapacity(slots, UNIT).buildAsync(), slots * UNIT, steps, clock);
    }),
    { numRuns: 150 },
  );
});

test('a buddy arena agrees with a model under random operations of mixed sizes, and serves every request', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(4), fc.array(step, { maxLength: 80 }), async (maxOrder, steps) => {
      using clock = new FakeClock();
      const total = UNIT * 2 ** maxOrder;
      await drive(BuddyArena.builder(BuddyGeometry.exact(total, UNIT)).buildAsync(), total, steps, clock);
    }),
    { numRuns: 250 },
  );
});
