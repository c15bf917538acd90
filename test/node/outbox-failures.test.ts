import assert from 'node:assert/strict';
import { createServer, get, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import type { AsyncFixedArena, Bytes } from 'arena-alligator';
import { Outbox, OutboxGroup, pipeBytes, writeBytes } from 'arena-alligator/node';
import { assertAllReturned, assertAllReturnedSoon } from '../support/arenas.js';
import { asyncArena, textIn } from '../support/chunks.js';
import { FakeClock } from '../support/clock.js';
import { Outcome, settled } from '../support/outcome.js';
import { uncaughtDuring } from '../support/uncaught.js';

function frame(arena: AsyncFixedArena, text: string): Bytes {
  return arena.allocate().putUtf8(text).freeze();
}

function stuck(): Writable {
  return new Writable({ write: () => undefined });
}

async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 1));
}

// Frames of 4 KiB are not joined, so the stream throws when it is uncorked.
for (const length of [1, 4096]) {
  test(`a stream that throws stops no other stream of the turn (frames of ${length} bytes)`, async () => {
    const arena = asyncArena(8, 8192);
    const group = new OutboxGroup();
    const throwing = new Writable({
      write() {
        throw new Error('boom');
      },
    });
    const sound = new PassThrough();
    group.add(throwing);
    group.add(sound);
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(length));
    await uncaughtDuring(async () => {
      for (const text of texts.slice(0, 2)) await group.send(frame(arena, text));
      await settled();
      await settled();
      await group.send(frame(arena, 'c'.repeat(length)));
      await settled();
    });
    assert.deepEqual([textIn(sound) === texts.join(''), group.size], [true, 1]);
    assertAllReturned(arena);
  });
}

test('an outbox whose stream throws even when it is destroyed stops no other outbox of the turn', async () => {
  const arena = asyncArena(8, 8192);
  const fail = (): never => {
    throw new Error('boom');
  };
  const throwing = Object.assign(new PassThrough(), { cork: fail, destroy: fail });
  const sound = new PassThrough();
  const errors = await uncaughtDuring(async () => {
    for (const stream of [throwing, sound]) {
      const outbox = new Outbox(stream);
      for (const letter of ['a', 'b']) outbox.trySend(frame(arena, letter.repeat(4096)));
    }
    await settled();
    await settled();
  });
  assert.deepEqual([textIn(sound).length, errors.length], [8192, 1]);
});

