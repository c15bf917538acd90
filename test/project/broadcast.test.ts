import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../examples/broadcast/run.js', import.meta.url));

test('the broadcast example: readers get all messages, a slow client misses some, all memory returns', async () => {
  const { stdout, stderr } = await run(process.execPath, [script]);
  assert.equal(stderr, '');
  const [messages, readers, slow = '', ...rest] = stdout.split('\n');
  assert.deepEqual([messages, readers], ['1000 messages in 17 slots', 'the readers got 1000, 1000, 1000']);
  const received = Number(/^the slow client got (\d+)$/.exec(slow)?.[1]);
  assert.ok(received > 0 && received < 1000, slow);
  assert.deepEqual(rest, ['0 bytes live', '']);
});
