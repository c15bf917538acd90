import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type ArenaBuffer, BuddyArena, BuddyGeometry, type Bytes, BytesChannel, FixedArena } from 'arena-alligator';
import fc from 'fast-check';
import { ChannelSurvey } from '#internal/inspector/channel-survey';
import { type BlockMap, STATES } from '#internal/inspector/snapshot';
import { Survey } from '#internal/inspector/survey';
import { assertAllReturned } from '../support/arenas.js';
import { collectUntil } from '../support/collector.js';
import { catchWarnings } from '../support/warnings.js';

catchWarnings();

function mapOf(survey: Survey): BlockMap {
  const { map } = survey.look(true);
  assert.ok(map !== undefined);
  return map;
}

/** The state of each cell, in words. */
function statesOf({ cells }: BlockMap): (string | undefined)[] {
  const all = cells.match(/..../g) ?? [];
  return all.map(([state, share]) => (share === '0' ? 'free' : STATES[Number(state)]));
}

test('a slot is free, being written, frozen or lent, and its holders are counted', () => {
  const arena = FixedArena.withSlotCapacity(4, 64).build();
  const survey = new Survey('one', arena);
  const all = [0, 1, 2, 3].map(() => arena.allocate());
  for (const buffer of all) buffer.abandon();
  assert.deepEqual(statesOf(mapOf(survey)), ['free', 'free', 'free', 'free']);
  const [writing, frozen, lent] = [arena.allocate(), arena.allocate(), arena.allocate()];
  writing.putUtf8('not yet');
  const bytes = frozen.putUtf8('done').freeze();
  const clones = [bytes.clone(), bytes.clone()];
  const viewed = lent.putUtf8('seen').freeze();
  assert.equal(viewed.view.length, 4);
  const map = mapOf(survey);
  assert.deepEqual({ ...map.counts }, { free: 1, used: 0, writing: 1, frozen: 1, lent: 1, pinned: 0 });
  assert.deepEqual([map.unit, map.units, map.unitsPerCell], [64, 4, 1]);
  assert.deepEqual([...(map.cells.match(/..../g) ?? [])].map((cell) => cell[2]).sort(), ['0', '1', '1', '3']);
  for (const handle of [bytes, viewed, ...clones]) handle.release();
  writing.abandon();
  assert.equal(mapOf(survey).counts.free, 4);
  assertAllReturned(arena);
});

test('slots that were taken before the first look are in use, and pinned ones stay', async () => {
  const arena = FixedArena.withSlotCapacity(2, 64)
    .onLeak(() => undefined)
    .build();
  const held = arena.allocate();
  (() => {
    assert.equal(arena.allocate().putU8(1).freeze().view.length, 1);
  })();
  const survey = new Survey('two', arena);
  assert.equal(mapOf(survey).counts.used, 2);
  await collectUntil(() => arena.metrics().leaksPinned === 1);
  assert.deepEqual([mapOf(survey).counts.used, mapOf(survey).counts.pinned], [1, 1]);
  held.abandon();
  assert.deepEqual([mapOf(survey).counts.free, mapOf(survey).counts.pinned], [1, 1]);
});

test('a slot whose record the collector took shows its state again once it is used', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64)
    .onLeak(() => undefined)
    .build();
  const survey = new Survey('again', arena);
  arena.allocate().abandon();
  assert.equal(mapOf(survey).counts.free, 1);
  (() => {
    arena.allocate().putU8(1);
  })();
  await collectUntil(() => arena.metrics().leaksReclaimed === 1);
  arena.allocate().abandon();
  assert.equal(mapOf(survey).counts.free, 1);
  const bytes = arena.allocate().putU8(1).freeze();
  assert.equal(mapOf(survey).counts.frozen, 1);
  bytes.release();
  assertAllReturned(arena);
});

test('the map of a buddy arena agrees with its counters after any program, and so does that of a fixed arena', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ size: fc.integer({ min: 1, max: 3000 }), releases: fc.boolean() })), (steps) => {
      const buddy = BuddyArena.builder(BuddyGeometry.exact(16_384, 64)).build();
      const fixed = FixedArena.withSlotCapacity(10, 3000).build();
      const surveys = [buddy, fixed].map((arena) => new Survey('any', arena));
      const held: (ArenaBuffer | Bytes)[] = [];
      for (const { size, releases } of steps) {
        for (const arena of [buddy, fixed]) {
          const buffer = arena.tryAllocate(size);
          if (buffer !== undefined) held.push(buffer);
        }
        const back = releases ? held.shift() : undefined;
        if (back !== undefined && 'abandon' in back) back.abandon();
        for (const survey of surveys) {
          const { map, metrics } = survey.look(true);
          assert.ok(map !== undefined);
          const free = map.counts.free * map.unit;
          assert.equal((metrics.bytesReserved ?? 0) - free, metrics.bytesLive);
        }
      }
      for (const handle of held) if ('abandon' in handle) handle.abandon();
      for (const arena of [buddy, fixed]) assertAllReturned(arena);
    }),
    { numRuns: 30 },
  );
});

