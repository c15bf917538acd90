import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { FixedArena } from 'arena-alligator';
import { readBody, readChunks, type StreamBuffers, splitLines } from 'arena-alligator/node';
import { assertAllReturned, assertAllReturnedSoon } from '../support/arenas.js';
import { asyncArena, pattern } from '../support/chunks.js';

/** A Buffer over all of an ArrayBuffer, as Node makes them for what it has read. */
function whole(content: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(content).buffer);
}

/** A stream that gives `buffers`, one by one. */
function streamOf(...buffers: Uint8Array[]): Readable {
  const left = [...buffers];
  return new Readable({
    objectMode: true, // so that Node joins none of them
    read() {
      this.push(left.shift() ?? null);
    },
  });
}

async function read(source: Readable, buffers: StreamBuffers, slots = 4, slotSize = 1024): Promise<Buffer> {
  const arena = asyncArena(slots, slotSize);
  const parts: Uint8Array[] = [];
  for await (using chunk of readChunks(arena, source, { buffers })) parts.push(chunk.toUint8Array());
  assertAllReturned(arena);
  return Buffer.concat(parts);
}

test('a Buffer is freed once it was copied, when that is asked for', async () => {
  const content = pattern(700);
  const [left, freed] = [whole(content), whole(content)];
  assert.deepEqual(await read(streamOf(left), 'leave'), Buffer.from(content));
  assert.deepEqual(await read(streamOf(freed), 'free'), Buffer.from(content));
  assert.deepEqual([left.length, freed.length], [700, 0]);
});

test('a Buffer that fills several chunks is freed after the last of them was copied', async () => {
  const content = pattern(2500);
  const buffer = whole(content);
  const arena = asyncArena(3, 1024);
  const chunks = readChunks(arena, streamOf(buffer), { buffers: 'free' });
  const lengths: number[] = [];
  for await (using chunk of chunks) {
    assert.ok(chunk.equals(content.subarray(lengths.length * 1024, lengths.length * 1024 + 1024)));
    lengths.push(buffer.length);
  }
  assert.deepEqual(lengths, [2500, 2500, 0]);
  assertAllReturned(arena);
});

test('a Buffer over a part of its memory is not freed', async () => {
  const memory = new Uint8Array(1000).fill(7);
  await read(streamOf(memory.subarray(0, 999), memory.subarray(999)), 'free');
  assert.equal(memory.length, 1000);
});

test('memory that cannot be freed stays as it is', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(100)).fill(1);
  const wasm = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1 }).buffer);
  assert.equal((await read(streamOf(shared, wasm), 'free', 4, 65_536)).length, 100 + 65_536);
  assert.deepEqual([shared.length, wasm.length], [100, 65_536]);
});

test('no Buffer is freed or emptied while the stream has a listener of its data', async () => {
  // Smaller data is copied where larger is adopted.
  for (const [buffers, length] of [
    ['free', 700],
    ['adopt', 100],
  ] as const) {
    const buffer = whole(pattern(length));
    const source = streamOf(buffer);
    const arena = asyncArena(2, 1024);
    const chunks = readChunks(arena, source, { buffers });
    const seen: Buffer[] = [];
    source.on('data', (data: Buffer) => seen.push(data));
    for await (using chunk of chunks) assert.equal(chunk.length, length);
    assert.deepEqual(seen, [Buffer.from(pattern(length))]);
    assertAllReturned(arena);
  }
});

test('an adopted Buffer is never freed: a write that was cancelled may still read it', async () => {
  const buffers = [whole(pattern(700)), whole(pattern(2048))];
  const arena = asyncArena(3, 1024);
  const lengths: number[] = [];
  for await (using chunk of readChunks(arena, streamOf(...buffers), { buffers: 'adopt' })) {
    assert.ok(buffers.some(({ buffer }) => buffer === chunk.view.buffer));
    lengths.push(chunk.length);
  }
  assert.deepEqual(lengths, [700, 1024, 1024]);
  assert.deepEqual(
    buffers.map(({ length }) => length),
    [700, 2048],
  );
  assertAllReturned(arena);
});

test('compact() of an adopted chunk gives the memory of the arena back', async () => {
  const arena = asyncArena(1, 1024);
  const chunks = readChunks(arena, streamOf(whole(pattern(700))), { buffers: 'adopt' });
  const { value: chunk } = await chunks.next();
  using compact = chunk?.compact();
  assert.equal(compact?.length, 700);
  assert.equal(arena.metrics().bytesLive, 0);
  await chunks.return();
  assertAllReturned(arena);
});

