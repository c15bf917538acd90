import assert from 'node:assert/strict';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { type AsyncBuddyArena, type AsyncFixedArena, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { BodyError, BytesList, readBody } from 'arena-alligator/node';
import fc from 'fast-check';
import { assertAllReturned, assertAllReturnedSoon } from '../support/arenas.js';
import { asyncArena, pattern } from '../support/chunks.js';

/** `content` in pieces of `size` bytes, each in a task of its own. */
async function* pieces(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) {
    await new Promise((resolve) => setImmediate(resolve));
    yield content.subarray(at, at + size);
  }
}

test('a body of known length lies in the arena, in as many slots as it needs', async () => {
  const arena = asyncArena(4, 64);
  const content = pattern(150);
  const body = await readBody(arena, pieces(content, 37), { length: 150 });
  assert.deepEqual([body.length, body.pieceCount, arena.metrics().bytesLive], [150, 3, 192]);
  assert.deepEqual(Buffer.from(body.toUint8Array()), content);
  body.release();
  assertAllReturned(arena);
});

test('a body of known length is one block of a buddy arena', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(1024, 16)).buildAsync();
  const content = pattern(300);
  const body = await readBody(arena, pieces(content, 100), { length: 300 });
  assert.deepEqual([body.pieceCount, Buffer.from(body.toUint8Array())], [1, content]);
  body.release();
  assertAllReturned(arena);
});

test('an empty body takes no memory', async () => {
  const arena = asyncArena(1, 64);
  const held = arena.allocate();
  for (const length of [0, undefined]) {
    const body = await readBody(arena, Readable.from([]), { length });
    assert.deepEqual([body.length, body.pieceCount], [0, 0]);
  }
  held.abandon();
  assertAllReturned(arena);
});

test('a length that was declared wrong takes less or more memory, and loses no byte', async () => {
  const arena = asyncArena(8, 16);
  const content = pattern(60);
  for (const length of [1, 17, 100]) {
    const body = await readBody(arena, pieces(content, 60), { length });
    assert.deepEqual(Buffer.from(body.toUint8Array()), content);
    body.release();
  }
  assertAllReturned(arena);
});

