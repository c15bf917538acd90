import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import {
  BuddyArena,
  BuddyGeometry,
  Bytes,
  BytesChannel,
  ChannelClosedError,
  FixedArena,
  type SharedFixedArena,
} from 'arena-alligator';
import { activeState, STATE } from '#internal/shared/lane';
import type { SharedThread } from '#internal/shared/thread';
import { assertAllReturned, frozen } from '../support/arenas.js';
import { FakeClock } from '../support/clock.js';
import { Outcome, settled } from '../support/outcome.js';
import { answer, exited, inWorker } from '../support/threads.js';
import { uncaughtDuring } from '../support/uncaught.js';

const arenaOf = (slots: number): SharedFixedArena =>
  FixedArena.withSlotCapacity(slots, 64).shared({ maxThreads: 4 }).build();

function take(channel: BytesChannel): string | undefined {
  const bytes = channel.tryReceive();
  const text = bytes?.toString();
  bytes?.release();
  return text;
}

test('messages arrive in the order they were sent, and sending uses the handle up', () => {
  const arena = arenaOf(4);
  const channel = BytesChannel.create(arena, { capacity: 3 });
  const texts = ['one', 'two', 'three'];
  for (const text of texts) {
    const bytes = frozen(arena, text);
    assert.equal(channel.trySend(bytes), true);
    assert.equal(bytes.isReleased, true);
  }
  const fourth = frozen(arena, 'four');
  assert.equal(channel.trySend(fourth), false);
  assert.equal(fourth.toString(), 'four', 'a full channel leaves the handle alone');
  assert.equal(channel.length, 3);
  assert.equal(arena.metrics().bytesLive, 4 * 64);
  assert.deepEqual([take(channel), take(channel), take(channel), take(channel)], [...texts, undefined]);
  fourth.release();
  assertAllReturned(arena);
});

test('slices and clones arrive with their bytes, and the memory stays in use until the last handle is released', () => {
  const arena = arenaOf(1);
  const channel = BytesChannel.create(arena, { capacity: 4 });
  const bytes = frozen(arena, 'hello world');
  channel.trySend(bytes.slice(6));
  channel.trySend(bytes.clone());
  channel.trySend(bytes.slice(3, 3));
  bytes.release();
  const [world, hello, nothing] = [channel.tryReceive(), channel.tryReceive(), channel.tryReceive()];
  assert.deepEqual([world?.toString(), hello?.toString(), nothing?.toString()], ['world', 'hello world', '']);
  world?.release();
  assert.equal(arena.metrics().frees, 0);
  assert.equal(hello?.isUnique, true);
  hello?.release();
  nothing?.release();
  assertAllReturned(arena);
});

test('a channel works after its ring has wrapped around many times, with any capacity', () => {
  const arena = arenaOf(8);
  for (const capacity of [1, 2, 3, 7]) {
    const channel = BytesChannel.create(arena, { capacity });
    let sent = 0;
    let received = 0;
    while (received < 2000) {
      while (sent - received < capacity) assert.equal(channel.trySend(arena.allocate().putU32(sent++).freeze()), true);
      assert.equal(channel.trySend(Bytes.empty), false);
      for (let count = 1 + (received % capacity); count > 0; count--) {
        const bytes = channel.tryReceive();
        assert.equal(bytes?.getU32(), received++);
        bytes?.release();
      }
    }
    channel.close();
    for (let bytes = channel.tryReceive(); bytes !== undefined; bytes = channel.tryReceive()) bytes.release();
  }
  assertAllReturned(arena);
});

test('a send into a full channel waits for room, in the order of the calls', async () => {
  const arena = arenaOf(4);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const sends = ['a', 'b', 'c'].map((text) => new Outcome(channel.send(frozen(arena, text))));
  await settled();
  assert.deepEqual(
    sends.map(({ state }) => state),
    ['resolved', 'pending', 'pending'],
  );
  const got: string[] = [];
  for await (const bytes of channel) {
    got.push(bytes.toString());
    bytes.release();
    if (got.length === 3) channel.close();
  }
  assert.deepEqual(got, ['a', 'b', 'c']);
  assertAllReturned(arena);
});

