import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digest, digestUnprivileged, finished, gnu, inFolder, returnedAll, start } from '../support/digest.js';
import { populate } from '../support/odd-tree.js';

/** Adds the odd tree, many small files, and some files that are larger than the small arenas. */
function populateWidely(folder: string): void {
  populate(folder);
  mkdirSync(join(folder, 'many'));
  for (let index = 0; index < 300; index++) writeFileSync(join(folder, 'many', `${index}`), 'x'.repeat(index * 7));
  for (const size of [65_536, 65_537, 3_000_000]) writeFileSync(join(folder, `${size}`), Buffer.alloc(size, `${size}`));
}

const nothingCopied = (threads: number): RegExp =>
  new RegExp(`^threads: ${threads}; 0 payload bytes copied after the read$`, 'm');

test('the output equals that of sha256sum, with any number of threads, arena and memory', async () => {
  await inFolder(async (folder) => {
    populateWidely(folder);
    const expected = gnu(folder, '.');
    for (const [threads, ...options] of [
      [1],
      [2],
      [4],
      [1, '--arena', 'buddy'],
      [2, '--arena', 'buddy'],
      [4, '--arena', 'buddy', '--files', '16'],
      [4, '--files', '1'],
      [1, '--slots', '1', '--slot-size', '64K'],
      [4, '--slots', '1', '--slot-size', '64K'],
      [2, '--slots', '2', '--slot-size', '5000', '--files', '9'],
      [2, '--arena', 'buddy', '--memory', '4096'],
      [4, '--arena', 'buddy', '--memory', '100K', '--slot-size', '7K', '--files', '16'],
    ] as const) {
      const args = ['--threads', `${threads}`, ...options, '.'];
      const { code, stdout, stderr } = await digest(args, folder);
      assert.equal(stdout, expected, args.join(' '));
      assert.equal(code, 0, stderr);
      assert.match(stderr, nothingCopied(threads));
      assert.ok(returnedAll(stderr), stderr);
    }
  });
});

test('an arena of one byte is enough', async () => {
  await inFolder(async (folder) => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), `content of ${name}`);
    for (const arena of ['fixed', 'buddy']) {
      const args = ['--threads', '2', '--arena', arena, '--memory', '1', '--files', '3', '.'];
      const { code, stdout, stderr } = await digest(args, folder);
      assert.deepEqual([code, stdout], [0, gnu(folder, '.')]);
      assert.ok(returnedAll(stderr), stderr);
    }
  });
});

test('there may be more threads than files, or no files at all', async () => {
  await inFolder(async (folder) => {
    for (const files of [0, 1]) {
      if (files === 1) writeFileSync(join(folder, 'only'), 'x');
      const { code, stdout, stderr } = await digest(['--threads', '6', folder]);
      assert.deepEqual([code, stdout], [0, gnu('.', folder)]);
      assert.match(stderr, nothingCopied(6));
      assert.ok(returnedAll(stderr), stderr);
    }
  });
});

test('--json reports the number of threads, zero copied bytes, and as many frees as allocations', async () => {
  await inFolder(async (folder) => {
    populateWidely(folder);
    const documents = [];
    for (const threads of [0, 3]) {
      const { stdout, stderr } = await digest(['--json', '--threads', `${threads}`, folder]);
      const document = JSON.parse(stdout);
      assert.deepEqual([document.summary.threads, document.summary.payloadBytesCopied], [threads, 0]);
      assert.equal(document.summary.arena.allocationsOk, document.summary.arena.frees);
      assert.deepEqual([document.summary.arena.bytesLive, document.summary.arena.waiting], [0, 0]);
      assert.equal(stderr, '');
      documents.push(document);
    }
    assert.deepEqual(documents[0].files, documents[1].files);
    assert.equal(documents[0].summary.bytes, documents[1].summary.bytes);
  });
});

test('without threads the summary does not mention them', async () => {
  const { stderr } = await digest(['/etc/passwd']);
  assert.doesNotMatch(stderr, /threads/);
});

test('files without read permission and files that cannot be read are reported, and the others continue', async () => {
  await inFolder(async (folder) => {
    for (const name of ['a', 'secret', 'z']) writeFileSync(join(folder, name), name);
    const expected = gnu(folder, 'a', 'z');
    chmodSync(join(folder, 'secret'), 0o000);
    const paths = ['a', 'secret', 'z'].map((name) => join(folder, name));
    const { code, stdout, stderr } = await digestUnprivileged(['--threads', '2', ...paths, '/proc/self/mem']);
    assert.equal(code, 1);
    assert.equal(stdout.replaceAll(`${folder}/`, ''), expected);
    assert.match(stderr, /^arena-alligator: .*\/secret: Permission denied$/m);
    assert.match(stderr, /^arena-alligator: \/proc\/self\/mem: /m);
    assert.match(stderr, /^2 files, 2 failed, /m);
    assert.ok(returnedAll(stderr), stderr);
  });
});

test('Ctrl-C stops the threads too, prints the digests that are done and gives all memory back', async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'a'), 'first');
    for (const name of ['b', 'c', 'd']) {
      writeFileSync(join(folder, name), '');
      truncateSync(join(folder, name), 64 * 1024 * 1024 * 1024);
    }
    for (const options of [[], ['--arena', 'buddy'], ['--slots', '1']]) {
      const child = start(['--threads', '2', ...options, folder]);
      const run = finished(child);
      await once(child.stdout, 'data');
      child.kill('SIGINT');
      const { code, signal, stderr } = await run;
      assert.deepEqual([code, signal], [null, 'SIGINT']);
      assert.match(stderr, /^1 file, .*\(interrupted\)$/m);
      assert.match(stderr, nothingCopied(2));
      assert.ok(returnedAll(stderr), stderr);
    }
  });
});
