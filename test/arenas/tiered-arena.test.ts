import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  type ArenaBuffer,
  AsyncTieredArena,
  BuddyArena,
  BuddyGeometry,
  FixedArena,
  TieredArena,
} from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { Outcome, settled } from '../support/outcome.js';

const tier = (slotCount: number, slotCapacity: number): FixedArena =>
  FixedArena.withSlotCapacity(slotCount, slotCapacity).build();
const asyncTier = (
  slotCount: number,
  slotCapacity: number,
): ReturnType<ReturnType<typeof FixedArena.withSlotCapacity>['buildAsync']> =>
  FixedArena.withSlotCapacity(slotCount, slotCapacity).buildAsync();

test('a request takes a slot of the smallest tier that holds it, and climbs when that is full', () => {
  const arena = new TieredArena([tier(1, 256), tier(2, 64), tier(1, 1024)]);
  assert.deepEqual(
    arena.tiers.map(({ slotCapacity }) => slotCapacity),
    [64, 256, 1024],
  );
  const held = [1, 64, 64, 65].map((length) => arena.allocate(length));
  assert.deepEqual(
    held.map(({ capacity }) => capacity),
    [64, 64, 256, 1024],
  );
  assert.equal(arena.tryAllocate(1), undefined);
  assert.throws(() => arena.allocate(1), {
    code: 'ARENA_FULL',
    requested: 1,
    capacity: 1408,
    live: 1408,
    largestFreeBlock: 0,
  });
  assert.throws(() => arena.allocate(1025), { code: 'REQUEST_TOO_LARGE', requested: 1025 });
  const { allocationsOk, allocationsFailed, climbs, fallbacks, bytesLive } = arena.metrics();
  assert.deepEqual([allocationsOk, allocationsFailed, climbs, fallbacks, bytesLive], [4, 3, 2, 0, 1408]);
  assert.equal(arena.tiers[0]?.metrics().allocationsFailed, 0, 'a full tier that is climbed over did not fail');
  for (const buffer of held) buffer.putU8(1).freeze().release();
  assertAllReturned(arena);
});

test('what no tier serves goes to the fallback: a buddy arena, or the heap', () => {
  const buddy = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).build();
  const arena = new TieredArena([tier(1, 64)], { fallback: buddy });
  const held = [arena.allocate(64), arena.allocate(10), arena.allocate(2000)];
  assert.deepEqual(
    held.map(({ capacity }) => capacity),
    [64, 64, 2048],
  );
  assert.throws(() => arena.allocate(4097), { code: 'REQUEST_TOO_LARGE' });
  for (const buffer of held) buffer.abandon();
  assert.deepEqual([arena.metrics().fallbacks, arena.metrics().allocationsFailed], [2, 1]);
  for (const one of [arena, buddy]) assertAllReturned(one);
  const heaped = new TieredArena([tier(1, 64)], { fallback: 'heap' });
  const [first, second, large] = [heaped.allocate(64), heaped.allocate(64), heaped.allocate(100_000)];
  assert.deepEqual(
    [first?.isSpilled, second?.isSpilled, large?.isSpilled, large?.capacity],
    [false, true, true, 100_000],
  );
  assert.deepEqual([...(second?.putUtf8('heap').freeze() ?? [])], [...Buffer.from('heap')]);
  assert.throws(() => heaped.allocate(2 ** 52), { code: 'REQUEST_TOO_LARGE' });
  assert.deepEqual([heaped.metrics().fallbacks, heaped.metrics().allocationsFailed], [2, 1]);
  for (const buffer of [first, large]) buffer?.abandon();
  assertAllReturned(heaped);
});

test('random requests: each gets the smallest slot that is free and large enough, and the counters agree with a naive model', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.record({ slots: fc.integer({ min: 1, max: 3 }), size: fc.integer({ min: 1, max: 6 }) }), {
        minLength: 1,
        maxLength: 4,
        selector: ({ size }) => size,
      }),
      fc.array(fc.record({ length: fc.integer({ min: 1, max: 7 }), releases: fc.boolean() }), { maxLength: 30 }),
      (classes, steps) => {
        const arena = new TieredArena(classes.map(({ slots, size }) => tier(slots, 64 * size)));
        const free = new Map(classes.map(({ slots, size }) => [64 * size, slots]));
        const sizes = [...free.keys()].sort((a, b) => a - b);
        const held: ArenaBuffer[] = [];
        let [climbs, failures] = [0, 0];
        for (const { length: units, releases } of steps) {
          const length = 64 * units - 3;
          const fitting = sizes.filter((size) => size >= length);
          const expected = fitting.find((size) => (free.get(size) ?? 0) > 0);
          if (fitting.length === 0) assert.throws(() => arena.tryAllocate(length), { code: 'REQUEST_TOO_LARGE' });
          else {
            const buffer = arena.tryAllocate(length);
            assert.equal(buffer?.capacity, expected);
            if (buffer !== undefined) held.push(buffer);
          }
          if (expected === undefined) failures++;
          else free.set(expected, (free.get(expected) ?? 0) - 1);
          if (expected !== undefined && expected !== fitting[0]) climbs++;
          const back = releases ? held.shift() : undefined;
          if (back === undefined) continue;
          free.set(back.capacity, (free.get(back.capacity) ?? 0) + 1);
          back.abandon();
        }
        const metrics = arena.metrics();
        assert.deepEqual([metrics.climbs, metrics.allocationsFailed], [climbs, failures]);
        assert.equal(
          metrics.bytesLive,
          held.reduce((sum, { capacity }) => sum + capacity, 0),
        );
        for (const buffer of held) buffer.abandon();
        assertAllReturned(arena);
      },
    ),
  );
});

