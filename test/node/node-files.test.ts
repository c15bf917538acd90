import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import fs, { readdirSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { type ChunkArena, fromReadableStream, pipeBytes, readChunks } from 'arena-alligator/node';
import { Answers } from '#internal/streams/answers';
import { assertAllReturned } from '../support/arenas.js';
import { asyncArena, copies, joined, pattern } from '../support/chunks.js';
import { collectUntil } from '../support/collector.js';
import { inFolder } from '../support/digest.js';
import { Outcome, settled } from '../support/outcome.js';

const content = pattern(100_000);

/** Runs `use` with the path of a file that holds `content`. */
function withFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  return inFolder((folder) => {
    const path = join(folder, 'file');
    writeFileSync(path, content);
    return use(path);
  });
}

/** The number of descriptors that this process has open on `path`. */
function openOn(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // the descriptor of the listing itself
    }
  }).length;
}

test('a file arrives complete and in order, with any chunk size, read-ahead and arena', () =>
  withFile(async (path) => {
    const arenas: ChunkArena[] = [
      asyncArena(1, 4096),
      asyncArena(3, 10_000),
      asyncArena(2, 200_000),
      BuddyArena.builder(BuddyGeometry.exact(1 << 17, 1024)).buildAsync(),
      BuddyArena.builder(BuddyGeometry.nearest(1 << 16, 1000)).buildAsync(),
    ];
    for (const arena of arenas) {
      for (const readAhead of [0, 1, 5]) {
        for (const chunkSize of [undefined, 1000, 4096]) {
          const chunks = await copies(readChunks(arena, path, { readAhead, chunkSize }));
          assert.ok(Buffer.concat(chunks).equals(content));
          if (chunkSize !== undefined) {
            assert.ok(chunks.slice(0, -1).every(({ length }) => length === chunkSize));
          }
        }
      }
      assertAllReturned(arena);
    }
    assert.equal(openOn(path), 0);
  }));

test('start and end are the offsets of the first and the last byte, as in fs.createReadStream', () =>
  withFile(async (path) => {
    const arena = asyncArena(4, 4096);
    const ranges = [
      { start: 0, end: 0 },
      { start: 10, end: 19 },
      { start: 4095, end: 8192 },
      { start: 99_990 },
      { end: 5000 },
    ];
    for (const range of [...ranges, { start: 99_999, end: 200_000 }, { start: 100_000 }, { start: 2 ** 40 }]) {
      const { start = 0, end = content.length } = { end: content.length, ...range };
      const expected = content.subarray(start, end + 1);
      assert.ok((await joined(readChunks(arena, path, range))).equals(expected), JSON.stringify(range));
    }
    assertAllReturned(arena);
  }));

test('a path may be a string, a Buffer or a URL, and a FileHandle is read from its position and stays open', () =>
  withFile(async (path) => {
    const arena = asyncArena(4, 4096);
    for (const source of [path, Buffer.from(path), pathToFileURL(path)]) {
      assert.ok((await joined(readChunks(arena, source))).equals(content));
    }
    const file = await open(path);
    await file.read(Buffer.alloc(50_000));
    assert.ok((await joined(readChunks(arena, file))).equals(content.subarray(50_000)));
    assert.ok((await joined(readChunks(arena, file, { start: 99_000 }))).equals(content.subarray(99_000)));
    const { bytesRead } = await file.read(Buffer.alloc(10), 0, 10, 0);
    assert.equal(bytesRead, 10, 'the handle is still open');
    const again = await open(path);
    assert.ok((await joined(readChunks(arena, again, { end: 4999 }))).equals(content.subarray(0, 5000)));
    await again.close();
    await file.close();
    assertAllReturned(arena);
  }));

test('an empty file has no chunks, and a file that reports size 0 is read to its end', async () => {
  const arena = asyncArena(2, 4096);
  await inFolder(async (folder) => {
    const path = join(folder, 'empty');
    writeFileSync(path, '');
    assert.deepEqual(await copies(readChunks(arena, path)), []);
  });
  assert.match((await joined(readChunks(arena, '/proc/self/status'))).toString(), /^Name:.*\nPid:/ms);
  assertAllReturned(arena);
});

