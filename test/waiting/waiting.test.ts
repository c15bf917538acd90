import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AllocError,
  type ArenaBuffer,
  AsyncBuddyArena,
  AsyncFixedArena,
  BuddyArena,
  BuddyGeometry,
  BuddyHint,
  type Bytes,
  FixedArena,
  SlotSpec,
} from 'arena-alligator';
import { allocateAll, assertAllReturned } from '../support/arenas.js';
import { collectUntil } from '../support/collector.js';
import { Outcome, settled } from '../support/outcome.js';

function fullArena(slots: number): { arena: AsyncFixedArena; held: ArenaBuffer[] } {
  const arena = FixedArena.withSlotCapacity(slots, 16).buildAsync();
  return { arena, held: allocateAll(arena) };
}

const closedCode = { name: 'AllocError', code: 'ARENA_CLOSED' };

test('buildAsync returns an arena that is also a FixedArena or a BuddyArena', async () => {
  const fixed = FixedArena.withSlotCapacity(2, 16).buildAsync();
  assert.ok(fixed instanceof AsyncFixedArena && fixed instanceof FixedArena);
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsync();
  assert.ok(buddy instanceof AsyncBuddyArena && buddy instanceof BuddyArena);
  const buffers = [
    fixed.allocate(),
    await fixed.allocateAsync(),
    buddy.allocate(16),
    await buddy.allocateAsync(20),
  ] as const;
  assert.equal(buffers[3].capacity, 32);
  for (const buffer of buffers) buffer.abandon();
  assertAllReturned(fixed);
  assertAllReturned(buddy);
});

test('a free slot is granted at once, and does not count as a wait', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsync();
  const buffer = await arena.allocateAsync();
  assert.equal(buffer.capacity, 16);
  buffer.abandon();
  const { waiting, waitsServed, waitsCancelled, longestWait, allocationsOk, allocationsFailed } = arena.metrics();
  assert.deepEqual(
    [waiting, waitsServed, waitsCancelled, longestWait, allocationsOk, allocationsFailed],
    [0, 0, 0, 0, 1, 0],
  );
});

test('the next release serves a waiting request, and waiting does not count as a failed allocation', async () => {
  const { arena, held } = fullArena(1);
  const before = arena.metrics().allocationsFailed;
  const waiting = new Outcome(arena.allocateAsync());
  await settled();
  assert.equal(waiting.state, 'pending');
  assert.equal(arena.metrics().waiting, 1);
  held[0]?.putU8(1).freeze().release();
  await settled();
  assert.equal(waiting.state, 'resolved');
  waiting.value?.abandon();
  const metrics = arena.metrics();
  assert.deepEqual([metrics.waiting, metrics.waitsServed, metrics.waitsCancelled], [0, 1, 0]);
  assert.equal(metrics.allocationsFailed, before);
  assert.ok(metrics.longestWait > 0);
  assertAllReturned(arena);
});

test('a fixed arena serves waiting requests first in, first out', async () => {
  const { arena, held } = fullArena(3);
  const order: number[] = [];
  const served = Array.from({ length: 20 }, async (_, index) => {
    const buffer = await arena.allocateAsync();
    order.push(index);
    await settled();
    buffer.abandon();
  });
  for (const buffer of held) buffer.abandon();
  await Promise.all(served);
  assert.deepEqual(order, [...order.keys()]);
  assert.equal(order.length, 20);
  assertAllReturned(arena);
});

test('a release serves a waiting request before it returns, so tryAllocate cannot get in between', async () => {
  const { arena, held } = fullArena(2);
  const waiting = new Outcome(arena.allocateAsync());
  held[0]?.abandon();
  assert.equal(arena.tryAllocate(), undefined);
  assert.throws(() => arena.allocate(), { code: 'ARENA_FULL' });
  held[1]?.abandon();
  const spare = arena.tryAllocate();
  assert.ok(spare !== undefined, 'memory that no request waits for is free');
  await settled();
  assert.equal(waiting.state, 'resolved');
  waiting.value?.abandon();
  spare.abandon();
  assertAllReturned(arena);
});

