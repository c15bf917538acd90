import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FixedArena } from 'arena-alligator';
import fc from 'fast-check';
import { candidatesFor } from '#internal/planner/candidates';
import { planFor } from '#internal/planner/plan';
import { replay } from '#internal/planner/replay';
import { bestClasses, slotFor } from '#internal/planner/size-classes';
import { type Trace, TraceBuilder } from '#internal/planner/trace';
import { decodeTrace } from '#internal/planner/trace-file';

const program = fc.array(fc.record({ size: fc.integer({ min: 1, max: 600 }), releases: fc.nat(3) }), {
  minLength: 1,
  maxLength: 60,
});

function traceOf(steps: readonly { readonly size: number; readonly releases: number }[]): Trace {
  const builder = new TraceBuilder();
  const live: number[] = [];
  for (const [time, { size, releases }] of steps.entries()) {
    if (releases === 0) {
      const index = live.shift();
      if (index !== undefined) builder.released(index, time);
    }
    live.push(builder.allocated(size, time));
  }
  return builder.build();
}

/** The most allocations of more than `low` and up to `high` bytes that are live at the same time, counted naively. */
function peakBetween({ steps, sizes }: Trace, low: number, high: number): number {
  let [live, peak] = [0, 0];
  for (const step of steps) {
    const size = slotFor(sizes[step < 0 ? -1 - step : step] as number);
    if (size <= low || size > high) continue;
    live += step < 0 ? -1 : 1;
    peak = Math.max(peak, live);
  }
  return peak;
}

/** The least memory of `count` classes or fewer, by trying all. */
function leastByTrying(trace: Trace, bounds: readonly number[], count: number, low = 0): number {
  const highest = bounds.at(-1) as number;
  if (low >= highest) return 0;
  if (count === 0) return Number.POSITIVE_INFINITY;
  const ends = bounds.filter((bound) => bound > low);
  return Math.min(
    ...ends.map((end) => end * peakBetween(trace, low, end) + leastByTrying(trace, bounds, count - 1, end)),
  );
}

test('size classes need the least memory that any choice of classes needs', () => {
  fc.assert(
    fc.property(program, (steps) => {
      const trace = traceOf(steps);
      const bounds = [...new Set(trace.sizes.map(slotFor))].sort((a, b) => a - b);
      for (const [index, classes] of bestClasses(trace, 3).entries()) {
        const memory = classes.reduce((sum, { capacity, slots }) => sum + capacity * slots, 0);
        // With exactly that many classes; fewer may be better, and then another entry has them.
        assert.ok(memory >= leastByTrying(trace, bounds, index + 1));
      }
      const found = bestClasses(trace, 3).map((classes) =>
        classes.reduce((sum, { capacity, slots }) => sum + capacity * slots, 0),
      );
      assert.equal(Math.min(...found), leastByTrying(trace, bounds, Math.min(3, bounds.length)));
    }),
    { numRuns: 60 },
  );
});

test('every arena that is tried holds the trace, reserves what was predicted, and gets everything back', () => {
  fc.assert(
    fc.property(program, (steps) => {
      const trace = traceOf(steps);
      for (const candidate of candidatesFor(trace)) {
        const outcome = replay(trace, candidate);
        assert.equal(outcome.failures, 0, candidate.name);
        const arena = candidate.build();
        assert.deepEqual([arena.metrics().bytesReserved, arena.metrics().bytesLive], [candidate.reserved, 0]);
        arena.close();
        assert.equal(outcome.memory, candidate.reserved + outcome.peakHeap);
        assert.ok(outcome.memory >= trace.peakBytes, 'no arena needs less than what is live');
      }
    }),
    { numRuns: 30 },
  );
});

for (const name of ['install', 'server']) {
  test(`for the trace of ${name} an arena is found that needs at most 0.7 of the best single fixed arena`, () => {
    const path = fileURLToPath(new URL(`../../../examples/traces/${name}.trace`, import.meta.url));
    const trace = decodeTrace(readFileSync(path));
    const { best, outcomes } = planFor(trace);
    const largest = slotFor(trace.sizes.reduce((most, size) => Math.max(most, size), 0));
    const fixed = largest * peakBetween(trace, 0, largest);
    assert.ok(best.memory <= 0.7 * fixed, `${best.memory} of ${fixed}`);
    assert.equal(best.failures, 0);
    assert.equal(outcomes[0], best);
    const again = replay(trace, best);
    assert.deepEqual([again.memory, again.failures, again.spills], [best.memory, 0, best.spills]);
  });
}

test('allocations that find no memory are counted', () => {
  const builder = new TraceBuilder();
  for (let index = 0; index < 3; index++) builder.allocated(100, index);
  const build = (): FixedArena => FixedArena.withSlotCapacity(2, 128).build();
  const { failures, memory } = replay(builder.build(), { name: 'small', code: '', reserved: 256, build });
  assert.deepEqual([failures, memory], [1, 256]);
});

test('a trace of one size is best served by one fixed arena, and sizes that no arena holds are refused', () => {
  const builder = new TraceBuilder();
  for (let time = 0; time < 10; time++) builder.released(builder.allocated(100, time), time);
  const { best, fixed } = planFor(builder.build());
  assert.deepEqual([best, best.name, best.memory], [fixed, 'fixed, 1 x 128', 128]);
  const huge = new TraceBuilder();
  for (let index = 0; index < 3; index++) huge.allocated(2 ** 31, index);
  assert.throws(() => planFor(huge.build()), /no arena of up to 4 GiB/);
});
