import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ArenaBuffer,
  BuddyArena,
  BuddyGeometry,
  type BuddyWaiter,
  FixedArena,
  NotifyWaiters,
  type Waiter,
  type WaitingRequest,
  type WaitRegistration,
} from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';
import { FakeClock } from '../support/clock.js';
import { Outcome, settled } from '../support/outcome.js';
import { uncaughtDuring } from '../support/uncaught.js';

/** First in, first out, and gives only hints: a woken request has to claim its memory itself. */
class HintWaiters implements Waiter, BuddyWaiter {
  readonly line: { readonly order: number; readonly wake: () => void }[] = [];
  registrations = 0;
  wakes: number[] = [];

  register(order = 0): WaitRegistration {
    this.registrations++;
    const { line } = this;
    let entry: (typeof line)[number] | undefined;
    const woken = new Promise<void>((resolve) => {
      entry = { order, wake: resolve };
    });
    return {
      woken,
      prepare: () => void (entry !== undefined && line.push(entry)),
      revoke: () => {
        const index = entry === undefined ? -1 : line.indexOf(entry);
        if (index >= 0) line.splice(index, 1);
      },
    };
  }

  wake(freedOrder = 0): void {
    this.wakes.push(freedOrder);
    const index = this.line.findIndex(({ order }) => order <= freedOrder);
    if (index >= 0) this.line.splice(index, 1)[0]?.wake();
  }
}

/** Serves no request, and adds each one to `requests`, so that the test decides what happens to it. */
function keeping(requests: WaitingRequest[]): BuddyWaiter {
  return {
    register: () => ({
      woken: new Promise(() => undefined),
      prepare: (request) => void (request !== undefined && requests.push(request)),
      revoke: () => undefined,
    }),
    wake: () => undefined,
  };
}

test('a strategy that only gives hints serves every request, with one wake for each release', async () => {
  const waiters = new HintWaiters();
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsyncWith(waiters);
  let held = arena.allocate();
  const waits = Array.from({ length: 5 }, () => new Outcome(arena.allocateAsync()));
  assert.equal(waiters.line.length, 5);
  for (const [index, wait] of waits.entries()) {
    held.abandon();
    await settled();
    assert.equal(wait.state, 'resolved');
    assert.equal(waiters.wakes.length, index + 1);
    if (wait.value !== undefined) held = wait.value;
  }
  held.abandon();
  assert.equal(waiters.registrations, 5);
  assert.equal(waiters.wakes.length, arena.metrics().frees, 'every release wakes it, also when no request waits');
  assertAllReturned(arena);
});

test('a request that finds no memory after a hint registers again', async () => {
  const waiters = new HintWaiters();
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsyncWith(waiters);
  const held = arena.allocate();
  const waiting = new Outcome(arena.allocateAsync());
  held.abandon();
  const quicker = arena.allocate(); // before the request follows the hint
  await settled();
  assert.deepEqual([waiting.state, waiters.registrations, waiters.line.length], ['pending', 2, 1]);
  quicker.abandon();
  await settled();
  assert.equal(waiting.state, 'resolved');
  waiting.value?.abandon();
  assertAllReturned(arena);
});

test('a hint to a request that is aborted before it follows the hint is passed on', async () => {
  const waiters = new HintWaiters();
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsyncWith(waiters);
  const held = arena.allocate();
  const stop = new AbortController();
  const first = assert.rejects(arena.allocateAsync({ signal: stop.signal }), { name: 'AbortError' });
  const second = new Outcome(arena.allocateAsync());
  held.abandon();
  stop.abort();
  await first;
  await settled();
  assert.equal(second.state, 'resolved');
  second.value?.abandon();
  assertAllReturned(arena);
});

test('a buddy strategy gets the order that a request asks for and the order that came free', async () => {
  const waiters = new HintWaiters();
  const arena = BuddyArena.builder(BuddyGeometry.exact(128, 16)).buildAsyncWith(waiters);
  const held = [arena.allocate(64), arena.allocate(16), arena.allocate(16), arena.allocate(32)];
  const waits = [new Outcome(arena.allocateAsync(33)), new Outcome(arena.allocateAsync(16))];
  assert.deepEqual(
    waiters.line.map(({ order }) => order),
    [2, 0],
  );
  held[1]?.abandon();
  await settled();
  assert.deepEqual(
    waits.map(({ state }) => state),
    ['pending', 'resolved'],
  );
  held[0]?.abandon();
  await settled();
  assert.equal(waits[0]?.state, 'resolved');
  for (const buffer of [held[2], held[3], ...waits.map(({ value }) => value)]) buffer?.abandon();
  assert.deepEqual(waiters.wakes.slice(0, 2), [0, 2]);
  assert.equal(waiters.wakes.at(-1), 3, 'after all coalescing');
  assertAllReturned(arena);
});

