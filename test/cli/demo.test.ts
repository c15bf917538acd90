import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const file = (name: string): string => fileURLToPath(new URL(`../../../dist/cli/${name}.js`, import.meta.url));

test('npm start without arguments is the demo: it prints both programs and the address of the page, until Ctrl-C', async () => {
  const child = spawn(process.execPath, [file('start')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const exited = once(child, 'exit');
  while (!/The memory, live: http/.test(output)) await new Promise((resolve) => setTimeout(resolve, 50));
  const [, url = ''] = /live: (http:\S+)/.exec(output) ?? [];
  const response = await fetch(url);
  assert.match(await response.text(), /<title>Arenas<\/title>/);
  child.kill('SIGINT');
  assert.deepEqual(await exited, [0, null]);
  await assert.rejects(fetch(url), 'both programs are gone');
  assert.match(
    output,
    /arena {3}plain Buffers\nmessages\/s +[\d,]+ +[\d,]+\ncollector, ms\/s +[\d.]+ +[\d.]+\nmemory \(RSS\), MB/,
  );
});

test('npm start with paths is the digest', () => {
  const { stdout, status } = spawnSync(process.execPath, [file('start'), file('start')], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.equal(stdout, spawnSync('sha256sum', [file('start')], { encoding: 'utf8' }).stdout);
});

test('demo ends by itself after --seconds, and refuses a bad port', () => {
  const { status, stdout } = spawnSync(process.execPath, [file('main'), 'demo', '--seconds', '1'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  assert.match(stdout, /^Starting two programs/);
  const bad = spawnSync(process.execPath, [file('main'), 'demo', '--port', '70000'], { encoding: 'utf8' });
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /Expected a port/);
});

test('bench prints a time for every operation', () => {
  const { status, stdout } = spawnSync(process.execPath, [file('main'), 'bench'], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.equal(stdout.match(/^ {2}\S+ +\d+\.\d$/gm)?.length, 14, stdout);
});