test('a request waits for the tier that fits best, or for the fallback when it is larger than every slot', async () => {
  const buddy = BuddyArena.builder(BuddyGeometry.exact(512, 512)).buildAsync();
  const arena = new AsyncTieredArena([asyncTier(1, 64), asyncTier(1, 128)], { fallback: buddy });
  const held = [arena.allocate(1), arena.allocate(1), arena.allocate(1)];
  assert.deepEqual([arena.metrics().climbs, arena.metrics().fallbacks], [1, 1]);
  const small = new Outcome(arena.allocateAsync(10));
  const large = new Outcome(arena.allocateAsync(500));
  await settled();
  assert.deepEqual([small.state, large.state], ['pending', 'pending']);
  held[0]?.abandon();
  held[2]?.abandon();
  await settled();
  assert.deepEqual([small.value?.capacity, large.value?.capacity], [64, 512]);
  await assert.rejects(arena.allocateAsync(1000), { code: 'REQUEST_TOO_LARGE' });
  await assert.rejects(arena.allocateAsync(1, { signal: AbortSignal.abort(new Error('gone')) }), /gone/);
  await assert.rejects(arena.allocateAsync(1, { timeout: 1 }), { name: 'TimeoutError' });
  await assert.rejects(arena.allocateAsync(0), RangeError);
  for (const buffer of [held[1], small.value, large.value]) buffer?.abandon();
  await assert.rejects(arena.allocateAsync(1, { signal: AbortSignal.abort(new Error('gone')) }), /gone/);
  assertAllReturned(arena);
});

test('tiers can be shared by threads: another arena over the same handles sees the same slots', () => {
  const shared = [64, 256].map((size) => FixedArena.withSlotCapacity(2, size).shared({ maxThreads: 2 }).build());
  const arena = new AsyncTieredArena(shared);
  const attached = new AsyncTieredArena(shared.map((one) => FixedArena.attach(one.handle())));
  const bytes = arena.allocate(100).putUtf8('shared').freeze();
  const [, upper] = attached.tiers;
  assert.equal(attached.metrics().bytesLive, 256);
  assert.equal(upper, shared[1], 'a thread has one arena for each handle');
  bytes.release();
  assertAllReturned(arena);
});

test('open allocations, events and closing are those of all tiers', () => {
  const leaky = (size: number): FixedArena => FixedArena.withSlotCapacity(1, size).leakDetection('full').build();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 64)).build();
  const arena = new TieredArena([leaky(64), leaky(256)], { fallback: buddy });
  const events: string[] = [];
  const end = arena.listen(({ type }) => events.push(type));
  const held = [arena.allocate(100), arena.allocate(1), arena.allocate(10)];
  assert.deepEqual(
    arena.openAllocations().map(({ bytes }) => bytes),
    [256, 64],
  );
  assert.equal(inspect(arena), 'TieredArena(1 x 64, 1 x 256 bytes)');
  assert.equal(JSON.parse(JSON.stringify(arena)).bytesLive, 384);
  assert.equal(arena.tierFor(65), arena.tiers[1]);
  assert.equal(arena.tierFor(257), undefined);
  assert.equal(arena.isClosed, false);
  arena.close();
  assert.deepEqual([arena.isClosed, buddy.isClosed, events], [true, true, ['close', 'close', 'close']]);
  assert.throws(() => arena.allocate(1), { code: 'ARENA_CLOSED' });
  end();
  for (const buffer of held) buffer.abandon();
  assertAllReturned(arena);
  {
    using disposed = new TieredArena([tier(1, 8)]);
    assert.equal(disposed.isClosed, false);
  }
});

test('bad arguments are refused', () => {
  const one = tier(1, 64);
  assert.throws(() => new TieredArena([]), TypeError);
  assert.throws(() => new TieredArena(one as unknown as FixedArena[]), TypeError);
  assert.throws(() => new TieredArena([{} as FixedArena]), /a tier must be a FixedArena/);
  assert.throws(() => new TieredArena([one, tier(2, 64)]), RangeError);
  assert.throws(() => new TieredArena([one], { fallback: 'stack' as 'heap' }), TypeError);
  assert.throws(() => new AsyncTieredArena([one as never]), /built with buildAsync/);
  assert.throws(
    () =>
      new AsyncTieredArena([asyncTier(1, 8)], {
        fallback: BuddyArena.builder(BuddyGeometry.exact(64, 64)).build() as never,
      }),
    TypeError,
  );
  const arena = new TieredArena([one]);
  for (const length of [0, -1, 1.5, Number.NaN]) assert.throws(() => arena.allocate(length), RangeError);
  assert.throws(() => arena.tierFor('1' as unknown as number), TypeError);
  assertAllReturned(arena);
});
