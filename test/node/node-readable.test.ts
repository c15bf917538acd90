import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readChunks } from 'arena-alligator/node';
import { assertAllReturned } from '../support/arenas.js';
import { asyncArena, copies, joined, pattern } from '../support/chunks.js';
import { Outcome, settled } from '../support/outcome.js';

const content = pattern(50_000);

function* parts(size: number): Generator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

test('the data of a stream arrives in chunks, complete and in order', async () => {
  for (const size of [999, 4096, 50_000]) {
    const arena = asyncArena(3, 4096);
    for (const chunkSize of [undefined, 100]) {
      const source = Readable.from(parts(size), { objectMode: false });
      assert.ok((await joined(readChunks(arena, source, { chunkSize }))).equals(content));
      assert.equal(source.destroyed, true);
    }
    assertAllReturned(arena);
  }
});

test('data available at the same time shares a chunk, and an unfilled chunk does not wait for more', async () => {
  const arena = asyncArena(2, 4096);
  const source = new Readable({ read: () => undefined });
  source.push('ab');
  source.push('cd');
  const chunks = readChunks(arena, source);
  const { value } = await chunks.next();
  assert.equal(value?.toString(), 'abcd');
  value?.release();
  const next = new Outcome(chunks.next());
  await settled();
  assert.equal(next.state, 'pending');
  source.push('e');
  source.push(null);
  assert.deepEqual(await copies(chunks), []);
  await settled();
  assert.equal(next.value?.value?.toString(), 'e');
  next.value?.value?.release();
  assertAllReturned(arena);
});

test('the stream is read no faster than chunks are released', async () => {
  const arena = asyncArena(2, 1024);
  let given = 0;
  const source = new Readable({
    highWaterMark: 1024,
    read() {
      given += 1024;
      this.push(content.subarray(0, 1024));
    },
  });
  const chunks = readChunks(arena, source);
  const held = [(await chunks.next()).value, (await chunks.next()).value];
  const third = new Outcome(chunks.next());
  for (let turn = 0; turn < 20; turn++) await settled();
  assert.equal(third.state, 'pending');
  assert.ok(given <= 6 * 1024, `${given} bytes were asked of the source`);
  for (const chunk of held) chunk?.release();
  await settled();
  third.value?.value?.release();
  await chunks.return();
  assert.equal(source.destroyed, true);
  assertAllReturned(arena);
});

