import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { Bytes } from 'arena-alligator';
import { BytesList, fromReadableStream, toReadableStream } from 'arena-alligator/streams';
import { assertAllReturned, frozen } from '../support/arenas.js';
import { asyncArena, inChunks, joined, pattern } from '../support/chunks.js';
import { settled } from '../support/outcome.js';

test('a stream gives the bytes of the chunks and releases the chunks one after the other', async () => {
  const arena = asyncArena(2, 8);
  const text = 'some text that takes several chunks';
  assert.equal(await new Response(toReadableStream(inChunks(arena, text, 8))).text(), text);
  assertAllReturned(arena);
});

test('a BYOB reader gets the bytes in its own buffer, as many at a time as fit', async () => {
  const arena = asyncArena(4, 16);
  async function* source(): AsyncGenerator<Bytes | BytesList> {
    yield frozen(arena, 'abcdefgh');
    yield new BytesList([frozen(arena, 'ij'), frozen(arena, 'kl')]);
  }
  const reader = toReadableStream(source()).getReader({ mode: 'byob' });
  let view = new Uint8Array(3);
  const got: string[] = [];
  for (;;) {
    const { done, value } = await reader.read(view);
    if (done) break;
    got.push(Buffer.from(value).toString());
    view = new Uint8Array(value.buffer);
  }
  assert.deepEqual(got, ['abc', 'def', 'gh', 'ijk', 'l']);
  assertAllReturned(arena);
});

test('nothing is read before the reader asks for it', async () => {
  const arena = asyncArena(4, 8);
  const stream = toReadableStream(inChunks(arena, 'abcdefghijklmnop', 8));
  await settled();
  assert.equal(arena.metrics().allocationsOk, 0);
  const reader = stream.getReader();
  await reader.read();
  await settled();
  assert.equal(arena.metrics().allocationsOk, 1);
  await reader.cancel();
  assertAllReturned(arena);
});

test('cancelling stops the source and releases the rest, and an error of the source errors the stream', async () => {
  const arena = asyncArena(4, 8);
  let stopped = false;
  async function* source(): AsyncGenerator<Bytes> {
    try {
      yield* inChunks(arena, 'abcdefghijklmnop', 8);
    } finally {
      stopped = true;
    }
  }
  const reader = toReadableStream(source()).getReader({ mode: 'byob' });
  await reader.read(new Uint8Array(3));
  await reader.cancel();
  assert.equal(stopped, true);
  assertAllReturned(arena);
  async function* failing(): AsyncGenerator<Bytes> {
    yield frozen(arena, 'a');
    throw new Error('source');
  }
  await assert.rejects(new Response(toReadableStream(failing())).text(), /source/);
  assertAllReturned(arena);
});

test('the chunks of a Web stream arrive complete and in order', async () => {
  const content = pattern(10_000);
  for (const chunkSize of [undefined, 7, 1000]) {
    const arena = asyncArena(2, 1024);
    const stream = new Blob([new Uint8Array(content)]).stream();
    assert.ok((await joined(fromReadableStream(arena, stream, { chunkSize }))).equals(content));
    assert.equal(stream.locked, false);
    assertAllReturned(arena);
  }
});

test('a round trip through a Web stream keeps the bytes', async () => {
  const arena = asyncArena(4, 64);
  const text = 'round trip '.repeat(100);
  const stream = toReadableStream(inChunks(arena, text, 64));
  assert.equal((await joined(fromReadableStream(arena, stream))).toString(), text);
  assertAllReturned(arena);
});

test('break, an abort during a wait for data, and return() before the first chunk cancel the stream', async () => {
  const arena = asyncArena(2, 8);
  const cancelled: string[] = [];
  const endless = (name: string, give: boolean): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull: (controller) => (give ? controller.enqueue(Uint8Array.of(1, 2, 3)) : new Promise(() => undefined)),
      cancel: () => void cancelled.push(name),
    });
  for await (using _ of fromReadableStream(arena, endless('break', true))) break;
  const stop = new AbortController();
  const waiting = fromReadableStream(arena, endless('abort', false), { signal: stop.signal }).next();
  await settled();
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await fromReadableStream(arena, endless('return', false)).return();
  assert.deepEqual(cancelled, ['break', 'abort', 'return']);
  assertAllReturned(arena);
});

test('a stream of text is refused, and so is an argument that is not a stream', async () => {
  const arena = asyncArena(2, 8);
  const text = new ReadableStream({ pull: (controller) => controller.enqueue('text') });
  await assert.rejects(fromReadableStream(arena, text).next(), TypeError);
  assert.throws(() => fromReadableStream(arena, {} as ReadableStream<Uint8Array>), TypeError);
  assert.throws(() => fromReadableStream(arena, undefined as unknown as ReadableStream<Uint8Array>), TypeError);
  assertAllReturned(arena);
});

test('a fully read chunk is released like the others', async () => {
  const arena = asyncArena(2, 64);
  async function* source(): AsyncGenerator<Bytes> {
    const read = arena.allocate().putU8(1).freeze();
    read.getU8();
    yield read;
    yield arena.allocate().putU8(2).freeze();
  }
  assert.deepEqual([...(await joined(fromReadableStream(asyncArena(1, 64), toReadableStream(source()))))], [2]);
  assertAllReturned(arena);
});

test('a source that gives anything but bytes is stopped', async () => {
  let isLeft = false;
  async function* source(): AsyncGenerator<Bytes> {
    try {
      yield 'text' as never;
    } finally {
      isLeft = true;
    }
  }
  await assert.rejects(toReadableStream(source()).getReader().read(), TypeError);
  assert.equal(isLeft, true);
});

function ready(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(text));
      controller.close();
    },
  });
}

test('memory that was just claimed when reading is stopped comes back, whenever that is', async () => {
  const arena = asyncArena(4, 64);
  for (let turn = 0; turn < 30; turn++) {
    const chunks = fromReadableStream(arena, ready('data'));
    const next = chunks.next();
    for (let tick = 0; tick < turn; tick++) await undefined;
    await chunks.return();
    (await next).value?.release();
    assertAllReturned(arena);
  }
});

test('a signal that is aborted before the first read ends the reading, and one that is not keeps no listener', async () => {
  const arena = asyncArena(4, 64);
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    cancel() {
      isCancelled = true;
    },
  });
  const reason = new Error('stopped');
  const chunks = fromReadableStream(arena, stream, { signal: AbortSignal.abort(reason) });
  await assert.rejects(chunks.next(), (error) => error === reason);
  assert.equal(isCancelled, true);
  const { signal } = new AbortController();
  for await (using _ of fromReadableStream(arena, ready('data'), { signal }));
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assertAllReturned(arena);
});
