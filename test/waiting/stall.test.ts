import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedArena } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';
import { FakeClock } from '../support/clock.js';
import { catchWarnings } from '../support/warnings.js';

const warnings = catchWarnings();

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a request that waits for 10 s while no memory comes back is reported once, with the sites that hold it', async () => {
  using clock = new FakeClock();
  const arena = FixedArena.withSlotCapacity(2, 64).leakDetection('full').buildAsync();
  const held = [1, 2].map(() => arena.allocate());
  const waits = [arena.allocateAsync(), arena.allocateAsync()];
  clock.advance(9_999);
  await settle();
  clock.advance(20_001);
  await settle();
  const later = arena.allocateAsync({ timeout: 30_000 });
  clock.advance(30_000);
  await assert.rejects(later, { name: 'TimeoutError' });
  for (const buffer of held) buffer.abandon();
  for (const buffer of await Promise.all(waits)) buffer.abandon();
  assert.deepEqual(warnings.codes, ['ARENA_STALLED']);
  const [message = ''] = warnings.messages;
  assert.match(message, /^2 requests have waited for memory for up to 10000 ms/);
  assert.match(message, /128 of 128 bytes are in use/);
  assert.match(message, /Open allocations:\n {2}2 of 128 bytes together, from .*stall\.test/);
  assertAllReturned(arena);
});

test('no stall is reported while memory comes back, when the wait is served, or when the warning is off', async () => {
  using clock = new FakeClock();
  const busy = FixedArena.withSlotCapacity(1, 64).buildAsync();
  let held = busy.allocate();
  for (let round = 0; round < 10; round++) {
    const wait = busy.allocateAsync();
    clock.advance(9_000);
    held.abandon();
    held = await wait;
  }
  held.abandon();
  assertAllReturned(busy);
  const quiet = FixedArena.withSlotCapacity(1, 64).warnOnStall(false).buildAsync();
  const last = quiet.allocate();
  const wait = quiet.allocateAsync();
  clock.advance(100_000);
  await settle();
  last.abandon();
  (await wait).abandon();
  assertAllReturned(quiet);
  assert.deepEqual(warnings.codes, []);
});

test('the time after which a stall is reported can be set', async () => {
  using clock = new FakeClock();
  const arena = FixedArena.withSlotCapacity(1, 64).warnOnStall(50).buildAsync();
  const held = arena.allocate();
  const wait = arena.allocateAsync();
  clock.advance(50);
  await settle();
  held.abandon();
  (await wait).abandon();
  assert.deepEqual(warnings.codes, ['ARENA_STALLED']);
  for (const bad of [0, -1, 1.5, 2 ** 31]) {
    assert.throws(() => FixedArena.withSlotCapacity(1, 1).warnOnStall(bad), RangeError);
  }
  assert.throws(() => FixedArena.withSlotCapacity(1, 1).warnOnStall(true as false), TypeError);
  assertAllReturned(arena);
});

test('a request that began to wait later has its full time before a stall is reported', async () => {
  using clock = new FakeClock();
  const arena = FixedArena.withSlotCapacity(1, 64).buildAsync();
  const held = arena.allocate();
  await Promise.all([
    assert.rejects(arena.allocateAsync({ timeout: 5_000 })),
    settle().then(() => clock.advance(5_000)),
  ]);
  const wait = arena.allocateAsync();
  clock.advance(9_000);
  await settle();
  assert.deepEqual(warnings.codes, []);
  clock.advance(11_000);
  await settle();
  assert.deepEqual(warnings.codes, ['ARENA_STALLED']);
  held.abandon();
  (await wait).abandon();
  assertAllReturned(arena);
});
