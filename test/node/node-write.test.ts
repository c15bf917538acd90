import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer as createHttpServer, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer as collect } from 'node:stream/consumers';
import { test } from 'node:test';
import { createGzip, gunzipSync } from 'node:zlib';
import { Bytes, FixedArena, SlotSpec } from 'arena-alligator';
import { BytesList, writeBytes } from 'arena-alligator/node';
import { assertAllReturned, frozen } from '../support/arenas.js';
import { pattern } from '../support/chunks.js';
import { inFolder } from '../support/digest.js';
import { Outcome, settled } from '../support/outcome.js';
import { uncaughtDuring } from '../support/uncaught.js';

const LARGE = 24 * 1024 * 1024; // more than the kernel takes at once

/** Runs `use` with a socket and its peer, which reads nothing until it is resumed. */
async function withPair(use: (writer: Socket, reader: Socket) => Promise<void>): Promise<void> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  const accepted = once(server, 'connection');
  await once(server, 'listening');
  const writer = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [reader] = (await accepted) as [Socket];
  reader.on('error', () => undefined);
  try {
    await use(writer, reader);
  } finally {
    writer.destroy();
    reader.destroy();
    server.close();
    await once(server, 'close');
  }
}

test('memory comes back only when a slow reader has taken the bytes, and can be reused then', () =>
  withPair(async (writer, reader) => {
    const arena = FixedArena.withSlotCapacity(1, LARGE).build();
    const content = pattern(LARGE);
    const written = new Outcome(writeBytes(writer, arena.allocate().putSlice(content).freeze()));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(written.state, 'pending');
    assert.equal(arena.tryAllocate(), undefined, 'the socket still holds the memory');
    const received = collect(reader);
    reader.resume();
    while (written.state === 'pending') await settled();
    assert.equal(written.state, 'resolved');
    arena.allocate().putBytes(0xee, LARGE).abandon(); // overwrites the same memory
    writer.end();
    assert.ok((await received).equals(content));
    assertAllReturned(arena);
  }));

test('the reason for the wait: data written into the memory before the callback reaches a slow reader', () =>
  withPair(async (writer, reader) => {
    const arena = FixedArena.withSlotCapacity(1, LARGE).hazmatRawAccess().build();
    const region = arena.rawAllocate();
    region.bytes.fill(0x11);
    const memory = region.bytes;
    const written = writeBytes(writer, region.freeze(0, LARGE));
    await new Promise((resolve) => setTimeout(resolve, 50));
    memory.fill(0xee);
    const received = collect(reader);
    reader.resume();
    await written;
    writer.end();
    const bytes = await received;
    assert.equal(bytes[0], 0x11, 'the kernel had already taken the first byte');
    assert.equal(bytes[LARGE - 1], 0xee, 'the kernel had not taken the last byte');
    assertAllReturned(arena);
  }));

test('a destroyed socket gives the memory back, even if its callback never comes', () =>
  withPair(async (writer) => {
    const arena = FixedArena.withSlotCapacity(4, LARGE).build();
    const writes = Array.from({ length: 3 }, () => writeBytes(writer, arena.allocate().putBytes(1, LARGE).freeze()));
    const rejected = Promise.all(writes.map((write) => assert.rejects(write)));
    await settled();
    writer.destroy();
    await rejected;
    assertAllReturned(arena);
    await assert.rejects(writeBytes(writer, arena.allocate().putU8(1).freeze()), {
      code: /^(ERR_STREAM_PREMATURE_CLOSE|ECANCELED)$/, // the code in Node 20, and the one in Node 24
    });
    assertAllReturned(arena);
  }));

test('a Writable that never calls back gives the memory back when it is destroyed and closes', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const silent = new Writable({ write: () => undefined });
  const writes = ['a', 'b'].map((text) => assert.rejects(writeBytes(silent, frozen(arena, text)), /closed|destroyed/));
  await settled();
  assert.equal(arena.metrics().bytesLive, 32);
  silent.destroy();
  await Promise.all(writes);
  assertAllReturned(arena);
});

