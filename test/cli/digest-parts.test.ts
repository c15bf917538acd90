import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { chunkMemory } from '#internal/cli/chunk-arena';
import { hashFile } from '#internal/cli/hash-file';
import { Output } from '#internal/cli/output';
import { fromArgument, joined } from '#internal/cli/raw-path';
import { formatBytes, parseSize } from '#internal/cli/size';
import { describeError } from '#internal/cli/system-error';
import { inFolder } from '../support/digest.js';

test('parseSize reads units as powers of 1024 and refuses anything else', () => {
  assert.equal(parseSize('4096'), 4096);
  assert.equal(parseSize('64K'), 65536);
  assert.equal(parseSize('64KiB'), 65536);
  assert.equal(parseSize('2m'), 2 * 2 ** 20);
  assert.equal(parseSize(' 1G '), 2 ** 30);
  for (const bad of ['', '0', '-1', '1.5', 'K', '1T', '1e3', '99999999999999999999'])
    assert.equal(parseSize(bad), undefined);
});

test('formatBytes uses decimal units', () => {
  assert.deepEqual([0, 999, 1000, 1_234_567, 2e12].map(formatBytes), ['0 B', '999 B', '1.0 kB', '1.2 MB', '2.0 TB']);
  assert.equal(formatBytes(5e15), '5000.0 TB');
});

test('paths are joined as find joins them', () => {
  assert.equal(joined(fromArgument('a'), 'b'), 'a/b');
  assert.equal(joined(fromArgument('a/'), 'b'), 'a/b');
  assert.equal(joined(fromArgument('a//'), 'b'), 'a//b');
});

test('system errors are described in the words of GNU tools, other errors by their message', () => {
  assert.equal(describeError(Object.assign(new Error('x'), { errno: -13, code: 'EACCES' })), 'Permission denied');
  assert.equal(describeError(Object.assign(new Error('x'), { errno: -9999, code: 'EODD' })), 'EODD');
  assert.equal(describeError(new Error('plain')), 'plain');
  assert.equal(describeError('thrown'), 'thrown');
});

test('a consumer that throws in the middle of a file loses no memory', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'file');
    writeFileSync(path, Buffer.alloc(10_000));
    for (const kind of ['fixed', 'buddy'] as const) {
      for (const chunks of [1, 4]) {
        const memory = chunkMemory(kind, 4096 * chunks, 4096);
        const { arena } = memory;
        let calls = 0;
        const failing = hashFile(fromArgument(path), memory, new AbortController().signal, () => {
          if (++calls === 2) throw new Error('consumer');
        });
        await assert.rejects(failing, /consumer/);
        assert.equal(arena.metrics().bytesLive, 0);
        assert.equal(arena.metrics().frees, arena.metrics().allocationsOk);
      }
    }
  });
});

test('an abort stops the hashing between chunks and loses no memory', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'file');
    writeFileSync(path, Buffer.alloc(100_000));
    const memory = chunkMemory('fixed', 4096 * 4, 4096);
    const { arena } = memory;
    const stop = new AbortController();
    const result = await hashFile(fromArgument(path), memory, stop.signal, () => stop.abort());
    assert.equal(result, undefined);
    assert.equal(arena.metrics().bytesLive, 0);
  });
});

test('hashing a file waits until the arena has room for a chunk, or until it is aborted', async () => {
  await inFolder(async (folder) => {
    for (const size of [1, 100_000]) {
      const path = join(folder, `${size}`);
      writeFileSync(path, Buffer.alloc(size));
      const memory = chunkMemory('fixed', 4096, 4096);
      const held = memory.arena.allocate(1);
      const hashing = hashFile(fromArgument(path), memory, new AbortController().signal, () => {});
      const stop = new AbortController();
      const stopped = hashFile(fromArgument(path), memory, stop.signal, () => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.equal(memory.arena.metrics().waiting, 2);
      stop.abort();
      assert.equal(await stopped, undefined);
      held.abandon();
      assert.equal((await hashing)?.bytes, size);
      assert.equal(memory.arena.metrics().bytesLive, 0);
    }
  });
});

test('an arena takes no more than the given memory, and a chunk always fits', () => {
  for (const kind of ['fixed', 'buddy'] as const) {
    for (const [memory, chunk] of [
      [1, 1],
      [100, 7],
      [4096, 65_536],
      [5000, 4096],
      [1_000_000, 4096],
    ] as const) {
      const { arena, chunkSize } = chunkMemory(kind, memory, chunk);
      assert.ok(arena.metrics().bytesReserved <= memory);
      assert.ok(chunkSize <= chunk);
      arena.allocate(chunkSize).abandon();
    }
  }
});

test('writing waits for a slow reader, and stops waiting when the reader goes away', async () => {
  const stuck: (() => void)[] = [];
  const failures: string[] = [];
  const stream = new Writable({
    highWaterMark: 4,
    write(_chunk, _encoding, done) {
      stuck.push(done);
    },
  });
  const output = new Output(stream, (error) => failures.push(error.message));
  let written = false;
  const writing = output.write('much').then(() => {
    written = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(written, false);
  stuck.pop()?.();
  await writing;
  const waiting = output.write('more');
  stream.destroy(new Error('gone'));
  await waiting;
  await output.write('nothing');
  await output.flushed();
  assert.deepEqual(failures, ['gone']);
});
