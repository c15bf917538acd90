import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FixedArena } from 'arena-alligator';
import { assertAllReleased, failLeakyTests, UnreleasedError } from 'arena-alligator/testing';
import { environment } from '#internal/base/environment';
import { frozen } from '../support/arenas.js';
import { FakeClock } from '../support/clock.js';
import { collectUntil } from '../support/collector.js';

const folder = fileURLToPath(new URL('../../leaky-tests', import.meta.url));

/** Runs tests with the hooks in a separate process. Returns the names of the failed tests, and all output. */
async function failuresOf(name: string, tests: string): Promise<{ failed: string[]; output: string }> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.test.mjs`);
  writeFileSync(
    file,
    `import { afterEach, beforeEach, describe, test } from 'node:test';
     import { FixedArena } from 'arena-alligator';
     import { failLeakyTests } from 'arena-alligator/testing';
     ${tests}`,
  );
  const output = await new Promise<string>((resolve) => {
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    execFile(
      process.execPath,
      ['--expose-gc', '--test', '--test-reporter=tap', file],
      { env },
      (_error, stdout, stderr) => {
        resolve(stdout + stderr);
      },
    );
  });
  const failed = Array.from(output.matchAll(/^ *not ok \d+ - (.*)$/gm), ([, title = '']) => title);
  return { failed: failed.filter((title) => !title.includes('.test.mjs')), output };
}

test('assertAllReleased passes when everything was released, and otherwise says where memory was allocated', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).leakDetection('full').build();
  assertAllReleased(arena);
  const bytes = frozen(arena, 'open');
  const buffer = arena.allocate();
  assert.throws(
    () => assertAllReleased(arena),
    (error: UnreleasedError) => {
      assert.ok(error instanceof UnreleasedError);
      assert.equal(error.code, 'UNRELEASED');
      assert.match(error.message, /allocations that were not released: 2/);
      assert.match(
        error.message,
        /1 of 16 bytes, allocated\n.*support\/arenas[\s\S]*1 of 16 bytes, allocated\n.*testing\.test/,
      );
      return true;
    },
  );
  bytes.release();
  buffer.abandon();
  assertAllReleased(arena);
});

test('assertAllReleased also finds open memory without leak detection, but cannot say where it was allocated', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const bytes = frozen(arena, 'open');
  assert.throws(() => assertAllReleased(arena), /not released: 1\n.*leakDetection/);
  bytes.release();
  assertAllReleased(arena);
});

test('assertAllReleased does not count memory that the collector found forgotten as released', async () => {
  const { warn } = environment;
  environment.warn = () => undefined;
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  (() => {
    arena.allocate();
    frozen(arena, 'lent').view.at(0);
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed + arena.metrics().leaksPinned === 2));
  environment.warn = warn;
  assert.throws(
    () => assertAllReleased(arena),
    /^UnreleasedError: allocations that were forgotten, and found by the collector: 2$/,
  );
});

test('the hooks fail the tests that leak or misuse memory, and no others', async () => {
  const { failed, output } = await failuresOf(
    'leaks',
    `failLeakyTests({ beforeEach, afterEach }, { patience: 50 });
     const arena = FixedArena.withSlotCapacity(16, 16).guarded().build();
     const fixture = arena.allocate().putUtf8('fixture').freeze();
     const kept = [];
     test('clean', () => arena.allocate().putU8(1).freeze().release());
     test('leaks one', () => { kept.push(arena.allocate()); });
     test('uses the fixture', () => { fixture.clone().release(); });
     test('leaks in a second arena', () => {
       kept.push(FixedArena.withSlotCapacity(1, 16).leakDetection('full').build().allocate());
     });
     test('is released a little later', () => {
       const late = arena.allocate();
       setTimeout(() => late.abandon(), 10);
     });
     test('forgets one, and the collector finds it', async () => {
       (() => { arena.allocate(); })();
       for (let round = 0; round < 10; round++) { gc(); await new Promise((resolve) => setTimeout(resolve, 2)); }
     });
     test('releases twice', () => {
       const bytes = arena.allocate().putU8(1).freeze();
       bytes.release();
       bytes.release();
     });
     test('does not watch plain arenas', () => { kept.push(FixedArena.withSlotCapacity(1, 16).build().allocate()); });
     test('passes although the collector runs after earlier leaks', async () => {
       for (let round = 0; round < 10; round++) { gc(); await new Promise((resolve) => setTimeout(resolve, 2)); }
     });
     test('leaks before a clean subtest', async (context) => {
       kept.push(arena.allocate());
       await context.test('the clean subtest', () => arena.allocate().abandon());
     });
     test('releases twice in an arena that it forgets', async () => {
       (() => {
         const bytes = FixedArena.withSlotCapacity(1, 16).guarded().build().allocate().putU8(1).freeze();
         bytes.release();
         bytes.release();
       })();
       for (let round = 0; round < 10; round++) { gc(); await new Promise((resolve) => setTimeout(resolve, 2)); }
     });
     test('leaks while the timers are mocked', (context) => {
       context.mock.timers.enable({ apis: ['setTimeout'] });
       kept.push(arena.allocate());
     });
     describe('in a suite', () => {
       test('leaks too', () => { kept.push(arena.allocate()); });
       test('is clean', () => { arena.allocate().abandon(); });
     });`,
  );
  assert.deepEqual(
    failed.filter((title) => title !== 'in a suite'),
    [
      'leaks one',
      'leaks in a second arena',
      'forgets one, and the collector finds it',
      'releases twice',
      'leaks before a clean subtest',
      'releases twice in an arena that it forgets',
      'leaks while the timers are mocked',
      'leaks too',
    ],
    output,
  );
  assert.match(output, /not released: 1[\s\S]*1 of 16 bytes, allocated/);
  assert.match(output, /found by the collector: 1[\s\S]*1 of 16 bytes, allocated/);
  assert.match(output, /leaks\.test\.mjs/);
});

test('a value that is not an arena, or an invalid patience, is refused', () => {
  for (const arena of [{}, undefined, FixedArena.withSlotCapacity(1, 16).buildUnfaulted()]) {
    assert.throws(() => assertAllReleased(arena as never), TypeError);
  }
  const runner = { beforeEach: () => assert.fail('registered'), afterEach: () => assert.fail('registered') };
  for (const patience of ['soon', -1, Number.POSITIVE_INFINITY, 1.5]) {
    assert.throws(() => failLeakyTests(runner, { patience: patience as number }), /patience/);
  }
});

/** Returns the hooks, so that a test can call them itself. */
function hooks(): { before: () => void; after: () => Promise<void> } {
  let before = (): void => assert.fail('beforeEach was not called');
  let after = (): Promise<void> => assert.fail('afterEach was not called');
  failLeakyTests(
    {
      beforeEach: (hook) => {
        before = hook;
      },
      afterEach: (hook) => {
        after = hook;
      },
    },
    { patience: 0 },
  );
  return { before, after };
}

test('the hooks find memory that was allocated at the very moment the test began', async () => {
  using _clock = new FakeClock();
  const { before, after } = hooks();
  const arena = FixedArena.withSlotCapacity(1, 16).leakDetection('full').build();
  before();
  const buffer = arena.allocate();
  await assert.rejects(after(), UnreleasedError);
  buffer.abandon();
});

test('the hooks report an allocation that was forgotten with a lent view as forgotten, not as open', async () => {
  const { before, after } = hooks();
  const arena = FixedArena.withSlotCapacity(1, 16)
    .leakDetection('full')
    .onLeak(() => undefined)
    .build();
  before();
  (() => void frozen(arena, 'lost').view)();
  assert.ok(await collectUntil(() => arena.metrics().leaksPinned === 1));
  await assert.rejects(after(), {
    name: 'UnreleasedError',
    message: /^allocations that were forgotten, [^:]*: 1\n1 of 16 bytes(?![\s\S]*not released)/,
  });
});

test('the hooks fit any runner that has beforeEach and afterEach', async () => {
  const { before, after } = hooks();
  const arena = FixedArena.withSlotCapacity(1, 16).guarded().build();
  before();
  const buffer = arena.allocate();
  await assert.rejects(after(), UnreleasedError);
  before();
  await after(); // a leak of an earlier test does not fail this one
  buffer.abandon();
  assertAllReleased(arena);
});
