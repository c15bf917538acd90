import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import type { Bytes } from 'arena-alligator';
import { connectChunks, fromReadableStream, pipeBytes, readChunks } from 'arena-alligator/node';
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