test('a failed write rejects with the error of the stream, and the stream needs no error listener', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const broken = new Writable({
    write: (_chunk, _encoding, done) => setImmediate(() => done(new Error('disk full'))),
  });
  const writes = ['a', 'b', 'c'].map((text) => writeBytes(broken, frozen(arena, text)));
  for (const result of await Promise.allSettled(writes)) assert.equal(result.status, 'rejected');
  await settled();
  await assert.rejects(writeBytes(broken, frozen(arena, 'd')), /disk full/);
  assertAllReturned(arena);
  const ended = new Writable({ write: (_chunk, _encoding, done) => done() });
  ended.end();
  await assert.rejects(writeBytes(ended, frozen(arena, 'e')), { code: /ERR_STREAM/ });
  assertAllReturned(arena);
});

test('a stream gets one listener of each kind, no matter how many writes are under way', async () => {
  const arena = FixedArena.withSlotCapacity(64, 16).build();
  const calls: (() => void)[] = [];
  const slow = new Writable({ write: (_chunk, _encoding, done) => void calls.push(done), highWaterMark: 1 });
  const count = (): number[] => [slow.listenerCount('close'), slow.listenerCount('error')];
  const before = count();
  for (let round = 0; round < 2; round++) {
    const writes = Array.from({ length: 40 }, () => writeBytes(slow, frozen(arena, 'x')));
    assert.deepEqual(
      count(),
      before.map((listeners) => listeners + 1),
    );
    for (let index = 0; index < 40; index++) {
      calls.shift()?.();
      await settled();
    }
    await Promise.all(writes);
  }
  assertAllReturned(arena);
});

test('a stream error outside of a write is thrown as usual if there is no listener', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const sink = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });
  const heard = sink();
  const errors: Error[] = [];
  heard.on('error', (error) => errors.push(error));
  const unheard = sink();
  for (const stream of [heard, unheard]) await writeBytes(stream, frozen(arena, 'x'));
  const uncaught = await uncaughtDuring(() => {
    heard.destroy(new Error('heard'));
    unheard.destroy(new Error('unheard'));
  });
  assert.deepEqual([errors.map(String), uncaught.map(String)], [['Error: heard'], ['Error: unheard']]);
  assertAllReturned(arena);
});

test('an http response gives the memory back when its client has left', async () => {
  const arena = FixedArena.withSlotCapacity(2, LARGE).build();
  const left = new Promise<void>((resolve, reject) => {
    const server = createHttpServer(async (_request, response) => {
      const writes = [1, 2].map(() => writeBytes(response, arena.allocate().putBytes(1, LARGE).freeze()));
      const results = await Promise.allSettled(writes);
      server.close();
      if (results.every(({ status }) => status === 'rejected')) resolve();
      else reject(new Error('it was written'));
    }).listen(0, () => {
      const ask = request({ port: (server.address() as AddressInfo).port }, (answer) => {
        answer.once('data', () => ask.destroy());
      });
      ask.on('error', () => undefined);
      ask.end();
    });
  });
  await left;
  assertAllReturned(arena);
});

test('a file stream and a compressor get all bytes, from lists too', () =>
  inFolder(async (folder) => {
    const arena = FixedArena.withSlotCapacity(8, 65_536).build();
    const content = pattern(150_000);
    const list = (): BytesList =>
      new BytesList(
        [0, 1, 2].map((part) =>
          arena
            .allocate()
            .putSlice(content.subarray(part * 50_000, (part + 1) * 50_000))
            .freeze(),
        ),
      );
    const path = join(folder, 'stream');
    const file = createWriteStream(path);
    await writeBytes(file, list());
    await writeBytes(file, frozenPart(arena, content));
    file.end();
    await once(file, 'close');
    assert.ok(readFileSync(path).equals(Buffer.concat([content, content.subarray(0, 10)])));
    const gzip = createGzip();
    const zipped = collect(gzip);
    await writeBytes(gzip, list());
    gzip.end();
    assert.ok(gunzipSync(await zipped).equals(content));
    assertAllReturned(arena);
  }));

