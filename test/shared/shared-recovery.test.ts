import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, BytesChannel, FixedArena, ReleasedError, type Ticket } from 'arena-alligator';
import { environment } from '#internal/base/environment';
import { assertAllReturned } from '../support/arenas.js';
import { answer, exited, inWorker } from '../support/threads.js';

const threads = { maxThreads: 3 };

test('reclaim returns exactly what a dead worker held', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).shared(threads).build();
  const mine = arena.allocate(64).putU8(1).freeze();
  const worker = inWorker(
    `const arena = lib.BuddyArena.attach(data.handle);
     globalThis.held = [arena.allocate(100), arena.allocate(700).putU8(1).freeze(), arena.redeem(data.ticket)];
     held.push(held[1].clone(), held[1].slice(0, 1));
     port.postMessage(arena.threadId);
     setInterval(() => held, 1000);`,
    { handle: arena.handle(), ticket: mine.clone().toTicket() },
  );
  const threadId = await answer<number>(worker);
  assert.equal(arena.metrics().bytesLive, 64 + 128 + 1024);
  await worker.terminate();
  assert.equal(arena.reclaim(threadId), 3);
  assert.equal(arena.metrics().bytesLive, 64, 'memory that others hold stays live');
  assert.equal(mine.isUnique, true);
  assert.equal(arena.reclaim(threadId), 0, 'nothing of the worker is left');
  mine.release();
  assertAllReturned(arena);
});

for (const [way, end] of [
  ['terminate', 'port.postMessage(0); setInterval(() => held, 1000);'],
  ['exit', 'process.exit(0);'],
  ['an error', 'throw new Error("on purpose");'],
  ['running to its end', ''],
] as const) {
  test(`a watched worker is reclaimed after ${way}`, async () => {
    const arena = FixedArena.withSlotCapacity(4, 64).initPolicy('zero').shared(threads).build();
    const worker = inWorker(
      `const arena = lib.FixedArena.attach(data);
       globalThis.held = [arena.allocate().putU8(9), arena.allocate().putUtf8('secret').freeze()];
       ${end}`,
      arena.handle(),
    );
    arena.watch(worker);
    worker.on('error', () => undefined);
    worker.on('message', () => void worker.terminate());
    await new Promise((resolve) => worker.once('exit', resolve));
    assertAllReturned(arena);
    const buffers = Array.from({ length: 4 }, () => arena.allocate());
    for (const buffer of buffers)
      assert.ok(
        buffer.chunkMut().every((byte) => byte === 0),
        'the memory was scrubbed',
      );
  });
}

test('a message that a dead worker sent arrives, and the tickets that it issued are revoked', async () => {
  const arena = FixedArena.withSlotCapacity(4, 64).shared(threads).build();
  const channel = BytesChannel.create(arena, { capacity: 4 });
  const worker = inWorker(
    `const channel = lib.BytesChannel.attach(data);
     const { arena } = channel;
     channel.trySend(arena.allocate().putUtf8('a last word').freeze());
     port.postMessage(arena.allocate().putU8(1).freeze().toTicket());
     setInterval(() => arena, 1000);`,
    channel.handle(),
  );
  const ticket = await answer<Ticket>(worker);
  arena.watch(worker);
  await worker.terminate();
  assert.throws(() => arena.redeem(ticket), ReleasedError);
  const bytes = channel.tryReceive();
  assert.equal(bytes?.toString(), 'a last word');
  bytes?.release();
  assertAllReturned(arena);
});

test('a message arrives even if sending it was the last thing a dead worker did, and its number is used once', async () => {
  const arena = FixedArena.withSlotCapacity(2, 64).shared(threads).build();
  const channel = BytesChannel.create(arena, { capacity: 4 });
  const worker = inWorker(
    `const channel = lib.BytesChannel.attach(data);
     const bytes = channel.arena.allocate().putUtf8('a last word').freeze();
     const { threadId } = channel.arena;
     channel.trySend(bytes);
     port.postMessage(threadId);
     setInterval(() => channel, 1000);`,
    channel.handle(),
  );
  const threadId = await answer<number>(worker);
  await worker.terminate();
  arena.reclaim(threadId);
  assert.equal(arena.metrics().bytesLive, 64, 'the message is still on its way');
  channel.trySend(arena.allocate().putUtf8('another').freeze());
  const texts = [channel.tryReceive(), channel.tryReceive()].map((bytes) => {
    const text = bytes?.toString();
    bytes?.release();
    return text;
  });
  assert.deepEqual(texts, ['a last word', 'another']);
  assertAllReturned(arena);
});

test('reclaiming a dead worker wakes the threads that it should have woken', async () => {
  const arena = FixedArena.withSlotCapacity(2, 64).shared(threads).build();
  const channel = BytesChannel.create(arena, { capacity: 4 });
  const worker = inWorker(
    `const channel = lib.BytesChannel.attach(data);
     const bytes = channel.arena.allocate().putUtf8('a last word').freeze();
     port.once('message', () => {
       // As if the worker had taken the mask of waiting lanes, and died before it woke them.
       Atomics.store(new Int32Array(data.memory), 32, 0);
       channel.trySend(bytes);
       port.postMessage(channel.arena.threadId);
     });
     port.postMessage(0);
     setInterval(() => channel, 1000);`,
    channel.handle(),
  );
  await answer(worker);
  const receiving = channel.receive({ timeout: 10_000 });
  worker.postMessage(0);
  const threadId = await answer<number>(worker);
  await worker.terminate();
  assert.equal(channel.length, 1, 'the receiver was not woken');
  arena.reclaim(threadId);
  const bytes = await receiving;
  assert.equal(bytes?.toString(), 'a last word');
  bytes?.release();
  assertAllReturned(arena);
});

