import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../examples/worker-pool/run.js', import.meta.url));

test('the worker-pool example hashes every block once and returns all memory', async () => {
  const { stdout, stderr } = await run(process.execPath, [script]);
  const all = createHash('sha256');
  for (let number = 0; number < 400; number++) {
    all.update(
      createHash('sha256')
        .update(Buffer.alloc(65_536, number & 0xff))
        .digest(),
    );
  }
  assert.equal(stderr, '');
  assert.equal(stdout, `400 blocks, 0 missing, 0 bytes live\n${all.digest('hex')}\n`);
});