test('an error of the stream arrives after the data that came before it', async () => {
  const arena = asyncArena(2, 4096);
  async function* failing(): AsyncGenerator<string> {
    yield 'before';
    await settled();
    throw new Error('source');
  }
  const chunks = readChunks(arena, Readable.from(failing(), { objectMode: false }));
  const { value } = await chunks.next();
  assert.equal(value?.toString(), 'before');
  value?.release();
  await assert.rejects(chunks.next(), /source/);
  const destroyed = new Readable({ read: () => undefined });
  const cut = readChunks(arena, destroyed).next();
  await settled();
  destroyed.destroy();
  await assert.rejects(cut, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  assertAllReturned(arena);
});

test('break, abort and return() destroy the stream, even during a wait for data', async () => {
  const arena = asyncArena(2, 4096);
  const endless = (): Readable =>
    new Readable({
      read() {
        this.push(content.subarray(0, 100));
      },
    });
  const broken = endless();
  for await (using _ of readChunks(arena, broken)) break;
  assert.equal(broken.destroyed, true);
  const stop = new AbortController();
  const silent = new Readable({ read: () => undefined });
  const waiting = assert.rejects(readChunks(arena, silent, { signal: stop.signal }).next(), { name: 'AbortError' });
  await settled();
  stop.abort();
  await waiting;
  assert.equal(silent.destroyed, true);
  const quiet = new Readable({ read: () => undefined });
  const chunks = readChunks(arena, quiet);
  const asked = chunks.next();
  await settled();
  assert.deepEqual(await chunks.return(), { done: true, value: undefined });
  assert.deepEqual(await asked, { done: true, value: undefined });
  assert.equal(quiet.destroyed, true);
  const unread = new Readable({ read: () => undefined });
  await readChunks(arena, unread).return();
  assert.equal(unread.destroyed, true);
  assertAllReturned(arena);
});

test('streams of text or objects are refused, and so are offsets', async () => {
  const arena = asyncArena(2, 4096);
  await assert.rejects(readChunks(arena, Readable.from(['text'])).next(), TypeError);
  await assert.rejects(readChunks(arena, Readable.from([{}])).next(), TypeError);
  assert.throws(() => readChunks(arena, Readable.from([]), { start: 1 }), TypeError);
  assertAllReturned(arena);
});

test('a value that is not bytes ends the reading, the unfinished chunk comes back, and no listener stays', async () => {
  const arena = asyncArena(1, 64);
  const source = new Readable({ objectMode: true, read: () => undefined });
  source.push(new Uint8Array(5));
  source.push('text');
  await assert.rejects(joined(readChunks(arena, source)), TypeError);
  assert.equal(source.listenerCount('readable'), 0);
  assertAllReturned(arena);
});

test('an abort destroys the stream at once, even without a pending next(), and leaves no listener', async () => {
  const arena = asyncArena(2, 64);
  const stop = new AbortController();
  const source = new Readable({ read: () => undefined });
  source.on('error', () => undefined);
  source.push(new Uint8Array(64));
  const chunks = readChunks(arena, source, { signal: stop.signal });
  (await chunks.next()).value?.release();
  assert.equal(source.destroyed, false);
  stop.abort();
  assert.equal(source.destroyed, true);
  await assert.rejects(chunks.next(), { name: 'AbortError' });
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
  const { signal } = new AbortController();
  assert.equal((await joined(readChunks(arena, Readable.from([content]), { signal }))).length, content.length);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assertAllReturned(arena);
});

test('a signal that is aborted before the first read ends the reading', async () => {
  const arena = asyncArena(2, 64);
  const source = Readable.from([content]);
  const chunks = readChunks(arena, source, { signal: AbortSignal.abort(new Error('before')) });
  await assert.rejects(chunks.next(), { message: 'before' });
  assert.equal(source.destroyed, true);
  assertAllReturned(arena);
});

test('adopted data is not copied, counts against the arena, and comes back with its last handle', async () => {
  const arena = asyncArena(2, 1024);
  const source = new Readable({ read: () => undefined });
  const large = Buffer.from(pattern(1000));
  source.push(large);
  const chunks = readChunks(arena, source, { buffers: 'adopt' });
  const first = (await chunks.next()).value;
  assert.equal(first?.view.buffer, large.buffer);
  assert.equal(arena.metrics().bytesLive, 1024);
  const clone = first?.clone();
  first?.release();
  assert.equal(arena.metrics().bytesLive, 1024);
  clone?.release();
  source.push(Buffer.from('small'));
  const second = (await chunks.next()).value;
  assert.equal(second?.toString(), 'small');
  second?.release();
  source.push(Buffer.from(pattern(2500)));
  source.push(null);
  const rest: number[] = [];
  for await (using chunk of chunks) rest.push(chunk.length);
  assert.deepEqual(rest, [1024, 1024, 452]);
  assertAllReturned(arena);
});

test('adopted data waits for room in the arena, and the bytes are those of the stream', async () => {
  const arena = asyncArena(2, 4096);
  for (const size of [999, 4096, 50_000]) {
    const source = Readable.from(parts(size), { objectMode: false });
    assert.ok((await joined(readChunks(arena, source, { buffers: 'adopt' }))).equals(content));
  }
  const source = new Readable({ read: () => undefined });
  for (let index = 0; index < 3; index++) source.push(Buffer.alloc(4096, index));
  const chunks = readChunks(arena, source, { buffers: 'adopt', timeout: 20 });
  const held = [(await chunks.next()).value, (await chunks.next()).value];
  await assert.rejects(chunks.next(), { name: 'TimeoutError' });
  for (const chunk of held) chunk?.release();
  assert.throws(() => readChunks(arena, source, { buffers: 1 as unknown as 'free' }), TypeError);
  assertAllReturned(arena);
});

test('adopted data does not overtake data that was copied', async () => {
  const arena = asyncArena(4, 64);
  const source = new Readable({ objectMode: true, read: () => undefined });
  const chunks = readChunks(arena, source, { buffers: 'adopt' });
  const texts: string[] = [];
  for (const data of ['small', 'x'.repeat(60), 'end']) source.push(Buffer.from(data));
  source.push(null);
  for await (using chunk of chunks) texts.push(chunk.toString());
  assert.deepEqual(texts, ['small', 'x'.repeat(60), 'end']);
  assertAllReturned(arena);
});

test('memory that was just claimed when reading is stopped comes back', async () => {
  const arena = asyncArena(1, 64);
  const held = arena.allocate();
  const source = new Readable({ read: () => undefined });
  source.push('data');
  const chunks = readChunks(arena, source);
  const asked = chunks.next();
  held.abandon(); // the memory goes to the reader
  await chunks.return();
  assert.equal((await asked).done, true);
  await settled();
  assertAllReturned(arena);
});
