import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const folder = new URL('../../examples/', import.meta.url);

const outputs: Readonly<Record<string, string>> = {
  'buddy-buffer': '15 100000 12 524288\n12 1048576\n',
  'fixed-buffer': 'request payload\nrequest 4096\n0\n',
  frames: '82\n0n 0.00 hello\n1n 1.00 frames\n2n 1.41 ¡adiós!\ntrue\n',
  'from-raw': '8 true 1024\nthe last handle is gone: true\n',
  'lifo-waiters': 'late\nmiddle\nearly\n3 0\n',
  spill: 'false 16\ntrue 0\n1\n',
  webassembly: '[\n   0,  1,  4,  9,\n  16, 25, 36, 49\n]\n0\n',
};

test('every example has an expected output here', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.js'));
  assert.deepEqual(
    names.sort(),
    Object.keys(outputs)
      .map((name) => `${name}.js`)
      .sort(),
  );
});

for (const [name, expected] of Object.entries(outputs)) {
  test(`the example ${name} runs and prints the expected output`, async () => {
    const { stdout } = await run(process.execPath, [fileURLToPath(new URL(`${name}.js`, folder))]);
    assert.equal(stdout, expected);
  });
}