test('a million slots are shown in 2048 cells or fewer, and a shared arena has figures but no map', () => {
  const arena = FixedArena.withSlotCapacity(1_000_000, 8).build();
  const held = Array.from({ length: 5 }, () => arena.allocate());
  const { counts, cells, unitsPerCell } = mapOf(new Survey('large', arena));
  assert.deepEqual([counts.free, counts.used, cells.length / 4 <= 2048, unitsPerCell], [999_995, 5, true, 489]);
  assert.equal(cells.slice(0, 3), '110', 'a cell with anything in use shows it');
  for (const buffer of held) buffer.abandon();
  assertAllReturned(arena);
  const shared = FixedArena.withSlotCapacity(2, 8).shared({ maxThreads: 1 }).build();
  const { map, metrics } = new Survey('shared', shared).look(true);
  assert.deepEqual([map, metrics.bytesReserved], [undefined, 16]);
});

test('the age of a slot is how long it has been seen in use', async () => {
  const arena = FixedArena.withSlotCapacity(2, 8).build();
  const survey = new Survey('old', arena);
  const held = arena.allocate();
  const ageOf = ({ cells }: BlockMap): string | undefined =>
    (cells.match(/..../g) ?? []).find((cell) => cell[1] !== '0')?.[3];
  assert.equal(ageOf(mapOf(survey)), '0');
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(ageOf(mapOf(survey)), '2');
  held.abandon();
  assert.equal(ageOf(mapOf(survey)), undefined);
  const again = arena.allocate();
  assert.equal(ageOf(mapOf(survey)), '0');
  again.abandon();
  assertAllReturned(arena);
});

test('the threads of a shared arena, and the messages that wait in a channel, are counted', async () => {
  const arena = FixedArena.withSlotCapacity(4, 8).shared({ maxThreads: 2 }).build();
  const worker = new Worker(
    `import('arena-alligator').then(({ FixedArena }) => {
      const { parentPort, workerData } = require('node:worker_threads');
      const arena = FixedArena.attach(workerData);
      arena.allocate().abandon();
      parentPort.once('message', () => arena.detach());
      parentPort.postMessage('ready');
    });`,
    { eval: true, workerData: arena.handle() },
  );
  await once(worker, 'message');
  const held = arena.allocate();
  const { threads, kind } = new Survey('shared', arena).look(true);
  assert.equal(kind, 'arena');
  assert.deepEqual(
    threads.map(({ threadId, allocationsOk, frees, waiting }) => [threadId, allocationsOk, frees, waiting]),
    [
      [arena.threadId, 1, 0, 0],
      [worker.threadId, 1, 1, 0],
    ],
  );
  worker.postMessage('leave');
  await once(worker, 'exit');
  assert.equal(new Survey('shared', arena).look(true).threads.length, 1);
  const channel = BytesChannel.create(arena, { capacity: 2 });
  assert.equal(channel.trySend(held.putU8(1).freeze()), true);
  const look = new ChannelSurvey('jobs', channel).look();
  assert.deepEqual([look.kind, look.name, { ...look.metrics }], ['channel', 'jobs', { length: 1, capacity: 2 }]);
  channel.tryReceive()?.release();
  channel.close();
  assertAllReturned(arena);
});

test('a map is left out when nothing changed, and open allocations are listed by site', async () => {
  const arena = FixedArena.withSlotCapacity(2, 8).leakDetection('full').build();
  const survey = new Survey('again', arena);
  assert.ok(survey.look(true).map !== undefined);
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1000)); // maps have their own pace
  await pause();
  assert.equal(survey.look(false).map, undefined);
  const held = arena.allocate();
  await pause();
  assert.ok(survey.look(false).map !== undefined, 'something changed');
  const { sites, name, title } = survey.look(true);
  assert.deepEqual([sites.length, sites[0]?.count, sites[0]?.bytes, name], [1, 1, 8, 'again']);
  assert.match(sites[0]?.site ?? '', /survey\.test/);
  assert.match(title, /^FixedArena\(1\/2 slots/);
  held.abandon();
  assertAllReturned(arena);
});
