import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { traceOfSizes } from '#internal/planner/size-list';
import { TraceError } from '#internal/planner/trace-error';

test('sizes alone: as many allocations live at the same time as is said, the oldest is released first', () => {
  const { sizes, steps } = traceOfSizes('10\n20\r\n\n30\n', 2);
  assert.deepEqual(sizes, [10, 20, 30]);
  assert.deepEqual(steps, [0, 1, -1, 2]);
});

test('lifetimes and times are taken from CSV, whatever separates its columns, and names of columns are skipped', () => {
  for (const separator of [',', ';', '\t', ' ', ', ']) {
    const text = ['# from a log', 'size,lifetime,time', '10,5,0', '20,1,1', '30,0,5', '40,,6'].join('\n');
    const { sizes, steps, times } = traceOfSizes(text.replaceAll(',', separator), 1);
    if (separator === ' ') continue; // an empty cell has no meaning then
    assert.deepEqual(sizes, [10, 20, 30, 40]);
    assert.deepEqual(steps, [0, 1, -2, -1, 2, -3, 3]);
    assert.deepEqual(
      times.map((time) => Math.round(time)),
      [0, 1, 2, 5, 5, 5, 6],
    );
  }
});

test('memory that is released at a time is free for an allocation of that time', () => {
  const { steps, peakBytes } = traceOfSizes('20,1,5\n10,5,0\n', 1);
  assert.deepEqual([steps, peakBytes], [[0, -1, 1, -2], 20]);
});

test('any list of sizes, lifetimes and times is taken, also with many of the same time', () => {
  const row = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 5 }));
  fc.assert(
    fc.property(fc.array(row, { minLength: 1 }), (rows) => {
      const { sizes, steps } = traceOfSizes(rows.map((cells) => cells.join()).join('\n'), 1);
      assert.deepEqual([...sizes].sort(), rows.map(([size]) => size).sort());
      assert.equal(steps.length, 2 * rows.length, 'each is released');
    }),
  );
});

test('what is no list of sizes is refused with its line', () => {
  for (const [text, message] of [
    ['10\nabc', /line 2: expected a size/],
    ['10,1,2,3', /line 1: expected a size/],
    [',5,3', /line 1: expected a size/],
    ['10\n-5', /line 2: expected a size/],
    ['10\n1.5', /line 2: a size must be a positive integer, not 1\.5/],
    ['0', /line 1: a size must be a positive integer/],
    ['5\n10000000000', /line 2: an allocation of 10000000000 bytes is larger than any arena/],
    ['1e400', /line 1: expected a size/],
    ['', /the trace has no allocation/],
    ['size\n', /the trace has no allocation/],
  ] as const) {
    assert.throws(
      () => traceOfSizes(text, 4),
      (error: unknown) => error instanceof TraceError && message.test(error.message),
      text,
    );
  }
});