test('a pipe is read as its data arrives, to its end', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const arena = asyncArena(3, 4096);
    const reading = joined(readChunks(arena, path));
    const writer = await open(path, 'w');
    for (let at = 0; at < 20_000; at += 1500) {
      await writer.write(content.subarray(at, Math.min(at + 1500, 20_000)));
      await settled();
    }
    await writer.close();
    assert.ok((await reading).equals(content.subarray(0, 20_000)));
    const second = readChunks(arena, path, { start: 1 }).next();
    const other = await open(path, 'w');
    await assert.rejects(second, { code: 'ESPIPE' });
    await other.close();
    assertAllReturned(arena);
  }));

test('a consumer that holds its chunks stops the reading until it releases one', () =>
  withFile(async (path) => {
    const arena = asyncArena(3, 4096);
    const chunks = readChunks(arena, path, { readAhead: 8 });
    const held = [];
    for (let count = 0; count < 3; count++) held.push((await chunks.next()).value);
    const fourth = chunks.next();
    await settled();
    assert.equal(arena.metrics().waiting, 1);
    held.shift()?.release();
    held.push((await fourth).value);
    for (const bytes of held) bytes?.release();
    assert.ok((await joined(chunks)).equals(content.subarray(4 * 4096)));
    assertAllReturned(arena);
    assert.equal(openOn(path), 0);
  }));

test('reading ahead takes only free memory and never waits for it', () =>
  withFile(async (path) => {
    const arena = asyncArena(2, 4096);
    const other = arena.allocate();
    assert.ok((await joined(readChunks(arena, path, { readAhead: 10 }))).equals(content));
    assert.equal(arena.metrics().waitsServed, 0);
    other.abandon();
    assertAllReturned(arena);
  }));

test('break, throw, return() and dispose close the file and give back every slot, at the start or later', () =>
  withFile(async (path) => {
    const arena = asyncArena(4, 4096);
    for await (using chunk of readChunks(arena, path)) {
      assert.equal(chunk.length, 4096);
      break;
    }
    assertAllReturned(arena);
    await assert.rejects(async () => {
      for await (using _ of readChunks(arena, path)) throw new Error('consumer');
    }, /consumer/);
    assertAllReturned(arena);
    {
      await using chunks = readChunks(arena, path);
      (await chunks.next()).value?.release();
    }
    assertAllReturned(arena);
    const unread = readChunks(arena, path);
    assert.deepEqual(await unread.return(), { done: true, value: undefined });
    assert.deepEqual(await unread.next(), { done: true, value: undefined });
    const busy = readChunks(arena, path);
    const [asked, ...others] = [busy.next(), busy.next(), busy.return(), busy.next()];
    for (const result of await Promise.all([asked, ...others])) {
      assert.equal(result?.value, undefined, 'return() ends calls that wait for the file to open');
    }
    assert.equal(openOn(path), 0);
    assertAllReturned(arena);
  }));

test('several next() calls may be pending, and they are answered in order', () =>
  withFile(async (path) => {
    const arena = asyncArena(4, 4096);
    const chunks = readChunks(arena, path);
    const results = await Promise.all([chunks.next(), chunks.next(), chunks.next()]);
    const bytes = results.map(({ value }) => value);
    assert.ok(
      Buffer.concat(bytes.map((chunk) => chunk?.view ?? new Uint8Array())).equals(content.subarray(0, 3 * 4096)),
    );
    for (const chunk of bytes) chunk?.release();
    await chunks.return();
    assertAllReturned(arena);
  }));

test('an abort ends the reading with its reason, at the start, during a wait for memory and between chunks', () =>
  withFile(async (path) => {
    const arena = asyncArena(2, 4096);
    const reason = new Error('enough');
    await assert.rejects(readChunks(arena, path, { signal: AbortSignal.abort(reason) }).next(), reason);
    const stop = new AbortController();
    const waiting = readChunks(arena, path, { signal: stop.signal });
    const held = [await waiting.next(), await waiting.next()];
    const third = waiting.next();
    await settled();
    assert.equal(arena.metrics().waiting, 1);
    stop.abort(reason);
    await assert.rejects(third, reason);
    for (const { value } of held) value?.release();
    assertAllReturned(arena);
    assert.equal(openOn(path), 0);

    const between = new AbortController();
    const chunks = readChunks(arena, path, { signal: between.signal });
    (await chunks.next()).value?.release();
    between.abort(reason);
    while (openOn(path) > 0) await settled();
    assertAllReturned(arena);
    await assert.rejects(chunks.next(), reason);
    assert.equal((await chunks.next()).done, true);
  }));