test('a wrapped NotifyWaiters hands memory over at once, or gives hints if it does not get the request', async () => {
  for (const tells of [true, false]) {
    using clock = new FakeClock();
    const inner = new NotifyWaiters();
    let wakes = 0;
    const counting: BuddyWaiter = {
      register(order) {
        const registration = inner.register(order);
        if (tells) return registration;
        const { woken } = registration;
        return { woken, prepare: () => registration.prepare(), revoke: () => registration.revoke() };
      },
      wake(freedOrder) {
        wakes++;
        inner.wake(freedOrder);
      },
    };
    const arena = BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsyncWith(counting);
    const held = arena.allocate(64);
    const waits = [16, 32, 16, 64].map((length) => {
      clock.advance(1);
      return new Outcome(arena.allocateAsync(length));
    });
    held.abandon();
    assert.equal(arena.tryAllocate(64)?.abandon(), undefined);
    if (tells) assert.equal(arena.metrics().bytesLive, 64, 'handed over in the call');
    await settled();
    await settled();
    assert.deepEqual(
      waits.map(({ state }) => state),
      ['resolved', 'resolved', 'resolved', 'pending'],
    );
    for (const { value } of waits.slice(0, 3)) value?.abandon();
    await settled();
    assert.equal(waits[3]?.state, 'resolved');
    waits[3]?.value?.abandon();
    assert.ok(wakes >= 5);
    assertAllReturned(arena);
  }
});

test('revoking twice, or before preparing, does nothing', () => {
  const waiters = new NotifyWaiters();
  const [first, second] = [waiters.register(), waiters.register()];
  first.revoke();
  first.prepare();
  first.prepare();
  second.prepare();
  first.revoke();
  first.revoke();
  waiters.wake();
  waiters.wake();
  return second.woken;
});

test('claim and reserve return false and change nothing for requests that are no longer waiting', async () => {
  const requests: WaitingRequest[] = [];
  const arena = BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsyncWith(keeping(requests));
  const held = [arena.allocate(32), arena.allocate(16), arena.allocate(16)];
  const stop = new AbortController();
  const served = arena.allocateAsync(32);
  const aborted = assert.rejects(arena.allocateAsync(32, { signal: stop.signal }), { name: 'AbortError' });
  const closed = assert.rejects(arena.allocateAsync(32), { code: 'ARENA_CLOSED' });
  const smallest = assert.rejects(arena.allocateAsync(16), { code: 'ARENA_CLOSED' });
  const [first, second, third, fourth] = requests;
  assert.deepEqual([first?.claim(), first?.reserve(), first?.reserve(), third?.reserve()], [false, true, true, false]);
  assert.equal(fourth?.reserve(), false, 'every block that comes free can serve the smallest size');
  held[0]?.abandon();
  assert.equal(first?.claim(), true);
  (await served).abandon();
  assert.deepEqual([first?.claim(), first?.reserve()], [false, false]);
  stop.abort();
  await aborted;
  assert.deepEqual([second?.claim(), second?.reserve()], [false, false]);
  assert.equal(arena.metrics().bytesLive, 32);
  arena.close();
  await Promise.all([closed, smallest]);
  assert.deepEqual([third?.claim(), third?.reserve()], [false, false]);
  for (const buffer of held) buffer.abandon();
  assertAllReturned(arena);
});

test('reserve serves a request at once if memory is free for it', async () => {
  const requests: WaitingRequest[] = [];
  const arena = BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsyncWith(keeping(requests));
  const held = arena.allocate(64);
  const waiting = arena.allocateAsync(32);
  held.abandon();
  assert.equal(requests[0]?.reserve(), true);
  assert.equal(arena.metrics().bytesSetAside, 0);
  (await waiting).abandon();
  assertAllReturned(arena);
});

test('wake is called for every freed block, also if several come free in one wake or a region ends', async () => {
  const told: number[] = [];
  let release: (() => void) | undefined;
  const requests: WaitingRequest[] = [];
  const arena = BuddyArena.builder(BuddyGeometry.exact(128, 16)).buildAsyncWith({
    ...keeping(requests),
    wake(freedOrder) {
      told.push(freedOrder);
      release?.();
      release = undefined;
    },
  });
  const held = Array.from({ length: 8 }, () => arena.allocate(16));
  const stop = new AbortController();
  const large = assert.rejects(arena.allocateAsync(64, { signal: stop.signal }), { name: 'AbortError' });
  requests[0]?.reserve(); // the upper half
  for (const index of [4, 5, 6]) held[index]?.abandon();
  assert.deepEqual(told, [], 'kept blocks are not free');
  release = () => {
    held[0]?.abandon();
    held[1]?.abandon();
  };
  held[3]?.abandon();
  assert.deepEqual(told, [0, 0, 1]);
  stop.abort();
  await large;
  assert.deepEqual(told, [0, 0, 1, 0, 1, 0]);
  held[2]?.abandon();
  held[7]?.abandon();
  assertAllReturned(arena);
});

