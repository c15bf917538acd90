import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import type { Bytes } from 'arena-alligator';
import { BytesList, pipeBytes, readChunks, splitLines } from 'arena-alligator/node';
import { assertAllReturned, assertAllReturnedSoon, frozen } from '../support/arenas.js';
import { asyncArena, inChunks, pattern } from '../support/chunks.js';
import { inFolder } from '../support/digest.js';
import { Outcome, settled } from '../support/outcome.js';

const content = pattern(200_000);

/** A stream that keeps copies of its chunks, and finishes a write when `release` is called. */
class SlowWritable extends Writable {
  readonly got: Buffer[] = [];
  private callback: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.got.push(Buffer.from(chunk));
    this.callback = callback;
  }

  release(): void {
    const { callback } = this;
    this.callback = undefined;
    callback?.();
  }
}

test('a file is copied through the arena, and the stream is ended', () =>
  inFolder(async (folder) => {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    writeFileSync(from, content);
    for (const slots of [1, 2, 8]) {
      const arena = asyncArena(slots, 8192);
      const file = createWriteStream(to);
      await pipeBytes(readChunks(arena, from), file);
      assert.ok(readFileSync(to).equals(content));
      assert.equal(file.writableFinished, true);
      assertAllReturned(arena);
    }
  }));

test('a source may be an array or a generator, may contain lists, and end: false keeps the stream open', async () => {
  const arena = asyncArena(8, 16);
  const got: string[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      got.push(String(chunk));
      done();
    },
  });
  await pipeBytes([frozen(arena, 'a'), new BytesList([frozen(arena, 'b'), frozen(arena, 'c')])], writable, {
    end: false,
  });
  await pipeBytes(inChunks(arena, 'defg', 2), writable, { end: false });
  assert.deepEqual(got, ['a', 'b', 'c', 'de', 'fg']);
  assert.equal(writable.writableEnded, false);
  await pipeBytes([], writable);
  assert.equal(writable.writableFinished, true);
  assertAllReturned(arena);
});

test('a slow stream holds the source back, and no chunk is taken until drain', async () => {
  const arena = asyncArena(64, 1024);
  const slow = new SlowWritable({ highWaterMark: 4096 });
  let given = 0;
  async function* endless(): AsyncGenerator<Bytes> {
    for (; given < 50; given++) yield (await arena.allocateAsync()).putBytes(given, 1024).freeze();
  }
  const piped = pipeBytes(endless(), slow);
  for (let turn = 0; turn < 20; turn++) await settled();
  assert.ok(given >= 3 && given <= 5, `${given} chunks`);
  while (!slow.writableFinished) {
    slow.release();
    await settled();
    assert.ok(arena.metrics().bytesLive <= 6 * 1024);
  }
  await piped;
  assert.equal(slow.got.length, 50);
  assertAllReturned(arena);
});

test('when the stream fails, the source is stopped and all memory comes back', async () => {
  const arena = asyncArena(4, 1024);
  let stopped = false;
  async function* source(): AsyncGenerator<Bytes> {
    try {
      for (;;) yield (await arena.allocateAsync()).putBytes(1, 1024).freeze();
    } finally {
      stopped = true;
    }
  }
  let writes = 0;
  const failing = new Writable({
    write: (_chunk, _encoding, done) => setImmediate(() => done(++writes === 3 ? new Error('full') : null)),
  });
  await assert.rejects(pipeBytes(source(), failing), /full/);
  assert.equal(stopped, true);
  assert.equal(failing.destroyed, true);
  assertAllReturned(arena);
  await assert.rejects(pipeBytes(source(), failing), /full/);
  assertAllReturned(arena);
});

test('when the source fails, the stream is destroyed with the error of the source', async () => {
  const arena = asyncArena(4, 1024);
  async function* source(): AsyncGenerator<Bytes> {
    yield (await arena.allocateAsync()).putU8(1).freeze();
    throw new Error('source');
  }
  const writable = new SlowWritable();
  await assert.rejects(pipeBytes(source(), writable), /source/);
  assert.equal(writable.destroyed, true);
  assert.match(String(writable.errored), /source/);
  assertAllReturned(arena);
  const target = new SlowWritable();
  await assert.rejects(pipeBytes(['text' as unknown as Bytes], target), TypeError);
});

