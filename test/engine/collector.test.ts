import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, BuddyHint, type Bytes, FixedArena, SlotSpec } from 'arena-alligator';
import { environment } from '#internal/base/environment';
import { allocateAll, assertAllReturned, frozen } from '../support/arenas.js';
import { collectThoroughly, collectUntil } from '../support/collector.js';
import { catchWarnings } from '../support/warnings.js';

const realWarn = environment.warn;
const warnings = catchWarnings();

// Allocations to be forgotten are made in functions of their own: a variable of the test would keep them alive.

test('a forgotten buffer comes back and is counted in leaksReclaimed', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).build();
  (() => {
    for (let i = 0; i < 4; i++) arena.allocate().putU8(i);
  })();
  assert.equal(arena.tryAllocate(), undefined);
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 4));
  assertAllReturned(arena);
  assert.equal(arena.metrics().leaksPinned, 0);
  assert.deepEqual(warnings.codes, []);
  const again = allocateAll(arena);
  assert.equal(again.length, 4);
  for (const buffer of again) buffer.abandon();
  assertAllReturned(arena);
});

test('forgotten bytes come back together with any clones and slices that were forgotten', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(1024, 64)).build();
  (() => {
    const bytes = arena.allocate(100).putUtf8('forgotten').freeze();
    bytes.clone();
    bytes.slice(1, 4).clone();
    arena.allocate(64).putU8(1).freeze().at(0);
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 2));
  assertAllReturned(arena);
});

test('allocations that came back before or after close are not leaks', async () => {
  for (const arena of [
    FixedArena.withSlotCapacity(4, 16).build(),
    BuddyArena.builder(BuddyGeometry.exact(64, 16)).build(),
  ]) {
    (() => {
      const early = [arena.allocate(16), arena.allocate(16)];
      const late = arena.allocate(16);
      for (const buffer of early) buffer.abandon();
      arena.close();
      late.abandon();
    })();
    await collectThoroughly();
    assert.equal(arena.metrics().leaksReclaimed, 0);
    assertAllReturned(arena);
  }
});

test('a single handle that is still held keeps the memory, even if all other handles were forgotten', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const kept = ((): Bytes => {
    const bytes = frozen(arena, 'abcdef');
    bytes.clone();
    return bytes.slice(2, 4);
  })();
  await collectThoroughly();
  assert.equal(arena.metrics().frees, 0);
  assert.equal(kept.toString(), 'cd');
  // The forgotten handles never gave up their references, so releasing the last held handle does not free the slot.
  kept.release();
  assert.equal(arena.metrics().frees, 0);
  assert.equal(arena.tryAllocate(), undefined);
});

test('forgotten memory stays pinned if a view was lent, and is counted and reported once', async () => {
  const arena = FixedArena.withSlotCapacity(3, 16).build();
  const views: Uint8Array[] = [];
  (() => {
    views.push(frozen(arena, 'viewed').view);
    views.push(arena.allocate().chunkMut());
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksPinned === 2));
  assert.deepEqual(warnings.codes, ['ARENA_LEAK_PINNED']);
  assert.equal(arena.metrics().leaksReclaimed, 0);
  assert.equal(arena.metrics().bytesLive, 32);
  const rest = allocateAll(arena);
  assert.equal(rest.length, 1);
  rest[0]?.putBytes(0xff, 16);
  assert.equal(Buffer.from(views[0] ?? []).toString(), 'viewed');
  rest[0]?.abandon();
});

test('a forgotten raw region is always pinned, because the program may still know its address', async () => {
  const arena = FixedArena.withSlotCapacity(3, 16).hazmatRawAccess().build();
  (() => {
    arena.rawAllocate();
    arena.rawAllocate().freeze(0, 4);
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksPinned === 2));
  assert.equal(arena.metrics().leaksReclaimed, 0);
});

test('a view that was lent before a release does not pin the slot for its next owner', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'lent');
  assert.equal(bytes.view.length, 4);
  bytes.release();
  (() => {
    arena.allocate();
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 1));
  assert.equal(arena.metrics().leaksPinned, 0);
  assertAllReturned(arena);
});

test('in a shared arena, a view that was lent before a release or a send does not pin the slot either', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).shared({ maxThreads: 1 }).build();
  for (const [round, giveUp] of [
    (bytes: Bytes) => bytes.release(),
    (bytes: Bytes) => arena.redeem(bytes.toTicket()).release(),
  ].entries()) {
    const bytes = frozen(arena, 'lent');
    assert.equal(bytes.view.length, 4);
    giveUp(bytes);
    (() => void arena.allocate().putU8(1))();
    assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === round + 1));
  }
  assert.equal(arena.metrics().leaksPinned, 0);
  assertAllReturned(arena);
});

