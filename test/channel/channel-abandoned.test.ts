import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BytesChannel, FixedArena, type SharedFixedArena } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';
import { Outcome, settled } from '../support/outcome.js';
import { answer, exited, inWorker } from '../support/threads.js';

const ABANDONED = { name: 'ChannelClosedError', code: 'CHANNEL_ABANDONED' };

const LIVES = `const channel = lib.BytesChannel.attach(data);
  port.on('message', (what) => { if (what === 'detach') { channel.arena.detach(); port.close(); } });
  port.postMessage(0);`;

function sharedArena(): SharedFixedArena {
  return FixedArena.withSlotCapacity(8, 64).shared({ maxThreads: 3 }).build();
}

async function filled(options: { readonly whenAbandoned?: 'wait' }): Promise<[SharedFixedArena, BytesChannel]> {
  const arena = sharedArena();
  const channel = BytesChannel.create(arena, { capacity: 1, ...options });
  await channel.send(arena.allocate().putU8(1).freeze());
  return [arena, channel];
}

function drain(channel: BytesChannel): void {
  for (let left = channel.tryReceive(); left !== undefined; left = channel.tryReceive()) left.release();
}

test('a send that waits for a receiver that died ends, and the handle is still the sender’s', async () => {
  const [arena, channel] = await filled({});
  const worker = inWorker(LIVES, channel.handle());
  arena.watch(worker);
  await answer(worker);
  const bytes = arena.allocate().putU8(2).freeze();
  const sending = channel.send(bytes);
  const sent = new Outcome(sending);
  await settled();
  assert.equal(sent.state, 'pending');
  await worker.terminate();
  await assert.rejects(sending, ABANDONED);
  assert.equal(bytes.getU8(), 2);
  await assert.rejects(channel.send(bytes), ABANDONED);
  bytes.release();
  drain(channel);
  assertAllReturned(arena);
});

test('a send that waits for a receiver that detached ends too', async () => {
  const [arena, channel] = await filled({});
  const worker = inWorker(LIVES, channel.handle());
  await answer(worker);
  const bytes = arena.allocate().putU8(2).freeze();
  const sent = channel.send(bytes);
  worker.postMessage('detach');
  await assert.rejects(sent, ABANDONED);
  await exited(worker);
  bytes.release();
  drain(channel);
  assertAllReturned(arena);
});

test('with whenAbandoned wait, a send waits for a receiver that attaches later', async () => {
  const [arena, channel] = await filled({ whenAbandoned: 'wait' });
  const worker = inWorker(LIVES, channel.handle());
  arena.watch(worker);
  await answer(worker);
  const sending = channel.send(arena.allocate().putU8(2).freeze());
  const sent = new Outcome(sending);
  await worker.terminate();
  await settled();
  assert.equal(sent.state, 'pending');
  const next = inWorker(
    `const channel = lib.BytesChannel.attach(data);
     for await (const bytes of channel) { port.postMessage(bytes.getU8()); bytes.release(); }
     channel.arena.detach();`,
    channel.handle(),
  );
  assert.deepEqual([await answer(next), await answer(next)], [1, 2]);
  await sending;
  channel.close();
  await exited(next);
  assertAllReturned(arena);
});

test('a receive ends when the senders have detached, and fails when one of them died', async () => {
  for (const dies of [false, true]) {
    const arena = sharedArena();
    const channel = BytesChannel.create(arena, { capacity: 4 });
    const worker = inWorker(
      `const channel = lib.BytesChannel.attach(data);
       for (const number of [1, 2]) channel.trySend(channel.arena.allocate().putU8(number).freeze());
       port.postMessage(0);
       port.once('message', () => { channel.arena.detach(); port.close(); });`,
      channel.handle(),
    );
    arena.watch(worker);
    await answer(worker);
    const received: number[] = [];
    const all = (async () => {
      for await (using bytes of channel) received.push(bytes.getU8());
    })();
    if (dies) {
      await worker.terminate();
      await assert.rejects(all, ABANDONED);
    } else {
      worker.postMessage('detach');
      await all;
    }
    assert.deepEqual(received, [1, 2], 'what was sent arrives first');
    assertAllReturned(arena);
  }
});

test('blocking calls end in the same way', async () => {
  const arena = sharedArena();
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const worker = inWorker(
    `const channel = lib.BytesChannel.attach(data);
     const failure = (call) => { try { return String(call()); } catch (error) { return error.code; } };
     port.postMessage(0);
     const bytes = [1, 2].map((number) => channel.arena.allocate().putU8(number).freeze());
     const sent = failure(() => { channel.sendBlocking(bytes[0]); channel.sendBlocking(bytes[1]); });
     bytes[1].release();
     channel.tryReceive().release();
     const received = failure(() => channel.receiveBlocking());
     port.postMessage([sent, received]);
     channel.arena.detach();`,
    channel.handle(),
  );
  await answer(worker);
  while (channel.length < 1) await new Promise((resolve) => setTimeout(resolve, 1));
  arena.detach();
  assert.deepEqual(await answer(worker), ['CHANNEL_ABANDONED', 'undefined']);
  await exited(worker);
});

test('a channel that no other thread has attached yet waits', async () => {
  const [arena, channel] = await filled({});
  const bytes = arena.allocate().putU8(2).freeze();
  await assert.rejects(channel.send(bytes, { timeout: 20 }), { name: 'TimeoutError' });
  bytes.release();
  drain(channel);
  assertAllReturned(arena);
});

test('a bad whenAbandoned is refused', () => {
  const arena = sharedArena();
  assert.throws(() => BytesChannel.create(arena, { capacity: 1, whenAbandoned: 'never' as 'wait' }), TypeError);
  assertAllReturned(arena);
});
