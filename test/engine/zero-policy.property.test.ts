import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { collectUntil } from '../support/collector.js';
import { forgetfulSteps, groundNames, Play, shapes, steps } from '../support/zero-policy.js';

for (const ground of groundNames) {
  test(`zero policy (memory: ${ground}): after any steps, fresh memory is zero and memory in use is untouched`, () =>
    fc.assert(
      fc.asyncProperty(shapes, steps, async (shape, all) => {
        const play = new Play({ ...shape, ground });
        await play.run(all);
        await play.finish();
        play.check();
      }),
      { numRuns: 150 },
    ));
}

test('zero policy: memory that the collector found forgotten is zero for the next owner too', () =>
  fc.assert(
    fc.asyncProperty(shapes, forgetfulSteps, async (shape, all) => {
      const play = new Play(shape);
      await play.run(all);
      const found = await collectUntil(() => {
        play.releaseAll();
        return play.isSettled;
      });
      assert.ok(found, 'everything forgotten was found');
      play.check();
    }),
    { numRuns: 25 },
  ));