test('aborted and timed-out calls reject with their reason and lose no message', async () => {
  const arena = arenaOf(2);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const stop = new AbortController();
  const receiving = channel.receive({ signal: stop.signal });
  stop.abort(new Error('enough'));
  await assert.rejects(receiving, { message: 'enough' });
  await assert.rejects(channel.receive({ timeout: 5 }), { name: 'TimeoutError' });
  assert.throws(() => channel.receiveBlocking(5), { name: 'TimeoutError' });
  channel.trySend(frozen(arena, 'x'));
  const kept = frozen(arena, 'y');
  await assert.rejects(channel.send(kept, { timeout: 5 }), { name: 'TimeoutError' });
  assert.throws(() => channel.sendBlocking(kept, 5), { name: 'TimeoutError' });
  assert.equal(kept.toString(), 'y', 'the handle is still the sender’s');
  kept.release();
  assert.equal(take(channel), 'x');
  await assert.rejects(channel.receive({ timeout: -1 }), RangeError);
  await assert.rejects(channel.send(Bytes.empty, { signal: 3 as never }), TypeError);
  assertAllReturned(arena);
});

test('a closed channel refuses senders at once and ends for receivers when it is empty', async () => {
  const arena = arenaOf(4);
  const channel = BytesChannel.create(arena, { capacity: 2 });
  channel.trySend(frozen(arena, 'one'));
  channel.trySend(frozen(arena, 'two'));
  const late = frozen(arena, 'late');
  const waiting = channel.send(late);
  channel.close();
  channel.close();
  assert.equal(channel.isClosed, true);
  await assert.rejects(waiting, ChannelClosedError);
  assert.throws(() => channel.trySend(late), { code: 'CHANNEL_CLOSED' });
  late.release();
  const got: string[] = [];
  for await (const bytes of channel) {
    got.push(bytes.toString());
    bytes.release();
  }
  assert.deepEqual(got, ['one', 'two']);
  assert.equal(await channel.receive(), undefined);
  assert.equal(channel.receiveBlocking(), undefined);
  assert.equal(channel.tryReceive(), undefined);
  assertAllReturned(arena);
});

test('a channel refuses bytes of another arena and invalid arguments, and changes nothing', async () => {
  const arena = arenaOf(2);
  const other = arenaOf(1);
  const channel = BytesChannel.create(arena, { capacity: 2 });
  const foreign = frozen(other, 'x');
  const heap = Bytes.copyFrom(Uint8Array.of(1));
  for (const bytes of [foreign, heap]) {
    assert.throws(() => channel.trySend(bytes), TypeError);
    await assert.rejects(channel.send(bytes), TypeError);
    assert.equal(bytes.isReleased, false);
    bytes.release();
    assert.throws(() => channel.trySend(bytes), { code: 'RELEASED' });
  }
  assert.throws(() => channel.trySend({} as never), TypeError);
  assert.throws(() => heap.clone(), { code: 'RELEASED' });
  assert.throws(() => Bytes.copyFrom(Uint8Array.of(1)).toTicket(), TypeError);
  assert.throws(() => frozen(FixedArena.withSlotCapacity(1, 8).build(), 'x').toTicket(), TypeError);
  for (const capacity of [0, 1.5, 65_537]) assert.throws(() => BytesChannel.create(arena, { capacity }), RangeError);
  assert.throws(
    () => BytesChannel.create(FixedArena.withSlotCapacity(1, 8).build() as never, { capacity: 1 }),
    TypeError,
  );
  assert.throws(() => BytesChannel.create(arena, undefined as never), TypeError);
  assert.throws(() => BytesChannel.attach(7 as never), TypeError);
  for (const change of [
    { type: 'x' },
    { memory: new SharedArrayBuffer(8) },
    { memory: new SharedArrayBuffer(4096) },
    { arena: {} },
  ]) {
    assert.throws(() => BytesChannel.attach({ ...channel.handle(), ...change } as never), { code: 'INVALID_HANDLE' });
  }
  assertAllReturned(arena);
  assertAllReturned(other);
});

