import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { FixedArena, type SharedFixedArena } from 'arena-alligator';
import { readChunks } from 'arena-alligator/node';
import { hashFile } from '#internal/cli/hash-file';
import { HashPool } from '#internal/cli/hash-pool';
import { fromArgument } from '#internal/cli/raw-path';
import { inChunks, pattern } from '../support/chunks.js';
import { inFolder } from '../support/digest.js';

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

const nothing = (): void => undefined;

/** Runs `use` with a pool over 8 slots of 4096 bytes. Its workers run `script`, in which `channel` is their channel. */
async function inPool(threads: number, script: string | undefined, use: Use): Promise<void> {
  if (script === undefined) return withPool(threads, undefined, use);
  await inFolder(async (folder) => {
    const path = join(folder, 'worker.mjs');
    writeFileSync(
      path,
      `import { parentPort, workerData } from 'node:worker_threads';
      import { BytesChannel } from ${JSON.stringify(import.meta.resolve('arena-alligator'))};
      const channel = BytesChannel.attach(workerData);
      ${script}`,
    );
    await withPool(threads, pathToFileURL(path), use);
  });
}

type Use = (pool: HashPool, arena: SharedFixedArena, folder: string) => Promise<void>;

async function withPool(threads: number, script: URL | undefined, use: Use): Promise<void> {
  const arena = FixedArena.withSlotCapacity(8, 4096)
    .shared({ maxThreads: threads + 1 })
    .buildAsync();
  const pool = new HashPool(arena, threads, script);
  await inFolder((folder) => use(pool, arena, folder)).finally(() => pool.end());
  const { bytesLive, allocationsOk, frees } = arena.metrics();
  assert.deepEqual([bytesLive, frees], [0, allocationsOk]);
}

test('a file that fails in the middle does not affect the next file of the same thread', async () => {
  await inPool(1, undefined, async (pool, arena, folder) => {
    const path = join(folder, 'file');
    const content = pattern(100_000);
    writeFileSync(path, content);
    async function* broken(): ReturnType<typeof inChunks> {
      for await (const chunk of readChunks(arena, path)) {
        yield chunk;
        throw new Error('broken');
      }
      return undefined;
    }
    const failing = assert.rejects(pool.hash(broken(), 1, nothing), /broken/);
    const whole = pool.hash(readChunks(arena, path), content.length, nothing);
    const failingToo = assert.rejects(pool.hash(broken(), 1, nothing), /broken/);
    const empty = pool.hash(readChunks(arena, '/dev/null'), 0, nothing);
    assert.deepEqual(await whole, { sha256: sha256(content), bytes: content.length });
    assert.deepEqual(await empty, { sha256: sha256(''), bytes: 0 });
    await Promise.all([failing, failingToo]);
  });
});

test('a signal stops a file between chunks, and the files that wait behind it', async () => {
  await inPool(1, undefined, async (pool, arena, folder) => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    truncateSync(path, 10_000_000_000);
    const memory = { arena, description: '', chunkSize: 4096 };
    const stop = new AbortController();
    let sent = 0;
    const hash = (onBytes: (count: number) => void): ReturnType<typeof hashFile> =>
      hashFile(fromArgument(path), memory, stop.signal, onBytes, (...file) => pool.hash(...file));
    const first = hash((count) => {
      sent += count;
      if (sent > 100_000) stop.abort();
    });
    assert.deepEqual(await Promise.all([first, hash(() => assert.fail('the file that waits in line was read'))]), [
      undefined,
      undefined,
    ]);
  });
});

test('a thread that dies fails its files, its memory comes back, and the other threads continue', async () => {
  // The worker keeps its chunks, so that the reader waits for memory.
  const script = `
    const held = [];
    while (held.length < 5) {
      const chunk = channel.receiveBlocking();
      if (chunk.isEmpty) parentPort.postMessage({ sha256: 'small', bytes: 1, bytesCopied: 0 });
      else held.push(chunk);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    throw new Error('the worker broke');`;
  await inPool(2, script, async (pool, arena, folder) => {
    const large = join(folder, 'large');
    writeFileSync(large, Buffer.alloc(200_000));
    const results = await Promise.allSettled([
      pool.hash(readChunks(arena, large), 200_000, nothing),
      pool.hash(inChunks(arena, 'x', 1), 1, nothing),
      pool.hash(inChunks(arena, 'y', 1), 1, nothing),
    ]);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value.sha256 : result.reason.message)),
      ['the worker broke', 'small', 'small'],
    );
    assert.equal(
      (await pool.hash(inChunks(arena, 'z', 1), 1, nothing)).sha256,
      'small',
      'hashed by the thread that is left',
    );
    await assert.rejects(pool.hash(readChunks(arena, large), 200_000, nothing), /the worker broke/);
    await assert.rejects(pool.hash(inChunks(arena, 'z', 1), 1, nothing), /the worker broke/, 'no thread is left');
  });
});

test('a thread that exits without an error, before or during a file, fails its files', async () => {
  for (const script of ['process.exit(3);', 'channel.receiveBlocking(); process.exit(3);']) {
    await inPool(1, script, async (pool, arena) => {
      const files = ['a'.repeat(50), 'b'].map((text) => pool.hash(inChunks(arena, text, 1), text.length, nothing));
      for (const file of files) await assert.rejects(file, /A hashing thread ended with code 3/);
    });
  }
});

test('bytes that arrive outside the memory of the arena are counted', async () => {
  const script = `
    for (let chunk = channel.receiveBlocking(); chunk !== undefined; chunk = channel.receiveBlocking()) {
      if (chunk.isEmpty) parentPort.postMessage({ sha256: '', bytes: 0, bytesCopied: 7 });
      chunk.release();
    }`;
  await inPool(2, script, async (pool, arena) => {
    await Promise.all(['a', 'b', 'c'].map((text) => pool.hash(inChunks(arena, text, 1), 1, nothing)));
    assert.equal(pool.bytesCopied, 21);
  });
});