test('a stream that is closed before the outbox is made fails its calls, and enters no group', async () => {
  const arena = asyncArena(8, 8);
  const closed = new PassThrough();
  closed.destroy();
  await settled();
  const outbox = new Outbox(closed);
  for (const call of [outbox.send(frame(arena, 'a')), outbox.drained(), outbox.end()]) {
    await assert.rejects(call, { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  }
  const group = new OutboxGroup();
  group.add(closed);
  assert.deepEqual([group.size, await group.send(frame(arena, 'b'))], [0, 0]);
  assertAllReturned(arena);
});

test('a stream that others end takes no more frames', async () => {
  const arena = asyncArena(8, 8);
  const stream = new PassThrough();
  const outbox = new Outbox(stream);
  await outbox.send(frame(arena, 'a'));
  await outbox.drained();
  stream.end('last');
  await assert.rejects(outbox.send(frame(arena, 'b')), /ended/);
  const group = new OutboxGroup();
  group.add(stream);
  assert.equal(await group.send(frame(arena, 'c')), 0);
  assert.equal(textIn(stream), 'alast');
  assertAllReturned(arena);
});

test('end() can be called again, and drained() after it resolves', async () => {
  const arena = asyncArena(8, 8);
  const outbox = new Outbox(new PassThrough().resume());
  await outbox.send(frame(arena, 'a'));
  await Promise.all([outbox.end(), outbox.end()]);
  await settled();
  await outbox.drained();
  await outbox.end();
  assertAllReturned(arena);
});

test('a stalled receiver to which nobody sends any more is closed, or loses what is queued', async () => {
  using clock = new FakeClock();
  const arena = asyncArena(8, 8);
  for (const whenSlow of ['close', 'dropOldest'] as const) {
    const stream = stuck();
    const outbox = new Outbox(stream, { whenSlow, patience: 100 });
    await outbox.send(frame(arena, 'a'));
    await settled();
    await outbox.send(frame(arena, 'b'));
    const ended = new Outcome(outbox.end());
    clock.advance(99);
    await settled();
    assert.deepEqual([outbox.metrics().queuedFrames, ended.state], [2, 'pending']);
    clock.advance(1);
    await settled();
    if (whenSlow === 'close') assert.equal((ended.error as { code?: string }).code, 'SLOW_RECEIVER');
    else assert.deepEqual([outbox.metrics().droppedFrames, arena.metrics().bytesLive], [1, 8]);
    stream.destroy();
    await settled();
    assertAllReturned(arena);
  }
});

test('a turn that takes long is no slow receiver, and drained() ends', async () => {
  using clock = new FakeClock();
  const arena = asyncArena(8, 8);
  for (const whenSlow of ['close', 'dropOldest', 'skip'] as const) {
    const stream = new PassThrough().resume();
    const outbox = new Outbox(stream, { whenSlow, patience: 10 });
    await outbox.send(frame(arena, 'a'));
    clock.advance(50);
    await outbox.drained();
    assert.deepEqual([outbox.metrics().sentFrames, stream.destroyed], [1, false]);
  }
  assertAllReturned(arena);
});

test('a turn that queues more than the limits is no slow receiver', async () => {
  const arena = asyncArena(8, 8);
  const quick = new PassThrough().resume();
  const outbox = new Outbox(quick, { maxFrames: 2, whenSlow: 'skip', patience: 1000 });
  for (let number = 0; number < 20; number++) assert.equal(await outbox.send(frame(arena, `${number}`)), true);
  await outbox.end();
  assert.equal(outbox.metrics().sentFrames, 20);
  assertAllReturned(arena);
});

test('deleting a slow stream from its group releases the calls that wait for it, and its counters stay', async () => {
  const arena = asyncArena(8, 8);
  const group = new OutboxGroup({ maxFrames: 1 });
  let write: () => void = () => undefined;
  const slow = new Writable({
    write(_chunk, _encoding, written) {
      write = written;
    },
  });
  group.add(slow);
  await group.send(frame(arena, 'a'));
  await settled();
  const waiting = new Outcome(group.send(frame(arena, 'b')));
  group.delete(slow);
  await settled();
  assert.deepEqual([waiting.value, group.metrics().queuedFrames], [0, 1]);
  write();
  await settled();
  assert.deepEqual([group.metrics().sentFrames, group.metrics().queuedFrames, slow.destroyed], [1, 0, false]);
  assertAllReturned(arena);
});

test('an outbox that left its group can end its stream, and is told when that is destroyed', async () => {
  const arena = asyncArena(1, 8);
  const group = new OutboxGroup();
  const unread = new PassThrough({ highWaterMark: 1 });
  unread.write('more than it holds');
  const streams = [new PassThrough().resume(), unread];
  const [sound, destroyed] = streams.map((stream) => group.add(stream));
  for (const stream of streams) group.delete(stream);
  await settled();
  await sound?.end();
  const ended = new Outcome(destroyed?.end() ?? Promise.resolve());
  await settled();
  streams[1]?.destroy();
  await settled();
  assert.deepEqual([streams[0]?.writableFinished, ended.state], [true, 'rejected']);
  assertAllReturned(arena);
});

test('thousands of frames without bytes do not overflow the stack', async () => {
  const outbox = new Outbox(stuck(), { maxFrames: 20_000, maxBatchFrames: 1 });
  const arena = asyncArena(1, 8);
  for (let number = 0; number < 20_000; number++) outbox.trySend(arena.allocate().freeze());
  await outbox.drained();
  assert.equal(outbox.metrics().sentFrames, 20_000);
  assertAllReturned(arena);
});

test('one stream can be in many groups without a warning of too many listeners', async () => {
  const stream = new PassThrough();
  const before = stream.listenerCount('close');
  for (let number = 0; number < 50; number++) {
    const group = new OutboxGroup();
    group.add(stream);
    if (number % 2 === 0) group.delete(stream);
  }
  assert.deepEqual([stream.listenerCount('close') - before, stream.listenerCount('error')], [1, 1]);
});

test('an error of a stream with an outbox is no uncaught exception', async () => {
  const arena = asyncArena(1, 8);
  const stream = new PassThrough();
  const outbox = new Outbox(stream);
  const errors = await uncaughtDuring(async () => {
    stream.destroy(new Error('reset'));
    await settled();
  });
  assert.deepEqual(errors, []);
  await assert.rejects(outbox.send(frame(arena, 'a')), /reset/);
  assertAllReturned(arena);
});

test('a client that leaves gives back the memory of its pipelined responses', async () => {
  const arena = asyncArena(8, 64);
  const group = new OutboxGroup();
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => {
    responses.push(response);
    group.add(response);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await until(() => responses.length === 2);
  await group.send(frame(arena, 'data: 1\n\n'));
  await settled();
  client.destroy();
  await until(() => group.size === 0);
  await assertAllReturnedSoon(arena);
  server.close();
});

test('a pipelined response that is first written to after its client left takes nothing, and holds no memory', async () => {
  const arena = asyncArena(8, 64);
  const responses: ServerResponse[] = [];
  const server = createServer((_request, response) => void responses.push(response));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await until(() => responses.length === 2);
  client.destroy();
  await until(() => responses[0]?.destroyed === true);
  const late = responses[1] as ServerResponse;
  // Node 24 destroys it with an error of its own. Node 20 does not tell.
  const gone = /ECONNRESET|aborted|closed before everything was written/;
  await assert.rejects(writeBytes(late, frame(arena, 'a')), gone);
  await assert.rejects(pipeBytes([frame(arena, 'b')], late), gone);
  await assert.rejects(new Outbox(late).send(frame(arena, 'c')), gone);
  const group = new OutboxGroup();
  group.add(late);
  assert.deepEqual([group.size, await group.send(frame(arena, 'd'))], [0, 0]);
  server.close();
  assert.equal(arena.metrics().bytesLive, 64, 'the chunk that the pipe did not take is still the caller’s');
});

test('a response whose client left before the outbox was made does not hold up end()', async () => {
  let response: ServerResponse | undefined;
  const server = createServer((_request, answer) => {
    response = answer;
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const client = get({ port: (server.address() as AddressInfo).port });
  client.on('error', () => undefined);
  await until(() => response !== undefined);
  client.destroy();
  await until(() => response?.destroyed === true);
  await assert.rejects(new Outbox(response as ServerResponse).end(), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  server.close();
});

test('an http/2 stream without TLS gets a copy: a cancelled write of it may still be read by the socket', async () => {
  const arena = asyncArena(1, 64);
  const streams: ServerHttp2Stream[] = [];
  const server = createHttp2();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200 });
    streams.push(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const request = session.request();
  await until(() => streams.length === 1);
  const given: Uint8Array[] = [];
  const stream = streams[0] as ServerHttp2Stream;
  const { write }: { readonly write: (chunk: Uint8Array, encoding: undefined, written: () => void) => boolean } =
    stream;
  stream.write = ((chunk: Uint8Array, written: () => void) => {
    given.push(chunk);
    return write.call(stream, chunk, undefined, written);
  }) as typeof stream.write;
  const bytes = frame(arena, 'payload');
  const { buffer } = bytes.view;
  await new Outbox(stream).send(bytes);
  await until(() => given.length === 1);
  assert.notEqual(given[0]?.buffer, buffer);
  request.close();
  session.destroy();
  server.close();
  await assertAllReturnedSoon(arena);
});