test('when a strategy throws in register, only that request is rejected', async () => {
  const broken: Waiter = {
    register() {
      throw new Error('no line');
    },
    wake: () => undefined,
  };
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsyncWith(broken);
  const held = arena.allocate();
  await assert.rejects(arena.allocateAsync(), /no line/);
  assert.equal(arena.metrics().waiting, 0);
  held.abandon();
  (await arena.allocateAsync()).abandon();
  assertAllReturned(arena);
});

test('when woken rejects, that request is rejected with the error', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsyncWith({
    register: () => ({ woken: Promise.reject(new Error('lost')), prepare: () => undefined, revoke: () => undefined }),
    wake: () => undefined,
  });
  const held = arena.allocate();
  await assert.rejects(arena.allocateAsync(), /lost/);
  held.abandon();
  assertAllReturned(arena);
});

test('an error that a strategy throws in wake or revoke is uncaught, and does not reach the release', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsyncWith({
    register: () => ({
      woken: new Promise(() => undefined),
      prepare: () => undefined,
      revoke: () => {
        throw new Error('revoke');
      },
    }),
    wake() {
      throw new Error('wake');
    },
  });
  const held = arena.allocate();
  const stop = new AbortController();
  const aborted = assert.rejects(arena.allocateAsync({ signal: stop.signal }), { name: 'AbortError' });
  const thrown = await uncaughtDuring(() => {
    held.abandon();
    stop.abort();
    return aborted;
  });
  assert.deepEqual(thrown.map(String), ['Error: wake', 'Error: revoke']);
  assertAllReturned(arena);
});

test('a strategy may release memory or close the arena while it registers', async () => {
  const inner = new NotifyWaiters();
  let act: () => void = () => undefined;
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsyncWith({
    register: () => {
      act();
      return inner.register();
    },
    wake: () => inner.wake(),
  });
  const held = arena.allocate();
  act = () => held.abandon();
  const served = new Outcome(arena.allocateAsync());
  await settled();
  assert.equal(served.state, 'resolved');
  act = () => arena.close();
  const closed = new Outcome(arena.allocateAsync());
  await settled();
  assert.equal(closed.state, 'rejected');
  served.value?.abandon();
  assertAllReturned(arena);
});

test('memory that a strategy releases in wake serves waiting requests too', async () => {
  const inner = new NotifyWaiters();
  let extra: ArenaBuffer | undefined;
  const arena = FixedArena.withSlotCapacity(2, 16).buildAsyncWith({
    register: () => inner.register(),
    wake() {
      inner.wake();
      extra?.abandon();
      extra = undefined;
    },
  });
  const held = arena.allocate();
  extra = arena.allocate();
  const waits = [new Outcome(arena.allocateAsync()), new Outcome(arena.allocateAsync())];
  held.abandon();
  await settled();
  for (const { state, value } of waits) {
    assert.equal(state, 'resolved');
    value?.abandon();
  }
  assertAllReturned(arena);
});

test('buildAsyncWith refuses a value that is not a strategy', () => {
  const builder = FixedArena.withSlotCapacity(1, 16);
  for (const waiters of [undefined, null, 1, {}, { register: () => undefined }, { wake: () => undefined }]) {
    assert.throws(() => builder.buildAsyncWith(waiters as unknown as Waiter), TypeError);
  }
  builder.buildAsyncWith(new NotifyWaiters()).close();
});

test('wake is called for the blocks of a region whose request is served from elsewhere', async () => {
  const told: number[] = [];
  let request: WaitingRequest | undefined;
  const strategy: BuddyWaiter = {
    register: () => ({
      prepare: (wanted) => {
        request = wanted;
      },
      revoke: () => undefined,
      woken: new Promise(() => undefined),
    }),
    wake: (order) => {
      told.push(order);
      if (order === 0) request?.reserve();
      else request?.claim();
    },
  };
  const arena = BuddyArena.builder(BuddyGeometry.exact(128, 16)).buildAsyncWith(strategy);
  const half = arena.allocate(64);
  const pieces = Array.from({ length: 4 }, () => arena.allocate(16));
  const large = arena.allocateAsync(64);
  pieces[1]?.abandon();
  pieces[3]?.abandon();
  assert.equal(arena.metrics().bytesSetAside, 32);
  half.abandon();
  const served = await large;
  assert.deepEqual(told, [0, 2, 0, 0]);
  assert.equal(arena.metrics().bytesSetAside, 0);
  served.abandon();
  for (const piece of [pieces[0], pieces[2]]) piece?.abandon();
  assertAllReturned(arena);
});
