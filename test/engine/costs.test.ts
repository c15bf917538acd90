import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Costs } from '../support/count-costs.js';

// Guards the hot paths. A slow machine cannot fail these tests: they count, and measure no time.

const run = promisify(execFile);
const countCosts = fileURLToPath(new URL('../support/count-costs.js', import.meta.url));

async function costsOf(name: string): Promise<Costs> {
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, ['--expose-gc', countCosts, name], { env });
  return JSON.parse(stdout) as Costs;
}

/** Bytes of an ArenaBuffer handle and of a Bytes handle, on V8 with 64-bit pointers. */
const BUFFER = 40;
const BYTES = 56;
/** Bytes per operation for what else is allocated now and then. */
const SLACK = 6;

const bounds: Readonly<Record<string, { readonly heapBytes: number; readonly atomics: number }>> = {
  fixed: { heapBytes: BUFFER + BYTES, atomics: 0 },
  'fixed, viewed': { heapBytes: BUFFER + BYTES, atomics: 0 },
  buddy: { heapBytes: BUFFER + BYTES, atomics: 0 },
  clone: { heapBytes: BYTES, atomics: 0 },
  slice: { heapBytes: BYTES, atomics: 0 },
  spill: { heapBytes: BUFFER + BYTES, atomics: 0 },
  'shared fixed': { heapBytes: BUFFER + BYTES, atomics: 3 },
  'shared buddy': { heapBytes: BUFFER + BYTES, atomics: 4 },
};

for (const [name, { heapBytes, atomics }] of Object.entries(bounds)) {
  test(`an operation (${name}) allocates only its handles, makes no more atomic operations than needed, and registers nothing`, async () => {
    const costs = await costsOf(name);
    assert.ok(
      costs.heapBytes <= heapBytes + SLACK,
      `${costs.heapBytes} bytes on the heap, expected at most ${heapBytes}`,
    );
    assert.ok(costs.atomics <= atomics, `${costs.atomics} atomic operations, expected at most ${atomics}`);
    assert.equal(costs.registrations, 0);
  });
}