test('a ticket can be redeemed once, and only in its own arena', () => {
  const arena = arenaOf(2);
  const ticket = structuredClone(frozen(arena, 'x').toTicket());
  const bytes = arena.redeem(ticket);
  assert.equal(bytes.toString(), 'x');
  assert.throws(() => arena.redeem(ticket), { code: 'RELEASED' });
  for (const state of [ticket.state - 1, ticket.state + 1])
    assert.throws(() => arena.redeem({ ...ticket, state }), { code: 'RELEASED' });
  assert.throws(() => arenaOf(1).redeem(bytes.clone().toTicket()), TypeError);
  for (const forged of [undefined, {}, { ...ticket, message: 'x' }])
    assert.throws(() => arena.redeem(forged as never), TypeError);
  for (const message of [-1, 65_536, 7])
    assert.throws(() => arena.redeem({ ...ticket, message }), { code: 'RELEASED' });
  const nothing = Bytes.empty;
  assert.equal(arena.redeem(nothing.toTicket()).length, 0);
  assert.equal(nothing.isReleased, true);
  bytes.release();
  assert.equal(arena.metrics().bytesLive, 64, 'a ticket that is not redeemed keeps its memory in use');
});

test('with a signal that is already aborted nothing is sent or received', async () => {
  const arena = arenaOf(2);
  const channel = BytesChannel.create(arena, { capacity: 2 });
  channel.trySend(frozen(arena, 'x'));
  const bytes = frozen(arena, 'y');
  const signal = AbortSignal.abort(new Error('before'));
  await assert.rejects(channel.send(bytes, { signal }), { message: 'before' });
  await assert.rejects(channel.receive({ signal }), { message: 'before' });
  assert.deepEqual([bytes.toString(), channel.length], ['y', 1]);
  bytes.release();
  assert.equal(take(channel), 'x');
  assertAllReturned(arena);
});

test('redeeming a damaged copy of a ticket leaves the ticket valid', () => {
  const arena = arenaOf(1);
  const ticket = frozen(arena, 'x').toTicket();
  assert.throws(() => arena.redeem({ ...ticket, state: ticket.state + 2 ** 32 }), { code: 'RELEASED' });
  arena.redeem(ticket).release();
  assertAllReturned(arena);
});

test('a channel handle that is refused does not attach the arena', async () => {
  const arena = FixedArena.withSlotCapacity(1, 8).shared({ maxThreads: 2 }).build();
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const worker = inWorker(
    `const memory = new SharedArrayBuffer(data.memory.byteLength + 256);
     new Int32Array(memory).set(new Int32Array(data.memory));
     const codes = [0, 1, 2].map(() => { try { lib.BytesChannel.attach({ ...data, memory }); } catch (error) { return error.code; } });
     port.postMessage(codes);
     port.once('message', () => port.close());`,
    channel.handle(),
  );
  assert.deepEqual(await answer(worker), ['INVALID_HANDLE', 'INVALID_HANDLE', 'INVALID_HANDLE']);
  const second = inWorker(`lib.FixedArena.attach(data); port.postMessage('attached');`, arena.handle());
  assert.equal(await answer(second), 'attached');
  worker.postMessage(0);
});