test('a body of known length reads nothing before there is memory for all of it', async () => {
  const arena = asyncArena(3, 64);
  const held = arena.allocate();
  const source = new PassThrough();
  source.write(pattern(192));
  const body = readBody(arena, source, { length: 192 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(source.readableLength, 192);
  held.abandon();
  source.end();
  (await body).release();
  assertAllReturned(arena);
});

test('a body that gathers its slots gives them to others that wait', async () => {
  const arena = asyncArena(3, 64);
  const held = arena.allocate();
  const body = readBody(arena, pieces(pattern(192), 64), { length: 192 });
  // It gathers the other two, and waits for the one that is held here.
  while (arena.metrics().bytesLive < 192) await new Promise((resolve) => setImmediate(resolve));
  const others = await Promise.all([arena.allocateAsync({ timeout: 2000 }), arena.allocateAsync({ timeout: 2000 })]);
  for (const other of others) other.abandon();
  held.abandon();
  (await body).release();
  assertAllReturned(arena);
});

test('a body of unknown length moves to the heap when the arena is full, or fails without spill', async () => {
  const arena = asyncArena(3, 64);
  const content = pattern(500);
  const body = await readBody(arena, pieces(content, 50));
  assert.equal(arena.metrics().bytesLive, 0);
  assert.deepEqual(Buffer.from(body.toUint8Array()), content);
  await assert.rejects(readBody(arena, pieces(content, 50), { spill: false }), { code: 'ARENA_FULL' });
  assertAllReturned(arena);
});

test('a body that is too long fails, known or not, and its source survives', async () => {
  const arena = asyncArena(8, 64);
  const source = new PassThrough();
  source.write(pattern(101));
  await assert.rejects(
    readBody(arena, source, { maxLength: 100 }),
    (error) => error instanceof BodyError && error.code === 'BODY_TOO_LARGE' && error.maxLength === 100,
  );
  await assert.rejects(readBody(arena, source, { maxLength: 100, length: 101 }), { code: 'BODY_TOO_LARGE' });
  await assert.rejects(readBody(arena, source, { length: 513 }), { code: 'REQUEST_TOO_LARGE' });
  assert.equal(source.destroyed, false);
  source.end(pattern(3));
  const rest = await readBody(arena, source);
  assert.equal(rest.length, 3);
  rest.release();
  assertAllReturned(arena);
});

test('the wait for memory ends with its timeout or signal, in turn or not, and all memory comes back', async () => {
  const arena = asyncArena(2, 64);
  const held = arena.allocate();
  const first = readBody(arena, pieces(pattern(128), 64), { length: 128, timeout: 60 });
  const second = readBody(arena, pieces(pattern(128), 64), { length: 128, timeout: 20 });
  const stop = new AbortController();
  const third = readBody(arena, pieces(pattern(128), 64), { length: 128, signal: stop.signal });
  setTimeout(() => stop.abort(new Error('stopped')), 5);
  await assert.rejects(third, /stopped/);
  await assert.rejects(second, { name: 'TimeoutError' });
  await assert.rejects(first, { name: 'TimeoutError' });
  held.abandon();
  (await readBody(arena, pieces(pattern(128), 64), { length: 128 })).release();
  assertAllReturned(arena);
});

test('a signal of AbortSignal.timeout() ends the wait for memory', async () => {
  const arena = asyncArena(3, 64);
  const held = arena.allocate();
  const body = readBody(arena, new PassThrough(), { length: 192, signal: AbortSignal.timeout(35) });
  await assert.rejects(body, { name: 'TimeoutError' });
  held.abandon();
  assertAllReturned(arena);
});

test('an abort while data is awaited destroys the stream and rejects with the reason', async () => {
  const arena = asyncArena(2, 64);
  const source = new PassThrough();
  source.write('begun');
  const stop = new AbortController();
  const body = readBody(arena, source, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error('stopped')), 5);
  await assert.rejects(body, /stopped/);
  assert.equal(source.destroyed, true);
  assertAllReturned(arena);
});

test('an abort rejects at once, though a source that is not a Readable never answers', async () => {
  const arena = asyncArena(2, 64);
  let isCancelled = false;
  const web = new ReadableStream<Uint8Array>({
    cancel() {
      isCancelled = true;
    },
  });
  async function* pending(): AsyncGenerator<Uint8Array> {
    yield pattern(10);
    await new Promise(() => undefined);
  }
  for (const source of [pending(), web]) {
    const stop = new AbortController();
    const body = readBody(arena, source, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('stopped')), 5);
    await assert.rejects(body, /stopped/);
  }
  assert.equal(isCancelled, true);
  assertAllReturned(arena);
});

test('an error of the source ends the wait for memory', async () => {
  const arena = asyncArena(2, 64);
  const held = arena.allocate();
  const source = new PassThrough();
  const bodies = [readBody(arena, source, { length: 128 }), readBody(arena, source, { length: 128 })];
  setTimeout(() => source.destroy(new Error('source')), 5);
  for (const body of bodies) await assert.rejects(body, /source/);
  assert.deepEqual([source.listenerCount('readable'), source.listenerCount('error')], [0, 0]);
  held.abandon();
  assertAllReturned(arena);
});

