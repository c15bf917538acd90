import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { type ArenaBuffer, type AsyncFixedArena, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { allocateAll, assertAllReturned } from '../support/arenas.js';
import { FakeClock } from '../support/clock.js';
import { Outcome, settled } from '../support/outcome.js';
import { randomFrom } from '../support/random.js';

function oneSlot(): { arena: AsyncFixedArena; held: ArenaBuffer } {
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsync();
  return { arena, held: arena.allocate() };
}

test('an abort rejects with the reason of the signal, and the next request is served', async () => {
  const { arena, held } = oneSlot();
  const stop = new AbortController();
  const reason = new Error('enough');
  const first = assert.rejects(arena.allocateAsync({ signal: stop.signal }), (error) => error === reason);
  const second = arena.allocateAsync();
  stop.abort(reason);
  await first;
  held.abandon();
  (await second).abandon();
  const metrics = arena.metrics();
  assert.deepEqual([metrics.waitsServed, metrics.waitsCancelled], [1, 1]);
  assertAllReturned(arena);
});

test('an abort with the reason null rejects with null', async () => {
  const { arena, held } = oneSlot();
  const stop = new AbortController();
  const outcome = new Outcome(arena.allocateAsync({ signal: stop.signal }));
  stop.abort(null);
  await settled();
  assert.deepEqual([outcome.state, outcome.error], ['rejected', null]);
  held.abandon();
  assertAllReturned(arena);
});

test('a signal that is already aborted rejects, even if memory is free', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsync();
  await assert.rejects(arena.allocateAsync({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.equal(arena.metrics().allocationsOk, 0);
});

test('an abort after the memory was handed over has no effect, and the caller gets the buffer', async () => {
  const { arena, held } = oneSlot();
  const stop = new AbortController();
  const waiting = arena.allocateAsync({ signal: stop.signal });
  held.abandon();
  stop.abort();
  (await waiting).abandon();
  assertAllReturned(arena);
});

test('a timeout rejects with a TimeoutError, on time and not before', async () => {
  using clock = new FakeClock();
  const { arena, held } = oneSlot();
  const waiting = new Outcome(arena.allocateAsync({ timeout: 50 }));
  clock.advance(49);
  await settled();
  assert.equal(waiting.state, 'pending');
  clock.advance(1);
  await settled();
  assert.ok(waiting.error instanceof DOMException);
  assert.equal(waiting.error.name, 'TimeoutError');
  assert.match(waiting.error.message, /50 ms/);
  assert.equal(arena.metrics().longestWait, 50);
  held.abandon();
  assertAllReturned(arena);
});

test('a timeout of 0 tries once', async () => {
  const { arena, held } = oneSlot();
  await assert.rejects(arena.allocateAsync({ timeout: 0 }), { name: 'TimeoutError' });
  held.abandon();
  (await arena.allocateAsync({ timeout: 0 })).abandon();
  assertAllReturned(arena);
});

test('a wait removes its timer and its abort listener, however it ends', async () => {
  using clock = new FakeClock();
  const { arena, held } = oneSlot();
  const stop = new AbortController();
  const { signal } = stop;
  const attached = (): number[] => [getEventListeners(signal, 'abort').length, clock.pendingTimers];
  const served = arena.allocateAsync({ signal, timeout: 10 });
  const timedOut = assert.rejects(arena.allocateAsync({ signal, timeout: 5 }), { name: 'TimeoutError' });
  assert.deepEqual(attached(), [1, 2], 'one listener for both requests');
  clock.advance(5);
  held.abandon();
  const buffer = await served;
  await timedOut;
  assert.deepEqual(attached(), [0, 0]);
  const aborted = assert.rejects(arena.allocateAsync({ signal, timeout: 5 }), { name: 'AbortError' });
  stop.abort();
  await aborted;
  assert.deepEqual(attached(), [0, 0]);
  buffer.abandon();
  assertAllReturned(arena);
});

test('many waits on one signal cause no leak warning', async () => {
  const { arena, held } = oneSlot();
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const stop = new AbortController();
  const waits = Array.from({ length: 50 }, () => arena.allocateAsync({ signal: stop.signal }));
  stop.abort();
  await Promise.allSettled(waits);
  await settled();
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
  held.abandon();
  assertAllReturned(arena);
});

test('when a request is served, the signal still aborts other requests that share it', async () => {
  const { arena, held } = oneSlot();
  const stop = new AbortController();
  const first = arena.allocateAsync({ signal: stop.signal });
  const second = assert.rejects(arena.allocateAsync({ signal: stop.signal }), { name: 'AbortError' });
  held.abandon();
  const buffer = await first;
  stop.abort();
  await second;
  buffer.abandon();
  assertAllReturned(arena);
});

test('a custom signal without working listeners rejects, and one without a reason gets an AbortError', async () => {
  const { arena, held } = oneSlot();
  const deaf = {
    aborted: false,
    addEventListener() {
      throw new Error('deaf');
    },
    removeEventListener: () => undefined,
  } as unknown as AbortSignal;
  await assert.rejects(arena.allocateAsync({ signal: deaf }), /deaf/);
  assert.equal(arena.metrics().waiting, 0);
  const silent = { ...deaf, aborted: true } as AbortSignal;
  await assert.rejects(arena.allocateAsync({ signal: silent }), { name: 'AbortError' });
  const half = { aborted: false, addEventListener: () => undefined } as unknown as AbortSignal;
  await assert.rejects(arena.allocateAsync({ signal: half }), TypeError);
  held.abandon();
  assertAllReturned(arena);
});

test('longestWait includes requests that still wait', async () => {
  using clock = new FakeClock();
  const { arena, held } = oneSlot();
  const first = arena.allocateAsync();
  clock.advance(5);
  const second = arena.allocateAsync();
  clock.advance(7);
  assert.equal(arena.metrics().longestWait, 12);
  held.abandon();
  const buffer = await first;
  clock.advance(1);
  assert.equal(arena.metrics().longestWait, 12);
  clock.advance(10);
  assert.equal(arena.metrics().longestWait, 18);
  buffer.abandon();
  (await second).abandon();
  const third = arena.allocateAsync();
  (await third).abandon();
  assert.equal(arena.metrics().longestWait, 18);
  assertAllReturned(arena);
});

test('memory that another listener of the signal releases does not go to the aborted request', async () => {
  const { arena, held } = oneSlot();
  const stop = new AbortController();
  stop.signal.addEventListener('abort', () => held.abandon());
  const aborted = assert.rejects(arena.allocateAsync({ signal: stop.signal }), { name: 'AbortError' });
  const other = new Outcome(arena.allocateAsync());
  stop.abort();
  await aborted;
  await settled();
  assert.equal(other.state, 'resolved', 'the next request gets the memory');
  other.value?.abandon();
  assertAllReturned(arena);
});

test('of two aborted requests with one signal, neither is served with memory that the other leaves', async () => {
  using clock = new FakeClock();
  const arena = BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsync();
  const held = [1, 2, 3, 4].map(() => arena.allocate(16));
  const stop = new AbortController();
  const large = assert.rejects(arena.allocateAsync(64, { signal: stop.signal }), { name: 'AbortError' });
  clock.advance(20);
  held[0]?.abandon(); // kept for the large request from here on
  assert.equal(arena.metrics().bytesSetAside, 16);
  const small = assert.rejects(arena.allocateAsync(16, { signal: stop.signal }), { name: 'AbortError' });
  const other = new Outcome(arena.allocateAsync(16));
  stop.abort();
  await Promise.all([large, small]);
  await settled();
  assert.equal(other.state, 'resolved');
  other.value?.abandon();
  for (const buffer of held) buffer.abandon();
  assert.equal(arena.metrics().bytesSetAside, 0);
  assertAllReturned(arena);
});

test('10,000 requests for 8 slots with random aborts and timeouts settle in order, and free all slots', async () => {
  const random = randomFrom(7);
  const arena = FixedArena.withSlotCapacity(8, 16).buildAsync();
  const held = allocateAll(arena);
  const served: number[] = [];
  let [aborted, timedOut] = [0, 0];
  const requests = Array.from({ length: 10_000 }, async (_, index) => {
    const kind = random(3);
    const stop = new AbortController();
    if (kind === 1) setTimeout(() => stop.abort(), random(60));
    const options = kind === 2 ? { timeout: random(60) } : { signal: stop.signal };
    try {
      const buffer = await arena.allocateAsync(options);
      served.push(index);
      if (random(2) === 0) await settled();
      buffer.putU32(index).freeze().release();
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') timedOut++;
      else if ((error as Error).name === 'AbortError') aborted++;
      else throw error;
    }
  });
  for (const buffer of held) {
    await settled();
    buffer.abandon();
  }
  await Promise.all(requests);
  assert.equal(served.length + aborted + timedOut, 10_000);
  assert.ok(served.length >= 3000, 'a third of the requests are neither aborted nor timed out');
  assert.deepEqual(
    served,
    [...served].sort((one, other) => one - other),
  );
  const metrics = arena.metrics();
  assert.deepEqual(
    [metrics.waiting, metrics.waitsServed, metrics.waitsCancelled],
    [0, served.length, aborted + timedOut],
  );
  assertAllReturned(arena);
});
