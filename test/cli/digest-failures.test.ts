import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { chunkMemory } from '#internal/cli/chunk-arena';
import { digest as runDigest } from '#internal/cli/digest';
import { hashFile } from '#internal/cli/hash-file';
import { Output } from '#internal/cli/output';
import { fromArgument } from '#internal/cli/raw-path';
import { checksumReport } from '#internal/cli/report';
import { digest, digestInto, digestUnprivileged, finished, inFolder, returnedAll, start } from '../support/digest.js';

test('a path that does not exist is reported, the others are hashed, and the exit code is 1', async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'there'), 'x');
    const { code, stdout, stderr } = await digest([join(folder, 'missing'), join(folder, 'there')]);
    assert.equal(code, 1);
    assert.match(stdout, /^[0-9a-f]{64} {2}.*\/there\n$/);
    assert.match(stderr, /^arena-alligator: .*\/missing: No such file or directory$/m);
    assert.match(stderr, /^1 file, 1 failed, /m);
    assert.ok(returnedAll(stderr));
  });
});

test('files and folders without read permission are reported, and the exit code is 1', async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'secret'), 'x');
    writeFileSync(join(folder, 'open'), 'x');
    mkdirSync(join(folder, 'locked'));
    writeFileSync(join(folder, 'locked/inner'), 'x');
    chmodSync(join(folder, 'secret'), 0o000);
    chmodSync(join(folder, 'locked'), 0o000);
    const { code, stdout, stderr } = await digestUnprivileged([folder]);
    chmodSync(join(folder, 'locked'), 0o755);
    assert.equal(code, 1);
    assert.equal(stdout.split('\n').length, 2);
    assert.match(stderr, /^arena-alligator: .*\/secret: Permission denied$/m);
    assert.match(stderr, /^arena-alligator: .*\/locked: Permission denied$/m);
    assert.match(stderr, /^1 file, 2 failed, /m);
    assert.ok(returnedAll(stderr));
  });
});

test('a file that vanishes after it was listed is reported, and the others continue', async () => {
  await inFolder(async (folder) => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), name);
    const told: string[] = [];
    const report = checksumReport((text) => told.push(text));
    const lines = new PassThrough();
    const summary = await runDigest(
      [fromArgument(folder)],
      { arena: 'fixed', memory: 8192, slotSize: 4096, files: 1, threads: 0 },
      {
        ...report,
        file(path, hashed) {
          if (path.endsWith('/a')) rmSync(join(folder, 'b'));
          return report.file(path, hashed);
        },
      },
      new Output(lines, assert.ifError),
      new AbortController().signal,
    );
    lines.end();
    assert.match(await text(lines), /^[0-9a-f]{64} {2}.*\/a\n[0-9a-f]{64} {2}.*\/c\n$/);
    assert.match(told.join(''), /^arena-alligator: .*\/b: No such file or directory\n2 files, 1 failed, /);
    assert.deepEqual([summary.files, summary.failures, summary.arena.bytesLive], [2, 1, 0]);
    assert.equal(summary.arena.frees, summary.arena.allocationsOk);
  });
});

test('Ctrl-C prints the digests that are done, gives all memory back and ends the command by the signal', async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'a'), 'first');
    writeFileSync(join(folder, 'b'), '');
    truncateSync(join(folder, 'b'), 64 * 1024 * 1024 * 1024);
    const child = start([folder]);
    const run = finished(child);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    const { code, signal, stderr } = await run;
    assert.deepEqual([code, signal], [null, 'SIGINT']);
    assert.match(stderr, /^1 file, .*\(interrupted\)$/m);
    assert.ok(returnedAll(stderr), stderr);
  });
});

test('when its reader goes away, the command ends quietly with exit code 141 and all memory back', async () => {
  await inFolder(async (folder) => {
    for (let index = 0; index < 3000; index++) writeFileSync(join(folder, `file-with-a-rather-long-name-${index}`), '');
    const child = start([folder]);
    child.stdout.once('data', () => child.stdout.destroy());
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 141, stderr);
    assert.doesNotMatch(stderr, /EPIPE|rror/);
    assert.ok(returnedAll(stderr), stderr);
  });
});

test('files that report no size are read to their end', async () => {
  const { code, stdout, stderr } = await digest(['--arena', 'buddy', '/proc/self/status', '/proc/cpuinfo']);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.split('\n').length, 3);
  assert.doesNotMatch(stdout, /e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/);
});

test('a file that can be opened but not read is reported', async () => {
  const { code, stdout, stderr } = await digest(['/proc/self/mem']);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^arena-alligator: \/proc\/self\/mem: Input\/output error$/m);
  assert.ok(returnedAll(stderr));
});

test('a pipe, a device or a link that took the place of a listed file is not hashed', async () => {
  await inFolder(async (folder) => {
    const stop = new AbortController();
    const memory = chunkMemory('fixed', 4096 * 2, 4096);
    const { arena } = memory;
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    symlinkSync('/etc/passwd', join(folder, 'link'));
    for (const [path, error] of [
      [join(folder, 'pipe'), /Not a regular file/],
      ['/dev/zero', /Not a regular file/],
      [join(folder, 'link'), { code: 'ELOOP' }],
    ] as const) {
      await assert.rejects(
        hashFile(fromArgument(path), memory, stop.signal, () => {}),
        error,
      );
    }
    assert.equal(arena.metrics().allocationsOk, arena.metrics().frees);
  });
});

test('hashing leaves no file open', { skip: !existsSync('/proc/self/fd') }, async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'small'), 'x');
    writeFileSync(join(folder, 'large'), Buffer.alloc(200_000));
    const memory = chunkMemory('fixed', 4096 * 2, 4096);
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 10; round++) {
      for (const name of ['small', 'large']) {
        await hashFile(fromArgument(join(folder, name)), memory, new AbortController().signal, () => {});
      }
    }
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});

test('a full disk is a write error with exit code 1', { skip: !existsSync('/dev/full') }, async () => {
  const { code, stderr } = await digestInto('/dev/full', ['/etc/passwd']);
  assert.equal(code, 1);
  assert.match(stderr, /^arena-alligator: write error: No space left on device$/m);
});

test('bad options are refused with exit code 1 and nothing on stdout', async () => {
  for (const args of [
    ['--slot-size', '0'],
    ['--slot-size', '12Q'],
    ['--slots', '0'],
    ['--slots', '1.5'],
    ['--arena', 'heap'],
    ['--memory', '0'],
    ['--memory', '16X'],
    ['--memory', '16M', '--slots', '2'],
    ['--files', '0'],
    ['--threads', '-1'],
    ['--threads', '1.5'],
    ['--threads', '1024'],
    ['--slots', '4', '--slot-size', '1048576G'],
    ['--nonsense'],
  ]) {
    const { code, stdout, stderr } = await digest([...args, '.']);
    assert.equal(code, 1, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /\S/);
  }
});