test('the timeout counts the wait for memory, not that for data', async () => {
  const arena = asyncArena(2, 64);
  for (const length of [128, undefined]) {
    const source = new PassThrough();
    source.write(pattern(100));
    const body = readBody(arena, source, { length, timeout: 10 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    source.end(pattern(28));
    const { length: whole } = await body;
    assert.equal(whole, 128);
    (await body).release();
  }
  assertAllReturned(arena);
});

test('a body of several slots is not starved by requests for one', async () => {
  const arena = asyncArena(4, 64);
  let isDone = false;
  const others = Array.from({ length: 20 }, async () => {
    while (!isDone) {
      const buffer = await arena.allocateAsync();
      await new Promise((resolve) => setTimeout(resolve, 1));
      buffer.abandon();
    }
  });
  const body = await readBody(arena, pieces(pattern(128), 64), { length: 128, timeout: 20_000 });
  body.release();
  isDone = true;
  await Promise.all(others);
  assertAllReturned(arena);
});

test('the content-length of a request counts, that of a response does not', async () => {
  const arena = asyncArena(2, 64);
  const headers = { 'content-length': '1000' };
  const maxLength = 100;
  const request = Object.assign(Readable.from([pattern(5)]), { headers, statusCode: null });
  await assert.rejects(readBody(arena, request, { maxLength }), { code: 'BODY_TOO_LARGE' });
  const response = Object.assign(Readable.from([pattern(5)]), { headers, statusCode: 200 });
  (await readBody(arena, response, { maxLength })).release();
  assertAllReturned(arena);
});

test('an error of the source rejects, and bad arguments do', async () => {
  const arena = asyncArena(2, 64);
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield pattern(100);
    throw new Error('source');
  }
  await assert.rejects(readBody(arena, failing()), /source/);
  async function* empty(): AsyncGenerator<Uint8Array> {
    yield null as unknown as Uint8Array;
  }
  await assert.rejects(readBody(arena, empty()), TypeError);
  await assert.rejects(readBody(arena, Readable.from(['text'])), TypeError);
  await assert.rejects(readBody(arena, 7 as unknown as Readable), TypeError);
  await assert.rejects(readBody(arena, failing(), { maxLength: -1 }), RangeError);
  await assert.rejects(readBody(arena, failing(), { length: 1.5 }), RangeError);
  arena.close();
  await assert.rejects(readBody(arena, failing(), { length: 128 }), { code: 'ARENA_CLOSED' });
  assertAllReturned(arena);
});

test('a server collects more uploads at once than its arena holds, and answers all of them', async () => {
  const arena = FixedArena.withSlotCapacity(16, 64 * 1024).buildAsync(); // 1 MiB
  const content = pattern(1_000_000);
  const answer = async (response: ServerResponse, body: Promise<BytesList>): Promise<void> => {
    try {
      using bytes = await body;
      await new Promise((resolve) => setTimeout(resolve, 5));
      response.end(Buffer.compare(content, bytes.toUint8Array()) === 0 ? 'whole' : 'damaged');
    } catch (error) {
      response.writeHead(413).end(String((error as BodyError).code));
    }
  };
  const server = createServer((incoming, response) => void answer(response, readBody(arena, incoming)));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  const upload = (bytes: Uint8Array, chunked: boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = chunked ? {} : { 'content-length': bytes.length };
      const sent = request({ port, method: 'POST', headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve(text));
      });
      sent.on('error', reject);
      sent.end(bytes);
    });
  const answers = await Promise.all([0, 1, 2, 3, 4, 5].map((index) => upload(content, index % 2 === 1)));
  assert.deepEqual(new Set(answers), new Set(['whole']));
  assert.equal(await upload(pattern(1_048_577), false), 'BODY_TOO_LARGE');
  server.close();
  await assertAllReturnedSoon(arena);
});

interface Upload {
  readonly length: number;
  readonly isDeclared: boolean;
  readonly pieceSize: number;
}

const uploads = fc.array(
  fc.record({ length: fc.nat(600), isDeclared: fc.boolean(), pieceSize: fc.integer({ min: 1, max: 200 }) }),
  { minLength: 1, maxLength: 12 },
);

async function collect(
  arena: AsyncFixedArena | AsyncBuddyArena,
  { length, isDeclared, pieceSize }: Upload,
): Promise<void> {
  const content = pattern(length);
  const options = isDeclared ? { length } : {};
  const body = await readBody(arena, pieces(content, pieceSize), { ...options, timeout: 20_000 });
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(body instanceof BytesList);
  assert.deepEqual(Buffer.from(body.toUint8Array()), content);
  body.release();
}

for (const [kind, build] of [
  ['fixed', (slots: number): AsyncFixedArena => asyncArena(slots, 64)],
  ['buddy', (slots: number): AsyncBuddyArena => BuddyArena.builder(BuddyGeometry.nearest(slots * 64, 16)).buildAsync()],
  [
    'shared',
    (slots: number): AsyncFixedArena => FixedArena.withSlotCapacity(slots, 64).shared({ maxThreads: 2 }).buildAsync(),
  ],
] as const) {
  test(`any number of bodies of any size in a small ${kind} arena never stop each other`, () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), uploads, async (slots, all) => {
        const arena = build(slots);
        const outcomes = await Promise.allSettled(all.map((upload) => collect(arena, upload)));
        outcomes.forEach((outcome, index) => {
          const { length, isDeclared } = all[index] as Upload;
          const isTooLarge = isDeclared && length > arena.metrics().bytesReserved;
          if (outcome.status === 'rejected') {
            assert.ok(isTooLarge, String(outcome.reason));
            assert.equal(outcome.reason.code, 'REQUEST_TOO_LARGE');
          } else assert.ok(!isTooLarge);
        });
        assertAllReturned(arena);
      }),
      { numRuns: 60 },
    ));
}