test('closing the arena ends the reading with ARENA_CLOSED, and all memory comes back', () =>
  withFile(async (path) => {
    const arena = asyncArena(2, 4096);
    const chunks = readChunks(arena, path);
    (await chunks.next()).value?.release();
    arena.close();
    await assert.rejects(
      async () => {
        for await (using _ of chunks);
      },
      { code: 'ARENA_CLOSED' },
    );
    assertAllReturned(arena);
    assert.equal(openOn(path), 0);
  }));

test('errors of the system reach the consumer, and all memory comes back', () =>
  inFolder(async (folder) => {
    const arena = asyncArena(2, 4096);
    await assert.rejects(readChunks(arena, join(folder, 'missing')).next(), { code: 'ENOENT' });
    await assert.rejects(readChunks(arena, folder).next(), { code: 'EISDIR' });
    const path = join(folder, 'file');
    writeFileSync(path, 'abc');
    const file = await open(path);
    await file.close();
    await assert.rejects(readChunks(arena, file).next(), (error: NodeJS.ErrnoException) => error instanceof Error);
    assertAllReturned(arena);
  }));

test('errors that node:fs throws reach the consumer too, and a later return() answers', async () => {
  const arena = asyncArena(2, 4096);
  for (const source of ['nul\0', new URL('http://localhost/')]) {
    const chunks = readChunks(arena, source);
    await assert.rejects(chunks.next());
    assert.equal((await chunks.return()).done, true);
  }
  const far = readChunks(arena, 'package.json', { start: Number.MAX_SAFE_INTEGER - 1 });
  await far.next().catch(() => undefined);
  assert.equal((await far.return()).done, true);
  assertAllReturned(arena);
});

test('closing the FileHandle ends the reading, even if another file reuses the descriptor', () =>
  withFile(async (path) => {
    const arena = asyncArena(4, 4096);
    const file = await open(path);
    const chunks = readChunks(arena, file, { readAhead: 0 });
    (await chunks.next()).value?.release();
    await file.close();
    const other = await open('package.json');
    await assert.rejects(chunks.next(), { code: 'EBADF' });
    await other.close();
    assertAllReturned(arena);
  }));

test('a read under way keeps its memory until it is done, even after return()', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const arena = asyncArena(2, 4096);
    const chunks = readChunks(arena, path);
    const asked = chunks.next();
    const writer = await open(path, 'w');
    while (arena.metrics().bytesLive === 0) await settled();
    const returned = new Outcome(chunks.return());
    for (let turn = 0; turn < 5; turn++) await settled();
    assert.deepEqual([returned.state, arena.metrics().bytesLive], ['pending', 4096]);
    await writer.write('x');
    assert.deepEqual(await asked, { done: true, value: undefined });
    await writer.close();
    while (returned.state === 'pending') await settled();
    assertAllReturned(arena);
  }));

test('no more than readAhead chunks are read ahead, and a small file takes a small block', () =>
  withFile(async (path) => {
    const arena = asyncArena(32, 1000);
    for (const [readAhead, most] of [
      [0, 1],
      [1, 2],
      [6, 7],
    ] as const) {
      const chunks = readChunks(arena, path, { readAhead });
      const first = (await chunks.next()).value;
      for (let turn = 0; turn < 20; turn++) await settled();
      assert.ok(arena.metrics().bytesLive <= most * 1000, `${arena.metrics().bytesLive} for ${readAhead}`);
      assert.ok(arena.metrics().bytesLive > (most - 1) * 500);
      first?.release();
      await chunks.return();
    }
    const buddy = BuddyArena.builder(BuddyGeometry.exact(1 << 20, 1024)).buildAsync();
    const small = readChunks(buddy, 'biome.json', { readAhead: 0 });
    const { value } = await small.next();
    assert.ok(buddy.metrics().bytesLive <= 4096);
    value?.release();
    await small.return();
    for (const one of [arena, buddy]) assertAllReturned(one);
  }));

test('a file whose reads are short is read to its end', async () => {
  const arena = asyncArena(12, 65_536);
  const maps = (await joined(readChunks(arena, '/proc/self/smaps'))).toString();
  assert.ok(maps.length > 10_000);
  assert.match(maps, /VmFlags:[^\n]*\n$/);
  assertAllReturned(arena);
});

