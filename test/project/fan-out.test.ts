import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../examples/fan-out/run.js', import.meta.url));

test('the fan-out example: active readers lose nothing, the arena relay stays within its budget, the plain relay grows', async () => {
  const [messages, size] = [1200, 16_384];
  const options = ['--subscribers', '12', '--stalled', '3', '--messages', `${messages}`, '--size', `${size}`, '--json'];
  const { stdout } = await run(process.execPath, [script, ...options]);
  const { arena, plain } = JSON.parse(stdout);
  assert.deepEqual([arena.lost, plain.lost], [0, 0]);
  assert.ok(arena.skipped > 0 && arena.skipped <= 3 * messages, 'only stalled subscribers are skipped');
  assert.equal(plain.skipped, 0);
  const budget = arena.arenaBytes;
  assert.ok(arena.arenaBytesLive <= budget);
  // Node's own read and write buffers come on top of the arenas. They do not grow with the number of messages.
  assert.ok(arena.peakExternal - arena.externalAtStart < 4e6, `${arena.peakExternal} bytes of external memory`);
  assert.ok(plain.peakExternal - plain.externalAtStart > 0.7 * messages * size, `${plain.peakExternal} bytes`);
});