test('workers forward messages through a second channel without a copy, with three threads', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(16_384, 64)).shared({ maxThreads: 3 }).build();
  const there = BytesChannel.create(arena, { capacity: 5 });
  const back = BytesChannel.create(arena, { capacity: 2 });
  const workers = [0, 1].map(() => {
    const worker = inWorker(
      `const there = lib.BytesChannel.attach(data.there), back = lib.BytesChannel.attach(data.back);
       let count = 0;
       for (let bytes = there.receiveBlocking(); bytes !== undefined; bytes = there.receiveBlocking()) {
         count++;
         back.sendBlocking(bytes.slice(4));
         bytes.release();
       }
       port.postMessage(count);
       there.arena.detach();`,
      { there: there.handle(), back: back.handle() },
    );
    arena.watch(worker);
    return worker;
  });
  const done = workers.map(async (worker) => {
    const count = await answer<number>(worker);
    await exited(worker);
    return count;
  });
  const sending = (async () => {
    for (let number = 0; number < 1000; number++) {
      const buffer = arena.tryAllocate(8) ?? (await arena.allocateAsync(8));
      await there.send(buffer.putU32(0).putU32(number).freeze());
    }
    there.close();
  })();
  const seen = new Set<number>();
  while (seen.size < 1000) {
    const bytes = await back.receive({ timeout: 10_000 });
    seen.add(bytes?.getU32() ?? -1);
    bytes?.release();
  }
  await sending;
  const counts = await Promise.all(done);
  assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), 1000);
  assert.equal(seen.has(-1), false);
  assertAllReturned(arena);
});

test('a wait for a message or for room removes its timer and its abort listener, however it ends', async () => {
  using clock = new FakeClock();
  const arena = arenaOf(3);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const stop = new AbortController();
  const { signal } = stop;
  const attached = (): number[] => [getEventListeners(signal, 'abort').length, clock.pendingTimers];
  const received = channel.receive({ signal, timeout: 10 });
  const late = assert.rejects(channel.receive({ signal, timeout: 5 }), { name: 'TimeoutError' });
  assert.deepEqual(attached(), [1, 2]);
  clock.advance(5);
  await late;
  channel.trySend(frozen(arena, 'first'));
  (await received)?.release();
  assert.deepEqual(attached(), [0, 0]);
  channel.trySend(frozen(arena, 'second'));
  const unsent = frozen(arena, 'third');
  const sending = assert.rejects(channel.send(unsent, { signal, timeout: 10 }), { name: 'AbortError' });
  assert.deepEqual(attached(), [1, 1]);
  stop.abort();
  await sending;
  assert.deepEqual(attached(), [0, 0]);
  unsent.release();
  assert.equal(take(channel), 'second');
  assertAllReturned(arena);
});

test('a send that is refused does not change the number of holders', () => {
  const arena = arenaOf(1);
  const channel = BytesChannel.create(arena, { capacity: 2 });
  channel.close();
  const bytes = frozen(arena, 'shared');
  const clone = bytes.clone();
  assert.throws(() => channel.trySend(clone), ChannelClosedError);
  clone.release();
  assert.equal(bytes.isUnique, true);
  assert.throws(() => channel.trySend(bytes), ChannelClosedError);
  assert.equal(bytes.isUnique, true);
  bytes.release();
  assertAllReturned(arena);
});

test('message numbers are reused after messages, tickets and refused sends', () => {
  const arena = arenaOf(1);
  const open = BytesChannel.create(arena, { capacity: 2 });
  const closed = BytesChannel.create(arena, { capacity: 2 });
  closed.close();
  let bytes = frozen(arena, 'x');
  for (let round = 0; round < 66_000; round++) {
    open.trySend(bytes);
    bytes = open.tryReceive() ?? assert.fail('nothing arrived');
  }
  for (let round = 0; round < 66_000; round++) bytes = arena.redeem(bytes.toTicket());
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  for (let round = 0; round < 66_000; round++) assert.throws(() => closed.trySend(bytes), ChannelClosedError);
  Error.stackTraceLimit = stackTraceLimit;
  bytes.release();
  assertAllReturned(arena);
});

test('a later call does not overtake a call that already waits', async () => {
  const arena = arenaOf(4);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  channel.trySend(frozen(arena, 'a'));
  const second = channel.send(frozen(arena, 'b'));
  assert.equal(take(channel), 'a');
  const third = channel.send(frozen(arena, 'c'));
  await second;
  assert.equal(take(channel), 'b');
  await third;
  assert.equal(take(channel), 'c');
  const [first, last] = [new Outcome(channel.receive()), new Outcome(channel.receive())];
  channel.trySend(frozen(arena, 'd'));
  const late = new Outcome(channel.receive());
  for (let round = 0; round < 3; round++) await settled();
  assert.deepEqual([first.state, last.state, late.state], ['resolved', 'pending', 'pending']);
  assert.equal(first.value?.toString(), 'd');
  first.value?.release();
  channel.close();
  await settled();
  assertAllReturned(arena);
});