test('no listener stays on the signal, no matter how the reading ends', () =>
  withFile(async (path) => {
    const arena = asyncArena(4, 4096);
    const { signal } = new AbortController();
    const listening = (): number => getEventListeners(signal, 'abort').length;
    await joined(readChunks(arena, path, { signal }));
    const stopped = readChunks(arena, path, { signal });
    (await stopped.next()).value?.release();
    assert.equal(listening(), 1);
    await stopped.return();
    await assert.rejects(readChunks(arena, `${path}-missing`, { signal }).next());
    await joined(readChunks(arena, Readable.from([Buffer.from('x')], { objectMode: false }), { signal }));
    await joined(fromReadableStream(arena, new Blob(['x']).stream(), { signal }));
    const writable = new Writable({ write: (_chunk, _encoding, done) => done() });
    await pipeBytes(readChunks(arena, path), writable, { signal });
    assert.equal(listening(), 0);
    assertAllReturned(arena);
  }));

test('many readers share one small arena, and all of them finish', () =>
  withFile(async (path) => {
    for (const [slots, readers] of [
      [1, 8],
      [3, 20],
    ] as const) {
      const arena = asyncArena(slots, 4096);
      const all = await Promise.all(
        Array.from({ length: readers }, (_, index) => joined(readChunks(arena, path, { readAhead: index % 5 }))),
      );
      for (const one of all) assert.ok(one.equals(content));
      assertAllReturned(arena);
    }
  }));

test('chunks that were read ahead are given back when a caller waits for memory, even the consumer itself', () =>
  withFile(async (path) => {
    const arena = asyncArena(8, 4096);
    const parts: Buffer[] = [];
    for await (using chunk of readChunks(arena, path)) {
      using other = await arena.allocateAsync({ timeout: 5000 });
      parts.push(Buffer.from(other.putSlice(chunk.view).freeze().intoOwned().view));
    }
    assert.ok(Buffer.concat(parts).equals(content));
    assertAllReturned(arena);
  }));

test('files read in turns need one chunk of memory each, or one in total if the consumer holds none', () =>
  withFile(async (path) => {
    for (const [slots, files, holds] of [
      [16, 4, false],
      [2, 8, false],
      [1, 3, false],
      [8, 8, true],
      [2, 2, true],
    ] as const) {
      const arena = asyncArena(slots, 4096);
      const readers = Array.from({ length: files }, () => readChunks(arena, path));
      const parts = readers.map((): Buffer[] => []);
      for (let open = files; open > 0; ) {
        const held = [];
        for (const [index, reader] of readers.entries()) {
          const { done, value } = await reader.next();
          if (done) {
            open--;
            continue;
          }
          parts[index]?.push(Buffer.from(value.view));
          if (holds) held.push(value);
          else value.release();
        }
        for (const bytes of held) bytes.release();
      }
      for (const part of parts) assert.ok(Buffer.concat(part).equals(content));
      assertAllReturned(arena);
    }
  }));

test('a file that shrinks or grows during the reading is read to its new end', () =>
  withFile(async (path) => {
    const arena = asyncArena(3, 4096);
    const shrinking = readChunks(arena, path, { readAhead: 1 });
    (await shrinking.next()).value?.release();
    // Truncate in one step. Rewriting the file would make it empty for a moment, which the read-ahead could see.
    truncateSync(path, 10_000);
    const rest = await joined(shrinking);
    assert.ok(rest.length >= 10_000 - 4096 && rest.length < content.length);
    const growing = readChunks(arena, path, { readAhead: 0 });
    const first = (await growing.next()).value;
    writeFileSync(path, content.subarray(0, 50_000));
    const all = Buffer.concat([first?.view ?? new Uint8Array(), await joined(growing)]);
    assert.ok(all.equals(content.subarray(0, 50_000)));
    first?.release();
    assertAllReturned(arena);
  }));

test('bad arguments throw synchronously', () => {
  const arena = asyncArena(2, 4096);
  const plain = FixedArena.withSlotCapacity(1, 16).build();
  const path = 'package.json';
  const read = readChunks as (...args: unknown[]) => unknown;
  for (const wrong of [plain, undefined, {}]) assert.throws(() => read(wrong, path), TypeError);
  for (const source of [undefined, 1, {}, null]) assert.throws(() => read(arena, source), TypeError);
  for (const chunkSize of [0, 4097, 1.5, -1]) assert.throws(() => readChunks(arena, path, { chunkSize }), RangeError);
  for (const start of [-1, 0.5, Number.NaN]) assert.throws(() => readChunks(arena, path, { start }), RangeError);
  for (const readAhead of [-1, 0.5]) assert.throws(() => readChunks(arena, path, { readAhead }), RangeError);
  assert.throws(() => readChunks(arena, path, { start: 5, end: 4 }), RangeError);
  assert.throws(() => read(arena, path, { signal: {} }), TypeError);
});