test('data that is too small to adopt is copied, and freed', async () => {
  const buffers = [whole(pattern(100)), whole(pattern(50))];
  assert.equal((await read(streamOf(...buffers), 'adopt')).length, 150);
  assert.deepEqual(
    buffers.map(({ length }) => length),
    [0, 0],
  );
});

test('a record of adopted pieces is copied when its reader waits for memory', async () => {
  const arena = asyncArena(2, 16);
  const parts = ['0123456789abcdef', '0123456789abcdef', '0123456789abcd\n'].map((text) => whole(Buffer.from(text)));
  const chunks = readChunks(arena, streamOf(...parts), { buffers: 'adopt', timeout: 5000 });
  const lengths: number[] = [];
  for await (const line of splitLines(chunks, { pieces: true })) {
    lengths.push(line.length);
    line.release();
  }
  assert.deepEqual(lengths, [46]);
  assertAllReturned(arena);
});

test('a whole body frees the Buffers of its source when that is asked for', async () => {
  const arena = asyncArena(4, 1024);
  for (const buffers of ['leave', 'free'] as const) {
    const parts = [whole(pattern(700)), whole(pattern(900))];
    using body = await readBody(arena, streamOf(...parts), { buffers });
    assert.equal(body.length, 1600);
    assert.deepEqual(
      parts.map(({ length }) => length),
      buffers === 'free' ? [0, 0] : [700, 900],
    );
  }
  async function* generated(part: Buffer): AsyncGenerator<Buffer> {
    yield part;
  }
  const [part, heard] = [whole(pattern(700)), whole(pattern(700))];
  (await readBody(arena, generated(part), { buffers: 'free' })).release();
  const emitter = Object.assign(generated(heard), { listenerCount: () => 1 }); // a stream of another library
  (await readBody(arena, emitter, { buffers: 'free' })).release();
  assert.deepEqual([part.length, heard.length], [0, 700]);
  assertAllReturned(arena);
});

test('freed memory is gone at once, without a collection', async () => {
  // Node 20 frees nothing within the two turns of its event loop after the first time.
  await read(streamOf(whole(pattern(10))), 'free');
  await new Promise((resolve) => setTimeout(resolve, 20));
  const arena = asyncArena(2, 1024 * 1024);
  let made = 0;
  const source = new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      this.push(made++ < 64 ? Buffer.from(new ArrayBuffer(1024 * 1024)) : null);
    },
  });
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for await (using chunk of readChunks(arena, source, { buffers: 'free' })) {
    assert.equal(chunk.length, 1024 * 1024);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  assert.ok(most < 8 * 1024 * 1024, `${most} bytes`);
  assertAllReturned(arena);
});

test('requests whose Buffers are freed or adopted arrive intact', async () => {
  const arena = FixedArena.withSlotCapacity(8, 64 * 1024).buildAsync();
  const body = Buffer.from(pattern(300_000));
  const digest = createHash('sha256').update(body).digest('hex');
  const server = createServer(async (incoming, response) => {
    const buffers = incoming.url === '/adopt' ? 'adopt' : 'free';
    const hash = createHash('sha256');
    for await (using chunk of readChunks(arena, incoming, { buffers })) hash.update(chunk.view);
    response.end(hash.digest('hex'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const post = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request({ port, path, host: '127.0.0.1', method: 'POST' }, (response) => {
        let text = '';
        response.on('data', (data: Buffer) => {
          text += data;
        });
        response.on('end', () => resolve(text));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => post(index % 2 ? '/adopt' : '/free')));
  assert.deepEqual(
    answers,
    answers.map(() => digest),
  );
  server.close();
  server.closeAllConnections();
  await assertAllReturnedSoon(arena);
});

test('what becomes of the Buffers must be a word that is known', async () => {
  const arena = asyncArena(1, 64);
  for (const buffers of [true, 'keep', 1]) {
    const options = { buffers: buffers as 'free' };
    assert.throws(() => readChunks(arena, Readable.from([]), options), {
      name: 'TypeError',
      message: /^buffers must be/,
    });
    await assert.rejects(readBody(arena, Readable.from([]), options), {
      name: 'TypeError',
      message: /^buffers must be/,
    });
  }
  await assert.rejects(readBody(arena, Readable.from([]), { buffers: 'adopt' as 'free' }), /'leave' or 'free'/);
  assertAllReturned(arena);
});
