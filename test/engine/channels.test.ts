import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type ArenaEvent, type ArenaMessage, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';
import { collectUntil } from '../support/collector.js';
import { Outcome, settled } from '../support/outcome.js';
import { uncaughtDuring } from '../support/uncaught.js';
import { catchWarnings } from '../support/warnings.js';

catchWarnings();

/** Collects what the channel of `type` publishes. */
class Heard implements Disposable {
  readonly messages: ArenaMessage[] = [];
  private readonly channel: string;
  private readonly listener = (message: unknown): void => void this.messages.push(message as ArenaMessage);

  constructor(type: ArenaEvent['type']) {
    this.channel = `arena-alligator:${type}`;
    subscribe(this.channel, this.listener);
  }

  [Symbol.dispose](): void {
    unsubscribe(this.channel, this.listener);
  }
}

test('the channels failure, spill and close tell of every arena, and name it', () => {
  using failures = new Heard('failure');
  using spills = new Heard('spill');
  using closes = new Heard('close');
  const fixed = FixedArena.withSlotCapacity(1, 8).autoSpill().build();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 64)).build();
  const buffer = fixed.allocate();
  assert.equal(fixed.tryAllocate(), undefined);
  assert.throws(() => buddy.allocate(65), { code: 'REQUEST_TOO_LARGE' });
  buffer.putBytes(1, 9).abandon();
  for (const arena of [fixed, fixed, buddy]) arena.close();
  assert.deepEqual(
    failures.messages.map(({ arena, ...event }) => [arena === fixed, event]),
    [
      [true, { type: 'failure', code: 'ARENA_FULL', requested: 8 }],
      [false, { type: 'failure', code: 'REQUEST_TOO_LARGE', requested: 65 }],
    ],
  );
  assert.deepEqual(
    spills.messages.map(({ arena }) => arena === fixed),
    [true],
  );
  assert.deepEqual(
    closes.messages.map(({ arena }) => arena === fixed),
    [true, false],
  );
  for (const arena of [fixed, buddy]) assertAllReturned(arena);
});

test('the channels park and wake tell how long a request waited, and whether it was served', async () => {
  using parks = new Heard('park');
  using wakes = new Heard('wake');
  const arena = FixedArena.withSlotCapacity(1, 8).buildAsync();
  const held = arena.allocate();
  const served = arena.allocateAsync();
  const stop = new AbortController();
  const cancelled = new Outcome(arena.allocateAsync({ signal: stop.signal }));
  assert.deepEqual(
    parks.messages.map((event) => event.type === 'park' && [event.arena === arena, event.bytes, event.waiting]),
    [
      [true, 8, 1],
      [true, 8, 2],
    ],
  );
  stop.abort();
  await settled();
  assert.equal(cancelled.state, 'rejected');
  held.abandon();
  (await served).abandon();
  assert.deepEqual(
    wakes.messages.map((event) => event.type === 'wake' && [event.served, event.waiting, event.waited >= 0]),
    [
      [false, 1, true],
      [true, 0, true],
    ],
  );
  (await arena.allocateAsync()).abandon();
  assert.equal(parks.messages.length, 2, 'a request that need not wait tells nothing');
  assertAllReturned(arena);
});

test('the channel leak tells of forgotten handles', async () => {
  using leaks = new Heard('leak');
  const arena = FixedArena.withSlotCapacity(1, 8)
    .onLeak(() => undefined)
    .build();
  (() => {
    arena.allocate().putU8(1);
  })();
  await collectUntil(() => leaks.messages.length === 1);
  const [event] = leaks.messages;
  assert.ok(event?.type === 'leak' && event.arena === arena);
  assertAllReturned(arena);
});

test('the channel reclaim tells what a dead thread held', async () => {
  using reclaims = new Heard('reclaim');
  const arena = FixedArena.withSlotCapacity(2, 8).shared({ maxThreads: 2 }).build();
  const worker = new Worker(
    `import('arena-alligator').then(({ FixedArena }) => {
      FixedArena.attach(require('node:worker_threads').workerData).allocate();
      process.exit();
    });`,
    { eval: true, workerData: arena.handle() },
  );
  const { threadId } = worker;
  await new Promise((resolve) => worker.once('exit', resolve));
  assert.equal(arena.reclaim(threadId), 1);
  const [event] = reclaims.messages;
  assert.ok(event?.type === 'reclaim');
  assert.deepEqual([event.arena === arena, event.threadId, event.allocations], [true, threadId, 1]);
  assertAllReturned(arena);
});

test('an error of a subscriber is an uncaught exception, and the call goes on', async () => {
  const arena = FixedArena.withSlotCapacity(1, 8).build();
  const listener = (): void => {
    throw new Error('of a subscriber');
  };
  subscribe('arena-alligator:failure', listener);
  const held = arena.allocate();
  const errors = await uncaughtDuring(async () => {
    assert.equal(arena.tryAllocate(), undefined);
    await settled();
  });
  unsubscribe('arena-alligator:failure', listener);
  assert.match(String(errors), /of a subscriber/);
  held.abandon();
  assertAllReturned(arena);
});