test('closing the FileHandle during a wait for memory is an error, and the memory comes back', () =>
  withFile(async (path) => {
    const arena = asyncArena(1, 4096);
    const held = arena.allocate();
    const file = await open(path);
    const chunks = readChunks(arena, file);
    const next = assert.rejects(chunks.next(), { code: 'EBADF' });
    while (arena.metrics().waiting === 0) await settled();
    await file.close();
    held.abandon();
    await next;
    assertAllReturned(arena);
  }));

test('memory that is granted while the reading ends comes back', () =>
  withFile(async (path) => {
    const arena = asyncArena(1, 4096);
    const held = arena.allocate();
    const chunks = readChunks(arena, path);
    const next = chunks.next();
    while (arena.metrics().waiting === 0) await settled();
    held.abandon();
    const returned = chunks.return();
    assert.equal((await next).done, true);
    await returned;
    assertAllReturned(arena);
    assert.equal(openOn(path), 0);
  }));

test('nothing is read ahead while a caller waits for memory', () =>
  withFile(async (path) => {
    const arena = BuddyArena.builder(BuddyGeometry.exact(8 * 4096, 4096)).buildAsync();
    const held = arena.allocate(4096);
    const waiting = arena.allocateAsync(8 * 4096);
    const chunks = readChunks(arena, path, { chunkSize: 4096, readAhead: 2 });
    const first = await chunks.next();
    assert.equal(arena.metrics().bytesLive, 2 * 4096);
    for (let round = 0; round < 5; round++) await settled();
    assert.equal(arena.metrics().bytesLive, 2 * 4096);
    first.value?.release();
    await chunks.return();
    held.abandon();
    (await waiting).abandon();
    assertAllReturned(arena);
  }));

test('an arena does not keep an ended reader alive', () =>
  withFile(async (path) => {
    const arena = asyncArena(4, 4096);
    const gone = await (async () => {
      const chunks = readChunks(arena, path);
      await joined(chunks);
      return new WeakRef(chunks);
    })();
    assert.ok(await collectUntil(() => gone.deref() === undefined));
    assertAllReturned(arena);
  }));

test('an error of closing the file is reported, and so is an error of a later read, which loses no memory', () =>
  withFile(async (path) => {
    const { close, read } = fs;
    const arena = asyncArena(1, 4096);
    const failure = Object.assign(new Error('on purpose'), { code: 'EIO' });
    try {
      fs.close = ((file: number, done: (error: Error | null) => void) =>
        close(file, () => done(failure))) as typeof close;
      syncBuiltinESMExports();
      await assert.rejects(joined(readChunks(arena, path)), { code: 'EIO' });
      fs.close = close;
      let reads = 0;
      fs.read = ((
        ...[file, buffer, offset, length, at, done]: [
          number,
          Uint8Array,
          number,
          number,
          number | null,
          (error: Error | null, bytesRead: number) => void,
        ]
      ) => {
        if (reads++ === 0) read(file, buffer, offset, Math.min(length, 100), at, done);
        else setImmediate(done, failure, 0);
      }) as typeof read;
      syncBuiltinESMExports();
      await assert.rejects(joined(readChunks(arena, path, { readAhead: 0 })), { code: 'EIO' });
      assert.equal(reads, 2);
    } finally {
      Object.assign(fs, { close, read });
      syncBuiltinESMExports();
    }
    assertAllReturned(arena);
    assert.equal(openOn(path), 0);
  }));

test('only the first of several failures is reported, and only once', async () => {
  const answers = new Answers<number>();
  const asked = Promise.allSettled([answers.ask(), answers.ask()]);
  answers.fail('first');
  answers.fail('second');
  answers.end();
  assert.deepEqual(await asked, [
    { status: 'rejected', reason: 'first' },
    { status: 'fulfilled', value: { done: true, value: undefined } },
  ]);
});

test('end may be Infinity, and a device is read from its start, as in fs.createReadStream', async () => {
  const arena = asyncArena(4, 1024);
  const whole = await joined(readChunks(arena, 'package.json', { start: 3, end: Number.POSITIVE_INFINITY }));
  assert.ok(whole.equals(readFileSync('package.json').subarray(3)));
  const zeros = await joined(readChunks(arena, '/dev/zero', { start: 10, end: 2000 }));
  assert.deepEqual(zeros, Buffer.alloc(1991));
  assertAllReturned(arena);
});
