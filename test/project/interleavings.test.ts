import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bugs } from '../../evidence/interleave/bugs.js';
import { type Exploration, Explorer, type Limits } from '../../evidence/interleave/explore.js';
import { type Bug, steppedLibrary } from '../../evidence/interleave/library.js';
import { scenarios } from '../../evidence/interleave/scenarios.js';

// `npm run check:interleavings` explores further.

async function explore(scenario: string, limits: Limits, bug?: Bug): Promise<Exploration> {
  const library = steppedLibrary(bug);
  const explorer = await Explorer.over(scenario, library.address, bug === undefined);
  try {
    return await explorer.explore(limits);
  } finally {
    await explorer.stop();
    library.remove();
  }
}

for (const { name } of scenarios) {
  test(`the invariants hold when threads are stepped in every order with one preemption: ${name}`, async () => {
    const { found, schedules } = await explore(name, { preemptions: 1, random: 50, time: 1000 });
    assert.equal(found, undefined);
    assert.ok(schedules > 5);
  });
}

for (const bug of bugs) {
  test(`the stepping checker finds the bug: ${bug.name}`, async () => {
    const { found } = await explore(bug.scenario, { preemptions: 2, random: 0, time: 120_000 }, bug);
    assert.ok(found !== undefined, 'not found');
    // A planted text that cannot even run would prove nothing.
    assert.doesNotMatch(found.wrong.join('; '), /threw/);
  });
}
