import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../examples/uploads/run.js', import.meta.url));

test('the uploads example: 4 MiB at once pass through 1 MiB, longer bodies get a 413, all memory returns', async () => {
  const { stdout, stderr } = await run(process.execPath, [script]);
  const hashed = Array.from({ length: 8 }, (_, number) => {
    const digest = createHash('sha256').update(Buffer.alloc(524_288, number)).digest('hex');
    return `200 ${digest}\n`;
  });
  assert.equal(stderr, '');
  assert.equal(stdout, `${hashed.join('')}413 \n413 \n0 of 1048576 bytes live\n`);
});
