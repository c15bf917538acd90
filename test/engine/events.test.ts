import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArenaEvent, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';
import { collectUntil } from '../support/collector.js';
import { uncaughtDuring } from '../support/uncaught.js';
import { catchWarnings } from '../support/warnings.js';

const warnings = catchWarnings();

test('a listener hears of refused allocations and of spills, until it leaves', () => {
  const arena = FixedArena.withSlotCapacity(1, 8).autoSpill().build();
  const events: ArenaEvent[] = [];
  const leave = arena.listen((event) => events.push(event));
  const buffer = arena.allocate();
  assert.equal(arena.tryAllocate(), undefined);
  assert.throws(() => arena.allocate(9), { code: 'REQUEST_TOO_LARGE' });
  buffer.putBytes(1, 9).abandon();
  arena.close();
  assert.throws(() => arena.allocate(), { code: 'ARENA_CLOSED' });
  leave();
  assert.throws(() => arena.allocate(), { code: 'ARENA_CLOSED' });
  assert.deepEqual(events, [
    { type: 'failure', code: 'ARENA_FULL', requested: 8 },
    { type: 'failure', code: 'REQUEST_TOO_LARGE', requested: 9 },
    { type: 'spill' },
    { type: 'close' },
    { type: 'failure', code: 'ARENA_CLOSED', requested: undefined },
  ]);
  assertAllReturned(arena);
});

test('every kind of arena tells of an allocation that it refuses', () => {
  const geometry = BuddyGeometry.exact(64, 64);
  for (const arena of [
    FixedArena.withSlotCapacity(1, 64).isolated().build(),
    FixedArena.withSlotCapacity(1, 64).shared({ maxThreads: 1 }).build(),
    BuddyArena.builder(geometry).build(),
    BuddyArena.builder(geometry).shared({ maxThreads: 1 }).build(),
  ]) {
    const events: ArenaEvent[] = [];
    arena.listen((event) => events.push(event));
    const buffer = arena.allocate(64);
    assert.equal(arena.tryAllocate(64), undefined);
    buffer.abandon();
    assert.deepEqual(events, [{ type: 'failure', code: 'ARENA_FULL', requested: 64 }]);
    assertAllReturned(arena);
  }
});

test('a listener hears of a leak', async () => {
  const arena = FixedArena.withSlotCapacity(1, 8).leakDetection('full').build();
  const events: ArenaEvent[] = [];
  arena.listen((event) => events.push(event));
  (() => {
    arena.allocate().putU8(1);
  })();
  await collectUntil(() => events.length === 1);
  assert.deepEqual(warnings.codes, ['ARENA_LEAK']);
  const [event] = events;
  assert.ok(event?.type === 'leak');
  assert.match(event.leak.site ?? '', /events\.test/);
  assertAllReturned(arena);
});

test('a listener hears of a stall', async () => {
  const arena = FixedArena.withSlotCapacity(1, 8).warnOnStall(5).buildAsync();
  const held = arena.allocate();
  const stalled = new Promise<ArenaEvent>((resolve) => {
    arena.listen((event) => event.type === 'stall' && resolve(event));
  });
  const waiting = arena.allocateAsync();
  const keepAlive = setTimeout(() => undefined, 10_000);
  const event = await stalled;
  clearTimeout(keepAlive);
  assert.ok(event.type === 'stall' && event.waiting === 1 && event.age >= 5);
  assert.deepEqual(warnings.codes, ['ARENA_STALLED']);
  held.abandon();
  (await waiting).abandon();
  assertAllReturned(arena);
});

test('a listener that leaves and comes back hears of each event once', () => {
  const arena = FixedArena.withSlotCapacity(1, 8).build();
  const held = arena.allocate();
  let heard = 0;
  let leave: () => void = () => undefined;
  const listener = (): void => {
    heard++;
    leave();
    leave = arena.listen(listener);
  };
  leave = arena.listen(listener);
  for (const expected of [1, 2]) {
    assert.equal(arena.tryAllocate(), undefined);
    assert.equal(heard, expected);
  }
  held.abandon();
  assertAllReturned(arena);
});

test('an error of a listener is uncaught, and the others hear of the event', async () => {
  const arena = FixedArena.withSlotCapacity(1, 8).build();
  let heard = 0;
  arena.listen(() => {
    throw new Error('listener');
  });
  arena.listen(() => heard++);
  const buffer = arena.allocate();
  const errors = await uncaughtDuring(() => assert.equal(arena.tryAllocate(), undefined));
  assert.match(String(errors), /listener/);
  assert.equal(heard, 1);
  buffer.abandon();
  assert.throws(() => arena.listen(undefined as unknown as () => void), TypeError);
  assertAllReturned(arena);
});