test('destroying the stream while next() is pending ends the pipe at once, and a late chunk is released', async () => {
  const arena = asyncArena(2, 16);
  let give: () => void = () => undefined;
  async function* quiet(): AsyncGenerator<Bytes> {
    await new Promise<void>((resolve) => {
      give = resolve;
    });
    yield (await arena.allocateAsync()).putU8(1).freeze();
  }
  const writable = new SlowWritable();
  const piped = assert.rejects(pipeBytes(quiet(), writable), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  await settled();
  writable.destroy();
  await piped;
  give();
  await settled();
  await assertAllReturnedSoon(arena);
});

test('an abort ends the pipe with its reason: early, while the source waits, while the stream is full', async () => {
  const reason = new Error('enough');
  await inFolder(async (folder) => {
    const path = join(folder, 'file');
    writeFileSync(path, content);
    for (const [slots, highWaterMark] of [
      [2, 1_000_000],
      [8, 1024],
    ] as const) {
      const arena = asyncArena(slots, 8192);
      const stop = new AbortController();
      const writable = new SlowWritable({ highWaterMark });
      const piped = new Outcome(pipeBytes(readChunks(arena, path), writable, { signal: stop.signal }));
      while (writable.got.length === 0) await settled();
      for (let turn = 0; turn < 5; turn++) await settled();
      assert.equal(piped.state, 'pending');
      stop.abort(reason);
      while (piped.state === 'pending') await settled();
      assert.equal(piped.error, reason);
      assert.equal(writable.destroyed, true);
      await assertAllReturnedSoon(arena);
    }
    const arena = asyncArena(2, 8192);
    const early = pipeBytes(readChunks(arena, path), new SlowWritable(), { signal: AbortSignal.abort(reason) });
    await assert.rejects(early, reason);
    await assertAllReturnedSoon(arena);
  });
});

test('with end: false too, the promise waits until everything was written', async () => {
  const arena = asyncArena(2, 16);
  const slow = new SlowWritable();
  const piped = new Outcome(pipeBytes([frozen(arena, 'a')], slow, { end: false }));
  for (let turn = 0; turn < 5; turn++) await settled();
  assert.equal(piped.state, 'pending');
  slow.release();
  await settled();
  assert.equal(piped.state, 'resolved');
  assertAllReturned(arena);
});

test('the pipe ends when other code ends a full stream, because no drain will come', async () => {
  const arena = asyncArena(4, 1024);
  async function* endless(): AsyncGenerator<Bytes> {
    for (;;) yield (await arena.allocateAsync()).putBytes(1, 1024).freeze();
  }
  const slow = new SlowWritable({ highWaterMark: 1 });
  const piped = assert.rejects(pipeBytes(endless(), slow), { code: /ERR_STREAM/ });
  await settled();
  slow.end();
  slow.release();
  await piped;
  await assertAllReturnedSoon(arena);
});

test('the pipe rejects with the first failure, even if stopping the source fails too', async () => {
  const arena = asyncArena(2, 16);
  const source: AsyncIterable<Bytes> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false as const, value: (await arena.allocateAsync()).putU8(1).freeze() }),
      return: () => {
        throw new Error('return');
      },
    }),
  };
  const failing = new Writable({ write: (_chunk, _encoding, done) => done(new Error('first')) });
  await assert.rejects(pipeBytes(source, failing), /first/);
  await assertAllReturnedSoon(arena);
});

test('a chunk that was released, an answer that is none and a late chunk that is none fail the pipe, and never hang it', async () => {
  const arena = asyncArena(1, 8);
  const target = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
  const released = arena.allocate().putU8(1).freeze();
  released.release();
  await assert.rejects(pipeBytes([released], target(), { timeout: 1000 }), { name: 'ReleasedError' });
  const source = (answer: unknown): AsyncIterable<Bytes> => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(answer as IteratorResult<Bytes>) }),
  });
  await assert.rejects(pipeBytes(source(undefined), target()), TypeError);
  let answer: (result: unknown) => void = () => undefined;
  const stop = new AbortController();
  const late: AsyncIterable<Bytes> = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((resolve) => {
          answer = resolve as typeof answer;
        }),
    }),
  };
  const piping = pipeBytes(late, target(), { signal: stop.signal });
  await settled();
  stop.abort(new Error('stopped'));
  await assert.rejects(piping, /stopped/);
  answer({ done: false, value: 'no bytes' });
  await settled();
  assertAllReturned(arena);
});

test('bad arguments are refused', async () => {
  const pipe = pipeBytes as (...args: unknown[]) => Promise<void>;
  await assert.rejects(pipe([], undefined), TypeError);
  await assert.rejects(pipe(undefined, new SlowWritable()), TypeError);
  await assert.rejects(pipe(5, new SlowWritable()), TypeError);
  await assert.rejects(pipe([], new SlowWritable(), { signal: 'no' }), TypeError);
  const slow = new SlowWritable();
  const closing = once(slow, 'close');
  slow.destroy();
  await closing;
  await assert.rejects(pipeBytes([], slow), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
});

test('a pipe leaves no listener on its signal or on the stream', async () => {
  const arena = asyncArena(1, 16);
  const { signal } = new AbortController();
  const writable = new Writable({ write: (_chunk, _encoding, done) => done() });
  const listeners = (): number[] => [
    getEventListeners(signal, 'abort').length,
    ...['close', 'drain', 'error', 'finish'].map((event) => writable.listenerCount(event)),
  ];
  const counts: number[][] = [];
  for (let round = 0; round < 3; round++) {
    await pipeBytes([frozen(arena, 'x')], writable, { end: false, signal });
    await settled();
    counts.push(listeners());
  }
  assert.equal(counts[0]?.[0], 0);
  assert.deepEqual(counts[2], counts[0]);
  assertAllReturned(arena);
});

test('chunks that are there at the same time go out as one vectored write', async () => {
  const arena = asyncArena(8, 64);
  const batches: string[][] = [];
  const target = new Writable({
    writev(chunks, written) {
      batches.push(chunks.map(({ chunk }) => String(chunk)));
      setImmediate(written);
    },
    write(chunk, _encoding, written) {
      batches.push([String(chunk)]);
      setImmediate(written);
    },
  });
  const text = arena.allocate().putUtf8('a\nb\nc\n').freeze();
  await pipeBytes(splitLines([text]), target);
  assert.deepEqual(batches, [['a', 'b', 'c']]);
  assertAllReturned(arena);
});
