import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../examples/job-pool/run.js', import.meta.url));

test('the job-pool example: 40 jobs are done in 4 slots although a worker dies, all memory returns', async () => {
  const { stdout, stderr } = await run(process.execPath, [script]);
  assert.equal(stderr, '');
  assert.equal(stdout, '40 of 40 results are right\n0 and 0 bytes live\n');
});