function frozenPart(arena: FixedArena, content: Buffer): Bytes {
  return arena.allocate().putSlice(content.subarray(0, 10)).freeze();
}

test('a list is written as one vectored write', async () => {
  const arena = FixedArena.withSlotCapacity(8, 16).build();
  const batches: number[] = [];
  const writable = new Writable({
    write(_chunk, _encoding, done) {
      batches.push(1);
      done();
    },
    writev(chunks, done) {
      batches.push(chunks.length);
      done();
    },
  });
  await writeBytes(writable, new BytesList(['a', 'b', 'c'].map((text) => frozen(arena, text))));
  assert.deepEqual(batches, [3]);
  assertAllReturned(arena);
});

test('a FileHandle gets vectored writes, with or without a position, even of more pieces than one call takes', () =>
  inFolder(async (folder) => {
    const arena = FixedArena.withSlotCapacity(3000, 16).build();
    const path = join(folder, 'file');
    writeFileSync(path, '0123456789');
    const file = await open(path, 'r+');
    await writeBytes(file, frozen(arena, 'ab'));
    await writeBytes(file, new BytesList([frozen(arena, 'c'), frozen(arena, 'd')]));
    await writeBytes(file, frozen(arena, 'X'), 8);
    await writeBytes(file, Bytes.empty);
    assert.equal(readFileSync(path, 'latin1'), 'abcd4567X9');
    const pieces = Array.from({ length: 2500 }, (_, index) => frozen(arena, `${index},`));
    await writeBytes(file, new BytesList(pieces), 0);
    assert.equal(readFileSync(path, 'latin1'), Array.from({ length: 2500 }, (_, index) => `${index},`).join(''));
    await file.close();
    await assert.rejects(writeBytes(file, frozen(arena, 'late')));
    assertAllReturned(arena);
  }));

test('a partial write to a FileHandle is continued by further calls', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const written: string[] = [];
  const places: (number | undefined)[] = [];
  const grudging = {
    writev(views: Uint8Array[], position?: number) {
      const all = Buffer.concat(views).subarray(0, 3);
      written.push(all.toString());
      places.push(position);
      return Promise.resolve({ bytesWritten: all.length });
    },
  };
  await writeBytes(
    grudging as never,
    new BytesList([frozen(arena, 'abcd'), frozen(arena, 'e'), frozen(arena, 'fgh')]),
    10,
  );
  assert.deepEqual(written, ['abc', 'def', 'gh']);
  assert.deepEqual(places, [10, 13, 16]);
  assertAllReturned(arena);
});

test('a PassThrough gets a copy, because it passes on the memory it was given', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const through = new PassThrough();
  await writeBytes(through, frozen(arena, 'first'));
  assertAllReturned(arena);
  arena.allocate().putUtf8('OTHER').abandon();
  assert.equal(through.read()?.toString(), 'first');
});

test('an empty write resolves at once', async () => {
  const never = new Writable({ write: () => undefined });
  await writeBytes(never, Bytes.empty);
  await writeBytes(never, new BytesList());
});

test('bad arguments are refused and leave the handle usable', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'x');
  const write = writeBytes as (...args: unknown[]) => Promise<void>;
  const writable = new Writable({ write: (_chunk, _encoding, done) => done() });
  for (const target of [undefined, null, 1, {}, 'file']) await assert.rejects(write(target, bytes), TypeError);
  for (const wrong of [undefined, new Uint8Array(1), 'text']) await assert.rejects(write(writable, wrong), TypeError);
  await assert.rejects(write(writable, bytes, 1), TypeError);
  await assert.rejects(write({ writev: () => undefined }, bytes, -1), RangeError);
  assert.equal(bytes.toString(), 'x');
  await writeBytes(writable, bytes);
  await assert.rejects(writeBytes(writable, bytes), { name: 'ReleasedError' });
  assertAllReturned(arena);
});

