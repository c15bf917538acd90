import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeTrace } from '#internal/planner/trace-file';
import { inFolder } from '../support/digest.js';

const command = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

function run(
  args: readonly string[],
  input = '',
): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  return spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', input });
}

test('plan prints a table, and code that compiles to an arena for the sizes on the standard input', () => {
  const { stdout, status } = run(['plan', '-', '--live', '2'], '100\n100\n5000\n100\n');
  assert.equal(status, 0);
  assert.match(stdout, /^4 allocations, at most 5\.1 kB live at the same time\n/);
  assert.match(stdout, /new TieredArena\(\[\n {2}FixedArena\.withSlotCapacity\(2, 128\)\.build\(\),/);
  assert.match(stdout, /It needs \d+ % of the memory of the best single fixed arena/);
});

test('plan --json has every arena that was tried', () => {
  const { arenas, allocations, peakBytes } = JSON.parse(run(['plan', '-', '--json'], '100\n200\n').stdout) as {
    readonly allocations: number;
    readonly peakBytes: number;
    readonly arenas: readonly { readonly name: string; readonly failures: number }[];
  };
  assert.deepEqual([allocations, peakBytes], [2, 300]);
  assert.ok(arenas.length >= 3 && arenas.every(({ failures }) => failures === 0));
});

test('bad traces end with 1 and say what is wrong', () =>
  inFolder(async (folder) => {
    const cut = join(folder, 'cut.trace');
    writeFileSync(cut, 'ARENATR1\u0001');
    for (const [args, input, message] of [
      [['plan', cut], '', /it was cut off/],
      [['plan', '-'], 'abc\nx', /line 2: expected a size/],
      [['plan', '-'], '10737418240', /larger than any arena/],
      [['plan', join(folder, 'missing')], '', /ENOENT|no such file/i],
      [['plan', '-', '--live', '0'], '1', /positive integer/],
    ] as const) {
      const { status, stderr, stdout } = run(args, input);
      assert.equal(status, 1);
      assert.match(stderr, message);
      assert.equal(stdout, '');
    }
  }));

test('record writes what the Buffers of a program did, and passes its output and exit code on', () =>
  inFolder(async (folder) => {
    const program = join(folder, 'program.mjs');
    const output = join(folder, 'program.trace');
    writeFileSync(
      program,
      `const kept = [];
       for (let index = 0; index < 50; index++) {
         kept.push(Buffer.alloc(1111), Buffer.allocUnsafe(2222), Buffer.from('x'.repeat(3333)), Buffer.concat([Buffer.alloc(1111), Buffer.alloc(1111)]));
         Buffer.from(new ArrayBuffer(4444)); // shares its memory
       }
       const live = kept.splice(0, 20).length;
       await new Promise((resolve) => setTimeout(resolve, 400)); // the collector runs
       console.log(kept.length, live);
       process.exit(3);`,
    );
    const { status, stdout, stderr } = run(['record', '--output', output, '--', process.execPath, program]);
    assert.deepEqual([status, stdout], [3, '180 20\n']);
    assert.match(stderr, /wrote .*program\.trace/);
    const { sizes, steps } = decodeTrace(readFileSync(output));
    const count = (size: number): number => sizes.filter((one) => one === size).length;
    // The two parts of each concat are allocations of the program too.
    assert.deepEqual([1111, 2222, 3333, 4444].map(count), [150, 100, 50, 0]);
    assert.ok(
      steps.some((step) => step < 0),
      'releases were found',
    );
    assert.equal(run(['plan', output]).status, 0);
  }));

test('record leaves a program that stops gracefully the time that it takes, and its trace is whole', () =>
  inFolder(async (folder) => {
    const output = join(folder, 'graceful.trace');
    const program = join(folder, 'graceful.mjs');
    writeFileSync(
      program,
      `Buffer.alloc(777);
       const running = setInterval(() => undefined, 1000);
       process.once('SIGINT', () => setTimeout(() => { Buffer.alloc(888); clearInterval(running); console.log('done'); }, 200));
       console.log('running');`,
    );
    // A group of its own, as in a terminal: Ctrl-C goes to both.
    const child = spawn(process.execPath, [command, 'record', '-o', output, '--', process.execPath, program], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      text += data;
      if (data === 'running\n') process.kill(-(child.pid as number), 'SIGINT');
    });
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal(text, 'running\ndone\n');
    const { sizes } = decodeTrace(readFileSync(output));
    assert.ok(sizes.includes(777) && sizes.includes(888));
  }));

test('record of what is no program of Node says so', () =>
  inFolder(async (folder) => {
    const { status, stderr } = run(['record', '-o', join(folder, 'none.trace'), '--', 'true']);
    assert.equal(status, 1);
    assert.match(stderr, /true wrote no trace: is it a program of Node\?/);
  }));

test('record of a program that a signal ends writes a whole trace', () =>
  inFolder(async (folder) => {
    const output = join(folder, 'killed.trace');
    const code =
      'Buffer.alloc(777); setTimeout(() => process.kill(process.pid, "SIGTERM"), 100); setInterval(() => 0, 1000)';
    run(['record', '-o', output, '--', process.execPath, '-e', code]);
    assert.ok(decodeTrace(readFileSync(output)).sizes.includes(777));
  }));