test('a loop of tryAllocate and release does not starve a waiting request', async () => {
  const { arena, held } = fullArena(1);
  let holder: ArenaBuffer | undefined = held[0];
  const waiting = new Outcome(arena.allocateAsync());
  for (let turn = 0; turn < 1000 && waiting.state === 'pending'; turn++) {
    holder?.abandon();
    holder = arena.tryAllocate();
    if (turn % 10 === 0) await settled();
  }
  assert.equal(waiting.state, 'resolved');
  waiting.value?.abandon();
  holder?.abandon();
  assertAllReturned(arena);
});

test('every way to give memory back serves a waiting request, including a spill and the collector', async () => {
  const arena = FixedArena.withSlotCapacity(1, 4).autoSpill().buildAsync();
  const ways: ((buffer: ArenaBuffer) => void)[] = [
    (buffer) => buffer.abandon(),
    (buffer) => buffer.putU8(1).freeze().release(),
    (buffer) => buffer.freeze().release(),
    (buffer) => buffer.putUtf8('too long for it').abandon(),
    (buffer) => {
      const bytes = buffer.putU16(1).freeze();
      bytes.truncate(0);
      bytes.release();
    },
    (buffer) => void buffer.putU16(1).freeze().intoOwned(),
  ];
  for (const give of ways) {
    const buffer = arena.allocate();
    const next = new Outcome(arena.allocateAsync());
    give(buffer);
    await settled();
    assert.equal(next.state, 'resolved', give.toString());
    next.value?.abandon();
  }
  (() => arena.allocate().putU8(1))();
  const afterLeak = new Outcome(arena.allocateAsync());
  assert.ok(await collectUntil(() => afterLeak.state === 'resolved'));
  afterLeak.value?.abandon();
  assert.equal(arena.metrics().leaksReclaimed, 1);
  assertAllReturned(arena);
});

test('an arena that is referenced only by a waiting request still finds its forgotten handles', async () => {
  let served = false;
  (() => {
    const arena = FixedArena.withSlotCapacity(1, 16).buildAsync();
    arena.allocate().putU8(1);
    void arena.allocateAsync().then((buffer) => {
      buffer.abandon();
      served = true;
    });
  })();
  assert.ok(await collectUntil(() => served));
});

test('an arena can be collected once no request waits for it any more', async () => {
  const gone = await (async () => {
    const arena = FixedArena.withSlotCapacity(1, 16).buildAsync();
    const first = arena.allocate();
    const waiting = arena.allocateAsync();
    first.abandon();
    const second = await waiting;
    const { buffer } = second.chunkMut();
    second.abandon();
    return new WeakRef(buffer);
  })();
  assert.ok(await collectUntil(() => gone.deref() === undefined));
});

test('a request that can never fit is rejected at once, also while others wait', async () => {
  const { arena, held } = fullArena(1);
  await assert.rejects(arena.allocateAsync(17), { name: 'AllocError', code: 'REQUEST_TOO_LARGE' });
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsync();
  await assert.rejects(buddy.allocateAsync(65), { name: 'AllocError', code: 'REQUEST_TOO_LARGE' });
  held[0]?.abandon();
  assertAllReturned(arena);
});

test('close rejects waiting requests, and requests that are made later', async () => {
  for (const arena of [
    FixedArena.withSlotCapacity(1, 64).buildAsync(),
    BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsync(),
  ]) {
    const held = arena.allocate(64);
    const waiting = [arena.allocateAsync(64), arena.allocateAsync(16)].map((promise) =>
      assert.rejects(promise, closedCode),
    );
    arena.close();
    await Promise.all(waiting);
    await assert.rejects(arena.allocateAsync(16), closedCode);
    held.abandon();
    arena.close();
    const metrics = arena.metrics();
    assert.deepEqual([metrics.waiting, metrics.waitsCancelled], [0, 2]);
    assertAllReturned(arena);
  }
});