test('bytes that were sent are not found as leaks in the thread that sent them', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).shared({ maxThreads: 1 }).build();
  const tickets = Array.from({ length: 3 }, (_, index) => frozen(arena, `${index}`).toTicket());
  await collectThoroughly();
  assert.equal(arena.metrics().leaksReclaimed, 0);
  assert.deepEqual(
    tickets.map((ticket) => {
      const bytes = arena.redeem(ticket);
      const text = bytes.toString();
      bytes.release();
      return text;
    }),
    ['0', '1', '2'],
  );
  assertAllReturned(arena);
});

test('reading without taking a view lends nothing', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  (() => {
    const bytes = frozen(arena, 'payload');
    bytes.toString();
    bytes.toUint8Array();
    bytes.equals(bytes);
    bytes.indexOf(1);
    bytes.at(0);
    bytes.getU8();
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 1));
});

test('zero policy: a slot that the collector reclaims is scrubbed completely', async () => {
  const memory = new Uint8Array(64);
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).initPolicy('zero').build();
  (() => {
    arena.allocate().putBytes(0xff, 60);
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 1));
  assert.ok(memory.every((byte) => byte === 0));
});

test('zero policy: a reclaimed block of several units is scrubbed to its end', async () => {
  const memory = new Uint8Array(256);
  const arena = BuddyArena.fromRaw(memory, BuddyHint.minAlloc(16)).initPolicy('zero').build();
  (() => {
    arena.allocate(200).putBytes(0xff, 200);
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 1));
  assert.ok(memory.every((byte) => byte === 0));
});

test('handles that are held survive any number of collections', async () => {
  const arena = FixedArena.withSlotCapacity(512, 16).build();
  const held = Array.from({ length: 256 }, (_, index) => arena.allocate().putU32(index).freeze());
  const buffers = Array.from({ length: 256 }, (_, index) => arena.allocate().putU32(index));
  await collectThoroughly();
  assert.equal(arena.metrics().leaksReclaimed, 0);
  for (const [index, bytes] of held.entries()) {
    assert.equal(bytes.getU32(), index);
    bytes.release();
  }
  for (const buffer of buffers) buffer.abandon();
  await collectThoroughly();
  assert.equal(arena.metrics().leaksReclaimed, 0);
  assertAllReturned(arena);
});

test('slots that are used and released properly are never found by the collector', async () => {
  const arena = FixedArena.withSlotCapacity(16, 16).build();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 2000; i++) arena.allocate().putU8(1).freeze().release();
    await collectThoroughly();
  }
  const { leaksReclaimed, leaksPinned } = arena.metrics();
  assert.deepEqual([leaksReclaimed, leaksPinned], [0, 0]);
  assertAllReturned(arena);
});

test('bytes keep the memory of a forgotten arena alive until the last of them is released', async () => {
  const size = 64 * 1024 * 1024;
  let buffer: WeakRef<ArrayBufferLike> | undefined;
  const bytes = ((): Bytes => {
    const orphan = FixedArena.withSlotCapacity(1, size)
      .pageSize('unknown')
      .build()
      .allocate()
      .putUtf8('orphan')
      .freeze();
    buffer = new WeakRef(orphan.view.buffer);
    return orphan;
  })();
  await collectThoroughly();
  assert.ok(buffer?.deref() !== undefined);
  assert.equal(bytes.toString(), 'orphan');
  bytes.release();
  assert.ok(await collectUntil(() => buffer?.deref() === undefined));
});

test('an arena that is forgotten together with its handles is collected with them', async () => {
  const memory = new WeakRef(
    ((): ArrayBufferLike => {
      const arena = FixedArena.withSlotCapacity(4, 1024).build();
      arena.allocate();
      return frozen(arena, 'x').view.buffer;
    })(),
  );
  assert.ok(await collectUntil(() => memory.deref() === undefined));
});

test('dealloc of a closed arena runs when the collector finds the last forgotten handle', async () => {
  let deallocated = 0;
  (() => {
    const arena = FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.count(2), () => deallocated++).build();
    arena.allocate();
    frozen(arena, 'forgotten');
    arena.close();
  })();
  assert.ok(await collectUntil(() => deallocated === 1));
  await collectThoroughly();
  assert.equal(deallocated, 1);
});

test('dealloc never runs while memory is pinned', async () => {
  let deallocated = 0;
  let view: Uint8Array | undefined;
  (() => {
    const arena = FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.count(2), () => deallocated++).build();
    view = frozen(arena, 'in flight').view;
    arena.close();
  })();
  assert.ok(await collectUntil(() => warnings.codes.length === 1));
  await collectThoroughly();
  assert.equal(deallocated, 0);
  assert.equal(view?.length, 9);
});

test('the default warning is a process warning', async () => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  realWarn('something is wrong', 'ARENA_TEST');
  const warning = (await warned) as Error & { code?: string };
  assert.deepEqual([warning.name, warning.code], ['ArenaWarning', 'ARENA_TEST']);
});
