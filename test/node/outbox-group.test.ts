import assert from 'node:assert/strict';
import { createServer, get } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer as createTcp, type Socket } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { buffer as collect } from 'node:stream/consumers';
import { test } from 'node:test';
import type { AsyncFixedArena, Bytes } from 'arena-alligator';
import { type Outbox, OutboxGroup } from 'arena-alligator/node';
import { assertAllReturned, assertAllReturnedSoon } from '../support/arenas.js';
import { asyncArena, textIn } from '../support/chunks.js';
import { Outcome, settled } from '../support/outcome.js';

function frame(arena: AsyncFixedArena, text: string): Bytes {
  return arena.allocate().putUtf8(text).freeze();
}

async function listening(server: {
  listen(port: number, done: () => void): unknown;
  address(): unknown;
}): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, resolve));
  return (server.address() as AddressInfo).port;
}

test('a frame is held once, however many streams get it', async () => {
  const arena = asyncArena(2, 8);
  const group = new OutboxGroup();
  const done: (() => void)[] = [];
  for (let index = 0; index < 10; index++)
    group.add(new Writable({ write: (_chunk, _encoding, written) => void done.push(written) }));
  assert.equal(await group.send(frame(arena, 'all')), 10);
  await settled();
  assert.equal(arena.metrics().bytesLive, 8);
  for (const written of done.slice(1)) written();
  await settled();
  assert.equal(arena.metrics().bytesLive, 8);
  done[0]?.();
  await settled();
  assert.equal(group.metrics().sentFrames, 10);
  assertAllReturned(arena);
});

test('a stream that closes or fails leaves the group, and the others go on', async () => {
  const arena = asyncArena(4, 8);
  const group = new OutboxGroup({ maxFrames: 1 });
  const sound = new PassThrough();
  const failing = new Writable({ write: (_chunk, _encoding, written) => written(new Error('broken')) });
  const stuck = new Writable({ write: () => undefined });
  for (const stream of [sound, failing, stuck]) group.add(stream);
  assert.equal(await group.send(frame(arena, 'a')), 3);
  await settled();
  const second = group.send(frame(arena, 'b'));
  stuck.destroy();
  assert.equal(await second, 1);
  await settled();
  assert.deepEqual([group.size, textIn(sound)], [1, 'ab']);
  assert.deepEqual([group.metrics().outboxes, group.metrics().queuedFrames], [1, 0]);
  await group.end();
  assertAllReturned(arena);
});

test('a slow stream holds up nobody when it is skipped', async () => {
  const arena = asyncArena(4, 8);
  const group = new OutboxGroup({ maxFrames: 1, whenSlow: 'skip', patience: 0 });
  const stuck = new Writable({ write: () => undefined });
  const quick = new PassThrough();
  group.add(stuck);
  group.add(quick);
  for (const text of ['a', 'b', 'c']) {
    await group.send(frame(arena, text));
    await settled();
  }
  assert.deepEqual([textIn(quick), group.metrics().skippedFrames], ['abc', 2]);
  assert.equal(group.delete(stuck), true);
  assert.equal(group.delete(stuck), false);
  assert.equal(group.metrics().skippedFrames, 2, 'the counters of those that left stay');
  stuck.destroy();
  await settled();
  assertAllReturned(arena);
});

test('a stream is in a group once, and options can be its own', async () => {
  const arena = asyncArena(4, 8);
  const group = new OutboxGroup({ maxFrames: 1 });
  const stuck = new Writable({ write: () => undefined });
  const outbox = group.add(stuck, { maxFrames: 2, whenSlow: 'skip', patience: 0 });
  assert.equal(group.add(stuck), outbox);
  assert.deepEqual([...group], [outbox]);
  for (const expected of [1, 1, 0]) assert.equal(await group.send(frame(arena, 'x')), expected);
  group.flush();
  stuck.destroy();
  await settled();
  assert.equal(group.size, 0);
  await assert.rejects(group.send('x' as unknown as Bytes), TypeError);
  assert.throws(() => new OutboxGroup({ maxFrames: 0 }), RangeError);
  assertAllReturned(arena);
});

/** A stream that keeps what it was given, and finishes a write when it is told to. */
function keeping(): { readonly stream: Writable; readonly texts: string[]; take(): Promise<void> } {
  const texts: string[] = [];
  let finish: () => void = () => undefined;
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      texts.push(String(chunk));
      finish = () => {
        finish = () => undefined;
        done();
      };
    },
  });
  return {
    stream,
    texts,
    take: () => {
      finish();
      return settled();
    },
  };
}