test('closing runs dealloc once, after the last handle, even if a request was waiting', async () => {
  let deallocated = 0;
  const memory = new Uint8Array(16);
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1), () => deallocated++).buildAsync();
  const held = arena.allocate();
  const waiting = assert.rejects(arena.allocateAsync(), closedCode);
  arena.close();
  assert.equal(deallocated, 0);
  held.abandon();
  assert.equal(deallocated, 1);
  await waiting;
});

test('invalid arguments reject with TypeError or RangeError and change nothing', async () => {
  const fixed = FixedArena.withSlotCapacity(1, 16).buildAsync();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 16)).buildAsync();
  const call = (arena: object, ...args: unknown[]): Promise<unknown> =>
    (arena as { allocateAsync(...args: unknown[]): Promise<unknown> }).allocateAsync(...args);
  for (const length of [0, -1, Number.NaN, 1.5, 2 ** 60]) {
    await assert.rejects(call(fixed, length), RangeError, `${length}`);
    await assert.rejects(call(buddy, length), RangeError, `${length}`);
  }
  for (const length of ['1', 1n, Symbol('one'), true]) {
    await assert.rejects(call(fixed, length), TypeError);
    await assert.rejects(call(buddy, length), TypeError);
  }
  await assert.rejects(call(buddy), TypeError);
  await assert.rejects(call(fixed, null), TypeError);
  for (const timeout of [-1, Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 31]) {
    await assert.rejects(call(fixed, { timeout }), RangeError, `${timeout}`);
  }
  for (const options of [{ timeout: '1' }, { signal: {} }, { signal: 1 }, { signal: null }]) {
    await assert.rejects(call(fixed, options), TypeError);
    await assert.rejects(call(buddy, 16, options), TypeError);
  }
  for (const options of [1, 'options', null]) await assert.rejects(call(buddy, 16, options), TypeError);
  for (const arena of [fixed, buddy]) assert.equal(arena.metrics().allocationsOk, 0);
  const held = fixed.allocate(16);
  held.abandon();
  const optional = await fixed.allocateAsync({ signal: undefined, timeout: undefined });
  optional.abandon();
  const withLength = await fixed.allocateAsync(undefined, {});
  withLength.abandon();
  assertAllReturned(fixed);
});

test('under the zero policy memory is scrubbed before it is handed to a waiting request', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(32, 16)).initPolicy('zero').buildAsync();
  const held = arena.allocate(32).putBytes(0xff, 32);
  const waiting = [arena.allocateAsync(16), arena.allocateAsync(16)];
  held.freeze().release();
  for (const buffer of await Promise.all(waiting)) {
    assert.ok(buffer.chunkMut().every((byte) => byte === 0));
    buffer.abandon();
  }
  assertAllReturned(arena);
});

test('allocateAsync also works in an aligned arena over memory of the caller', async () => {
  const arena = BuddyArena.fromRaw(new ArrayBuffer(4096), BuddyHint.minAlloc(100)).alignment(64).buildAsync();
  const held = arena.allocate(4096);
  const waiting = arena.allocateAsync(1000);
  const bytes: Bytes = held.putU8(1).freeze();
  bytes.release();
  (await waiting).abandon();
  assertAllReturned(arena);
});

test('raw access and waiting exclude each other, by type and at run time', () => {
  const fixed = FixedArena.withSlotCapacity(1, 16).hazmatRawAccess();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 16)).hazmatRawAccess();
  const incompatible = { name: 'BuildError', code: 'INCOMPATIBLE_OPTIONS' };
  // @ts-expect-error not with raw access
  assert.throws(() => fixed.buildAsync(), incompatible);
  // @ts-expect-error not with raw access
  assert.throws(() => buddy.buildAsync(), incompatible);
});

test('allocateAsync on a closed arena rejects with an AllocError with code ARENA_CLOSED', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).buildAsync();
  arena.close();
  const error = await arena.allocateAsync().catch((reason: unknown) => reason);
  assert.ok(error instanceof AllocError && error.code === 'ARENA_CLOSED');
});
