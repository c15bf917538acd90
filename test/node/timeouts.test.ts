import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { devNull } from 'node:os';
import { PassThrough, Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import type { Bytes } from 'arena-alligator';
import { connectChunks, fromReadableStream, pipeBytes, readChunks, writeBytes } from 'arena-alligator/node';
import { assertAllReturned, assertAllReturnedSoon } from '../support/arenas.js';
import { asyncArena } from '../support/chunks.js';

const TIMED_OUT = { name: 'TimeoutError' };

for (const [name, source] of [
  ['a file', (): string => 'package.json'],
  ['a stream', (): Readable => Readable.from([Buffer.from('data')])],
] as const) {
  test(`reading ${name} waits for memory no longer than its timeout`, async () => {
    const arena = asyncArena(1, 64);
    const held = arena.allocate();
    const chunks = readChunks(arena, source(), { timeout: 20 });
    await assert.rejects(chunks.next(), TIMED_OUT);
    held.abandon();
    assertAllReturned(arena);
  });
}

test('a Web stream waits for memory no longer than its timeout', async () => {
  const arena = asyncArena(1, 64);
  const held = arena.allocate();
  const stream = new Blob(['data']).stream() as ReadableStream<Uint8Array>;
  await assert.rejects(fromReadableStream(arena, stream, { timeout: 20 }).next(), TIMED_OUT);
  held.abandon();
  assertAllReturned(arena);
});

test('a connection waits for memory no longer than its timeout', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined).write('data'));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const arena = asyncArena(1, 64);
  const held = arena.allocate();
  const { port } = server.address() as AddressInfo;
  const { chunks } = connectChunks(arena, { port, host: '127.0.0.1' }, { timeout: 20 });
  await assert.rejects(chunks.next(), TIMED_OUT);
  held.abandon();
  server.close();
  await assertAllReturnedSoon(arena);
});

test('a pipe whose stream does not finish with a chunk ends after its timeout, and the source is stopped', async () => {
  const arena = asyncArena(4, 64);
  let stopped = false;
  async function* source(): AsyncGenerator<Bytes> {
    try {
      for (;;) yield (await arena.allocateAsync()).putUtf8('data').freeze();
    } finally {
      stopped = true;
    }
  }
  const stuck = new Writable({ write: () => undefined, highWaterMark: 1 });
  await assert.rejects(pipeBytes(source(), stuck, { timeout: 20 }), TIMED_OUT);
  assert.equal(stuck.destroyed, true);
  assert.equal(stopped, true);
  await assertAllReturnedSoon(arena);
});

test('a pipe that is quick enough is not ended by its timeout', async () => {
  const arena = asyncArena(4, 64);
  const through = new PassThrough();
  through.resume();
  await pipeBytes([arena.allocate().putUtf8('data').freeze()], through, { timeout: 1 });
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertAllReturned(arena);
});

test('a bad timeout is refused at the call', async () => {
  const arena = asyncArena(1, 64);
  for (const timeout of [-1, 1.5, 2 ** 31, Number.NaN]) {
    assert.throws(() => readChunks(arena, 'package.json', { timeout }), RangeError);
    assert.throws(() => fromReadableStream(arena, new ReadableStream(), { timeout }), RangeError);
    assert.throws(() => connectChunks(arena, { port: 1 }, { timeout }), RangeError);
    await assert.rejects(pipeBytes([], new PassThrough(), { timeout }), RangeError);
  }
  assertAllReturned(arena);
});

test('a write that the stream does not finish ends after its timeout or with its signal, and the memory is back', async () => {
  const arena = asyncArena(1, 64);
  const stuck = (): Writable => new Writable({ write: () => undefined });
  const bytes = (): Bytes => arena.allocate().putUtf8('data').freeze();
  const slow = stuck();
  await assert.rejects(writeBytes(slow, bytes(), { timeout: 10 }), TIMED_OUT);
  assert.equal(slow.destroyed, true);
  assertAllReturned(arena);
  for (const reason of [new Error('stopped'), 'stopped']) {
    const stop = new AbortController();
    const writing = writeBytes(stuck(), bytes(), { signal: stop.signal });
    setImmediate(() => stop.abort(reason));
    await assert.rejects(writing, (error) => error === reason);
    assertAllReturned(arena);
    const late = bytes();
    await assert.rejects(writeBytes(stuck(), late, { signal: stop.signal }), (error) => error === reason);
    late.release();
  }
  const quick = new PassThrough();
  await writeBytes(quick.resume(), bytes(), { timeout: 10_000, signal: new AbortController().signal });
  assert.deepEqual([quick.destroyed, quick.listenerCount('error')], [false, 1]);
  assertAllReturned(arena);
});

test('a write takes no bad limits, and no limits for a file', async () => {
  const arena = asyncArena(1, 64);
  const bytes = arena.allocate().putUtf8('data').freeze();
  const stream = new PassThrough();
  for (const timeout of [-1, 0.5]) await assert.rejects(writeBytes(stream, bytes, { timeout }), RangeError);
  await assert.rejects(writeBytes(stream, bytes, null as unknown as number), TypeError);
  await assert.rejects(writeBytes(stream, bytes, { signal: {} as AbortSignal }), TypeError);
  await using file = await open(devNull, 'w');
  await assert.rejects(writeBytes(file, bytes, { timeout: 10 }), TypeError);
  await writeBytes(file, bytes, { position: 0 });
  assertAllReturned(arena);
});