test('streams that send the same small frames write one joined copy, and others their own', async () => {
  const arena = asyncArena(8, 8);
  const group = new OutboxGroup({ maxFrames: 3, whenSlow: 'skip', patience: 0 });
  const chunks: Buffer[] = [];
  const quick = (): Writable =>
    new Writable({
      write: (chunk, _encoding, done) => {
        chunks.push(chunk);
        done();
      },
    });
  const late = keeping();
  for (const stream of [quick(), late.stream, quick()]) group.add(stream);
  await group.send(frame(arena, 'a'));
  await settled();
  for (const text of ['b', 'c', 'd']) await group.send(frame(arena, text));
  await settled();
  assert.deepEqual(chunks.map(String), ['a', 'a', 'bcd', 'bcd']);
  assert.equal(chunks[2]?.buffer, chunks[3]?.buffer);
  assert.equal(chunks[2]?.byteOffset, chunks[3]?.byteOffset);
  assert.equal(arena.metrics().bytesLive, 24, 'one stream is writing a frame and has two more queued');
  await late.take();
  assert.deepEqual([late.texts, group.metrics().skippedFrames], [['a', 'bc'], 1]);
  await late.take();
  await group.end();
  assertAllReturned(arena);
});

/** Things to do with one outbox of a group, and the texts that its stream has got in the end. */
const uses: readonly (readonly [string, (outbox: Outbox, arena: AsyncFixedArena) => unknown, readonly string[]])[] = [
  ['send()', (outbox, arena) => outbox.send(frame(arena, '1')), ['a1b']],
  ['trySend()', (outbox, arena) => outbox.trySend(frame(arena, '1')), ['a1b']],
  ['flush()', (outbox) => outbox.flush(), ['a', 'b']],
  ['metrics()', (outbox) => assert.equal(outbox.metrics().queuedFrames, 1), ['ab']],
  ['end()', (outbox) => void outbox.end(), ['a']],
  ['drained()', (outbox) => void outbox.drained(), ['ab']],
];

for (const [name, use, expected] of uses) {
  test(`${name} of one outbox comes after what its group sent before`, async () => {
    const arena = asyncArena(8, 8);
    const group = new OutboxGroup();
    const [touched, other] = [keeping(), keeping()];
    const outbox = group.add(touched.stream);
    group.add(other.stream);
    await group.send(frame(arena, 'a'));
    use(outbox, arena);
    await group.send(frame(arena, 'b'));
    for (let turn = 0; turn < 3; turn++) for (const { take } of [touched, other]) await take();
    assert.deepEqual([touched.texts, other.texts], [expected, ['ab']]);
    await group.end();
    assertAllReturned(arena);
  });
}

test('a stream gets what was sent while it was in the group', async () => {
  const arena = asyncArena(8, 8);
  const group = new OutboxGroup();
  const [first, leaving, late] = [keeping(), keeping(), keeping()];
  for (const { stream } of [first, leaving]) group.add(stream);
  await group.send(frame(arena, 'a'));
  group.add(late.stream);
  await group.send(frame(arena, 'b'));
  group.delete(leaving.stream);
  await group.send(frame(arena, 'c'));
  for (let turn = 0; turn < 2; turn++) for (const { take } of [first, leaving, late]) await take();
  assert.deepEqual([first.texts, leaving.texts, late.texts], [['abc'], ['ab'], ['bc']]);
  await group.end();
  assertAllReturned(arena);
});

test('streams that miss different frames of a turn get their own', async () => {
  const arena = asyncArena(8, 8);
  const group = new OutboxGroup({ maxFrames: 3 });
  const [first, second] = [keeping(), keeping()];
  const [one, other] = [group.add(first.stream), group.add(second.stream)];
  await group.send(frame(arena, 'a'));
  one.trySend(frame(arena, '1'));
  other.trySend(frame(arena, '2'));
  await group.send(frame(arena, 'z'));
  for (let turn = 0; turn < 2; turn++) for (const { take } of [first, second]) await take();
  assert.deepEqual([first.texts, second.texts], [['a1z'], ['a2z']]);
  await group.end();
  assertAllReturned(arena);
});

test('end() and drained() of one outbox count what the group sent before', async () => {
  const arena = asyncArena(8, 8);
  const group = new OutboxGroup();
  const [draining, ending] = [keeping(), keeping()];
  const [one, other] = [group.add(draining.stream), group.add(ending.stream)];
  await group.send(frame(arena, 'a'));
  const [drained, ended] = [new Outcome(one.drained()), new Outcome(other.end())];
  assert.equal(await group.send(frame(arena, 'b')), 1, 'one of them has ended');
  await settled();
  assert.deepEqual([drained.state, ended.state], ['pending', 'pending']);
  for (const { take } of [draining, ending]) await take();
  assert.deepEqual([drained.state, ended.state], ['resolved', 'resolved']);
  assert.deepEqual([draining.texts, ending.texts], [['ab'], ['a']]);
  assertAllReturned(arena);
});