test('tickets of a thread that has detached stay good, even if another thread takes its lane and dies', async () => {
  const arena = FixedArena.withSlotCapacity(2, 64).shared({ maxThreads: 2 }).build();
  const first = inWorker(
    `const arena = lib.FixedArena.attach(data);
     const ticket = arena.allocate().putUtf8('kept').freeze().toTicket();
     arena.detach();
     port.postMessage(ticket);`,
    arena.handle(),
  );
  const ticket = await answer<Ticket>(first);
  const second = inWorker(
    `lib.FixedArena.attach(data); port.postMessage(0); setInterval(() => 0, 1000);`,
    arena.handle(),
  );
  arena.watch(second);
  await answer(second);
  await second.terminate();
  const bytes = arena.redeem(ticket);
  assert.equal(bytes.toString(), 'kept');
  bytes.release();
  assertAllReturned(arena);
});

test('the lane of a dead worker is free for the next worker', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared({ maxThreads: 2 }).build();
  for (let round = 0; round < 3; round++) {
    const worker = inWorker(
      `globalThis.held = lib.FixedArena.attach(data).allocate(); port.postMessage(0); setInterval(() => held, 1000);`,
      arena.handle(),
    );
    arena.watch(worker);
    assert.equal(await answer(worker), 0);
    await worker.terminate();
    assertAllReturned(arena);
  }
});

test('memory that a dead worker held goes to a waiter', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  const worker = inWorker(
    `globalThis.held = lib.FixedArena.attach(data).allocate(); port.postMessage(0); setInterval(() => held, 1000);`,
    arena.handle(),
  );
  await answer(worker);
  arena.watch(worker);
  const waiting = arena.allocateAsync();
  await worker.terminate();
  (await waiting).abandon();
  assertAllReturned(arena);
});

test('blocks that a dead worker held go to a waiter as one merged block', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(256, 64)).shared(threads).build();
  const worker = inWorker(
    `const arena = lib.BuddyArena.attach(data);
     globalThis.held = Array.from({ length: 4 }, () => arena.allocate(64));
     port.postMessage(0);
     setInterval(() => held, 1000);`,
    arena.handle(),
  );
  await answer(worker);
  arena.watch(worker);
  const waiting = arena.allocateAsync(256, { timeout: 10_000 });
  await worker.terminate();
  (await waiting).abandon();
  assertAllReturned(arena);
});

test('memory that a dead worker waited for and got comes back', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  const held = arena.allocate();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     const waiting = arena.allocateAsync();
     port.postMessage(0);
     globalThis.held = await waiting;
     port.postMessage(arena.threadId);
     setInterval(() => held, 1000);`,
    arena.handle(),
  );
  await answer(worker);
  held.abandon();
  const threadId = await answer<number>(worker);
  assert.equal(arena.metrics().bytesLive, 64);
  await worker.terminate();
  assert.equal(arena.reclaim(threadId), 1);
  assertAllReturned(arena);
});

test('reclaim and watch refuse arguments that do not name another thread', () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  assert.throws(() => arena.reclaim(arena.threadId), { name: 'RangeError', message: /is this thread/ });
  assert.throws(() => arena.reclaim(-1), RangeError);
  assert.throws(() => arena.reclaim('1' as never), TypeError);
  assert.equal(arena.reclaim(99_999), 0);
  for (const worker of [undefined, {}, { threadId: 'x', once() {} }])
    assert.throws(() => arena.watch(worker as never), TypeError);
  assert.throws(() => arena.watch({ threadId: -1, once: () => undefined }), RangeError);
});

test('where an exit does not prove that the worker has ended, watch reclaims nothing, and warns if it had not detached', async (t) => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  const warnings: string[] = [];
  t.mock.method(environment, 'warn', (_message: string, code: string) => {
    // The collector may find handles that earlier tests forgot.
    if (!code.startsWith('ARENA_LEAK')) warnings.push(code);
  });
  Object.assign(environment, { exitMeansDeath: false });
  t.after(() => Object.assign(environment, { exitMeansDeath: true }));
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     const held = arena.allocate();
     port.postMessage(0);
     port.once('message', () => { held.abandon(); arena.detach(); });`,
    arena.handle(),
  );
  await answer(worker);
  let onExit: () => void = () => undefined;
  arena.watch({
    threadId: worker.threadId,
    once: (_event, listener) => {
      onExit = listener;
    },
  });
  onExit();
  assert.deepEqual(warnings, ['ARENA_WATCH_UNRELIABLE']);
  assert.equal(arena.metrics().bytesLive, 64);
  worker.postMessage(0);
  await exited(worker);
  onExit();
  assert.equal(warnings.length, 1, 'a thread that detached left nothing behind');
  assertAllReturned(arena);
});

test('watch of a Web Worker says what to do instead', () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  assert.throws(() => arena.watch({ postMessage() {}, addEventListener() {} } as never), /reclaim\(threadId\)/);
});