test('sending bytes that were read to their end uses the handle up and returns its memory', () => {
  const arena = arenaOf(1);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const bytes = frozen(arena, 'x');
  bytes.getU8();
  assert.equal(channel.trySend(bytes), true);
  assert.equal(bytes.isReleased, true);
  assertAllReturned(arena);
  assert.equal(channel.tryReceive()?.length, 0);
});

test('closing the channel rejects a send that waits in another thread', async () => {
  const arena = arenaOf(4);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  channel.trySend(frozen(arena, 'full'));
  const worker = inWorker(
    `const channel = lib.BytesChannel.attach(data);
     const bytes = channel.arena.allocate().putU8(1).freeze();
     const sending = channel.send(bytes);
     port.postMessage('waits');
     await sending.catch((error) => port.postMessage(error.name));
     bytes.release();
     channel.arena.detach();`,
    channel.handle(),
  );
  assert.equal(await answer(worker), 'waits');
  await new Promise((resolve) => setTimeout(resolve, 20));
  channel.close();
  assert.equal(await answer(worker), 'ChannelClosedError');
  await exited(worker);
  assert.equal(take(channel), 'full');
  assertAllReturned(arena);
});

test('a receive that has its message no longer keeps its thread running', async () => {
  const arena = arenaOf(2);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     port.once('message', () => arena.detach());
     port.postMessage(0);`,
    arena.handle(),
  );
  await answer(worker);
  {
    using clock = new FakeClock();
    const receiving = channel.receive();
    assert.equal(clock.pendingTimers, 1, 'the other thread could send');
    channel.trySend(frozen(arena, 'x'));
    (await receiving)?.release();
    assert.equal(clock.pendingTimers, 0);
  }
  worker.postMessage(0);
  await exited(worker);
  assertAllReturned(arena);
});

test('a waiting thread is woken also when more than 32 threads are attached', async () => {
  const arena = FixedArena.withSlotCapacity(2, 64).shared({ maxThreads: 40 }).build();
  const { control } = (arena as unknown as { thread: SharedThread }).thread.tools;
  // Pretend that 31 more threads are attached.
  for (let lane = 1; lane < 32; lane++) control.words[control.laneWord(lane, STATE)] = activeState(1_000_000 + lane);
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const worker = inWorker(
    `const channel = lib.BytesChannel.attach(data);
     const receiving = channel.receive();
     port.postMessage('waits');
     const bytes = await receiving;
     port.postMessage(bytes.toString());
     bytes.release();
     channel.arena.detach();`,
    channel.handle(),
  );
  assert.equal(await answer(worker), 'waits');
  await new Promise((resolve) => setTimeout(resolve, 20));
  channel.trySend(frozen(arena, 'woken'));
  assert.equal(await answer(worker), 'woken');
  await exited(worker);
  assertAllReturned(arena);
});

test('a signal that throws when its listener is removed does not keep a call from settling', async () => {
  const arena = FixedArena.withSlotCapacity(4, 64).shared({ maxThreads: 2 }).build();
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const boom = new Error('removeEventListener');
  const signal = {
    aborted: false,
    addEventListener: () => undefined,
    removeEventListener: () => {
      throw boom;
    },
  };
  const uncaught = await uncaughtDuring(async () => {
    await channel.send(arena.allocate().putU8(1).freeze());
    const sent = channel.send(arena.allocate().putU8(2).freeze(), { signal });
    channel.tryReceive()?.release();
    await sent;
    const first = await channel.receive({ signal });
    const received = channel.receive({ signal });
    await channel.send(arena.allocate().putU8(3).freeze());
    const second = await received;
    assert.deepEqual([first?.getU8(), second?.getU8()], [2, 3]);
    first?.release();
    second?.release();
  });
  assert.ok(uncaught.length > 0 && uncaught.every((error) => error === boom));
  assertAllReturned(arena);
});