test('a group keeps the limits of the stream with the least room, and releases what nobody takes', async () => {
  const arena = asyncArena(8, 8);
  const group = new OutboxGroup({ maxBytes: 4, whenSlow: 'skip', patience: 0 });
  assert.equal(await group.send(frame(arena, 'none')), 0);
  assertAllReturned(arena);
  const [wide, narrow] = [keeping(), keeping()];
  group.add(wide.stream, { maxBytes: 8, whenSlow: 'skip', patience: 0 });
  group.add(narrow.stream);
  const queued: number[] = [];
  for (const text of ['aa', 'bbb', 'ccc', 'd']) queued.push(await group.send(frame(arena, text)));
  assert.deepEqual(queued, [2, 1, 1, 0]);
  for (const { take } of [wide, narrow]) await take();
  assert.deepEqual([wide.texts, narrow.texts], [['aabbbccc'], ['aa']]);
  for (const { take } of [wide, narrow]) await take();
  await group.end();
  assertAllReturned(arena);
});

test('a stream that fails while frames are gathered leaves the others theirs', async () => {
  const arena = asyncArena(8, 8);
  const group = new OutboxGroup();
  const failing = new Writable({ write: () => undefined });
  const sound = new PassThrough();
  for (const stream of [failing, sound]) group.add(stream);
  await group.send(frame(arena, 'a'));
  failing.destroy();
  await new Promise((resolve) => process.nextTick(resolve));
  assert.equal(await group.send(frame(arena, 'b')), 1);
  await settled();
  assert.deepEqual([textIn(sound), group.size], ['ab', 1]);
  assertAllReturned(arena);
});

test('an outbox that ended its stream leaves the group', async () => {
  const group = new OutboxGroup();
  const ended = group.add(new Writable({ write: (_chunk, _encoding, done) => done() }));
  group.add(new PassThrough());
  await ended.end();
  await settled();
  assert.equal(group.size, 1);
});

test('a stream that is taken out of the group while it ends, ends well', async () => {
  const group = new OutboxGroup();
  let finish: () => void = () => undefined;
  const stream = new Writable({
    write: (_chunk, _encoding, done) => done(),
    final: (done) => {
      finish = done;
    },
  });
  const ended = new Outcome(group.add(stream).end());
  await settled();
  group.delete(stream);
  await settled();
  assert.equal(ended.state, 'pending');
  finish();
  await settled();
  assert.equal(ended.state, 'resolved');
});

test('a stream that cannot be corked stops no other stream of the turn', async () => {
  const arena = asyncArena(8, 8192);
  const group = new OutboxGroup();
  const failing = new PassThrough();
  failing.cork = () => {
    throw new Error('no cork');
  };
  const sound = new PassThrough();
  for (const stream of [failing, sound]) group.add(stream);
  for (const letter of ['a', 'b']) await group.send(frame(arena, letter.repeat(4096)));
  await settled();
  await settled();
  assert.deepEqual([textIn(sound).length, group.size], [8192, 1]);
  assertAllReturned(arena);
});

test('frames reach many sockets, in order, through an arena that holds a few of them', async () => {
  const arena = asyncArena(4, 64);
  const group = new OutboxGroup({ maxFrames: 4 });
  const server = createTcp((socket) => void group.add(socket));
  const port = await listening(server);
  const clients = await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        new Promise<Socket>((resolve) => {
          const client = connect(port, '127.0.0.1', () => resolve(client));
        }),
    ),
  );
  while (group.size < 20) await settled();
  const received = clients.map((client) => collect(client));
  let expected = '';
  for (let number = 0; number < 200; number++) {
    const text = `message ${number};`;
    expected += text;
    await group.send((await arena.allocateAsync()).putUtf8(text).freeze());
  }
  await group.end();
  for (const all of received) assert.equal(String(await all), expected);
  server.close();
  await assertAllReturnedSoon(arena);
});

test('server-sent events reach http and http/2 clients, and clients that leave give their memory back', async () => {
  const arena = asyncArena(8, 64);
  const group = new OutboxGroup({ maxFrames: 8, whenSlow: 'skip' });
  const http = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    group.add(response);
  });
  const http2 = createHttp2((_request, response) => void group.add(response.stream));
  const [port, port2] = [await listening(http), await listening(http2)];
  const text = new Promise<string>((resolve) => {
    get({ port }, async (response) => resolve(String(await collect(response))));
  });
  const session = connectHttp2(`http://127.0.0.1:${port2}`);
  const text2 = collect(session.request());
  const leaving = get({ port }, (response) => response.once('data', () => leaving.destroy()));
  leaving.on('error', () => undefined);
  while (group.size < 3) await settled();
  let expected = '';
  for (let number = 0; number < 50; number++) {
    const event = `data: ${number}\n\n`;
    expected += event;
    await group.send((await arena.allocateAsync()).putUtf8(event).freeze());
    for (const outbox of group) await outbox.drained().catch(() => undefined);
  }
  await group.end();
  assert.equal(await text, expected);
  assert.equal(String(await text2), expected);
  session.close();
  http.close();
  http2.close();
  await assertAllReturnedSoon(arena);
});