test('a list is held until the stream has finished with every piece', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  const calls: (() => void)[] = [];
  const slow = new Writable({ write: (_chunk, _encoding, done) => void calls.push(done) });
  const written = new Outcome(writeBytes(slow, new BytesList([frozen(arena, 'a'), frozen(arena, 'b')])));
  calls.shift()?.();
  await settled();
  assert.deepEqual([written.state, arena.metrics().bytesLive], ['pending', 32]);
  calls.shift()?.();
  await settled();
  assert.equal(written.state, 'resolved');
  assertAllReturned(arena);
});

test('the handle is used up at once, and releasing it later frees no memory that is still read', async () => {
  const arena = FixedArena.withSlotCapacity(2, 16).build();
  const calls: (() => void)[] = [];
  const slow = new Writable({ write: (_chunk, _encoding, done) => void calls.push(done) });
  const bytes = frozen(arena, 'a');
  const list = new BytesList([frozen(arena, 'b')]);
  const writes = [writeBytes(slow, bytes), writeBytes(slow, list)];
  assert.deepEqual([bytes.isReleased, list.isReleased], [true, true]);
  bytes.release();
  list.release();
  assert.equal(arena.metrics().bytesLive, 32);
  for (let index = 0; index < 2; index++) {
    calls[index]?.();
    await settled();
  }
  await Promise.all(writes);
  assertAllReturned(arena);
});

test('bytes in a WebAssembly.Memory are copied, because growth empties the views that wait', async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const arena = FixedArena.fromRaw(memory, SlotSpec.size(1024)).build();
  const got: string[] = [];
  let proceed: () => void = () => undefined;
  const slow = new Writable({
    write(chunk, _encoding, done) {
      proceed = () => {
        got.push(String(chunk));
        done();
      };
    },
  });
  const writes = ['first', 'second'].map((text) => writeBytes(slow, frozen(arena, text)));
  memory.grow(1);
  for (let index = 0; index < 2; index++) {
    proceed();
    await settled();
  }
  await Promise.all(writes);
  assert.deepEqual(got, ['first', 'second']);
  assertAllReturned(arena);
});

test('http/2: a destroyed stream keeps the memory until its session has finished with it', async () => {
  const arena = FixedArena.withSlotCapacity(1, LARGE).build();
  const server = createHttp2Server().listen(0);
  await once(server, 'listening');
  const client = connectHttp2(`http://localhost:${(server.address() as AddressInfo).port}`);
  client.on('error', () => undefined);
  const request = client.request();
  request.on('error', () => undefined);
  request.resume();
  const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream];
  stream.on('error', () => undefined);
  stream.respond();
  const written = new Outcome(writeBytes(stream, arena.allocate().putBytes(1, LARGE).freeze()));
  stream.destroy();
  while (written.state === 'pending') await settled();
  assertAllReturned(arena);
  const response = new Outcome(writeBytes(stream, frozen(arena, 'x')));
  await settled();
  assert.equal(response.state, 'rejected');
  client.destroy();
  server.close();
  assertAllReturned(arena);
});

test('a stream that shares the socket of a session gives memory back when the session has closed too', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const session = Object.assign(new EventEmitter(), { destroyed: false });
  const stream = Object.assign(new Writable({ write: () => undefined }), { session });
  const sent = new Outcome(writeBytes(stream, frozen(arena, 'in flight')));
  stream.destroy();
  await once(stream, 'close');
  await settled();
  assert.equal(sent.state, 'pending');
  assert.equal(arena.tryAllocate(), undefined, 'the session may still read it');
  session.emit('close');
  await settled();
  assert.equal(sent.state, 'rejected');
  assertAllReturned(arena);
});
