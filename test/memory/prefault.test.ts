import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { BuddyArena, BuddyGeometry, FixedArena, PageSize, SlotSpec, Unfaulted } from 'arena-alligator';
import { environment } from '#internal/base/environment';
import { assertAllReturned } from '../support/arenas.js';

const realPageSize = environment.pageSize;
const realOr = Atomics.or;
afterEach(() => {
  environment.pageSize = realPageSize;
  Atomics.or = realOr;
});

/** The offsets that `action` touches. */
function touchedBy(action: () => unknown): number[] {
  const touched: number[] = [];
  Atomics.or = ((array: Uint8Array, index: number, value: number) => {
    touched.push(index);
    return realOr(array, index, value);
  }) as typeof Atomics.or;
  action();
  Atomics.or = realOr;
  return touched;
}

const arena16k = () => FixedArena.withSlotCapacity(4, 4096);

test('build touches every page, using the page size that was set', () => {
  assert.deepEqual(
    touchedBy(() => arena16k().pageSize(4096).build()),
    [0, 4096, 8192, 12288],
  );
  assert.deepEqual(
    touchedBy(() => BuddyArena.builder(BuddyGeometry.exact(16384, 512)).pageSize(8192).build()),
    [0, 8192],
  );
});

test('the default page size auto is the page size of the platform, where it is known', () => {
  environment.pageSize = () => 8192;
  assert.deepEqual(
    touchedBy(() => arena16k().build()),
    [0, 8192],
  );
  assert.deepEqual(
    touchedBy(() => arena16k().pageSize(PageSize.Auto).build()),
    [0, 8192],
  );
  environment.pageSize = () => undefined;
  assert.deepEqual(
    touchedBy(() => arena16k().build()),
    [],
  );
});

test('the page size of this platform is known', () => {
  const size = realPageSize();
  assert.ok(size === 4096 || size === 16384);
});

test('build touches nothing with the page size unknown', () => {
  assert.deepEqual(
    touchedBy(() => arena16k().pageSize(PageSize.Unknown).build()),
    [],
  );
});

test('buildUnfaulted touches nothing until faultPages is called', () => {
  let unfaulted: Unfaulted<FixedArena> | undefined;
  assert.deepEqual(
    touchedBy(() => {
      unfaulted = arena16k().pageSize(4096).buildUnfaulted();
    }),
    [],
  );
  assert.ok(unfaulted instanceof Unfaulted);
  const held = unfaulted;
  let arena: FixedArena | undefined;
  assert.equal(
    touchedBy(() => {
      arena = held.faultPages();
    }).length,
    4,
  );
  assert.ok(arena instanceof FixedArena);
});

test('intoInner returns the arena and allocate returns it with a buffer, both without touching pages', () => {
  const touched = touchedBy(() => {
    const inner = arena16k().buildUnfaulted().intoInner();
    assert.equal(inner.slotCount, 4);
    const [arena, buffer] = arena16k().buildUnfaulted().allocate();
    assert.equal(arena.metrics().allocationsOk, 1);
    buffer.abandon();
    assertAllReturned(arena);
    const [buddy, block] = BuddyArena.builder(BuddyGeometry.exact(1024, 256)).buildUnfaulted().allocate(300);
    assert.equal(block.capacity, 512);
    block.abandon();
    assertAllReturned(buddy);
  });
  assert.deepEqual(touched, []);
});

test('faultPages changes no byte that was written before', () => {
  const [arena, buffer] = FixedArena.withSlotCapacity(1, 8192).pageSize(4096).buildUnfaulted().allocate();
  buffer.putBytes(7, 8192);
  const other = FixedArena.fromRaw(buffer.freeze().view, SlotSpec.count(1))
    .pageSize(4096)
    .buildUnfaulted()
    .faultPages();
  assert.ok(
    other
      .allocate()
      .chunkMut()
      .every((byte) => byte === 7),
  );
  assert.equal(arena.metrics().allocationsOk, 1);
});

test('faultPages touches nothing in a closed arena, because its memory may be gone', () => {
  const unfaulted = FixedArena.fromRaw(new ArrayBuffer(8192), SlotSpec.count(1)).pageSize(4096).buildUnfaulted();
  unfaulted.intoInner().close();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(8192, 4096)).pageSize(4096).buildUnfaulted();
  buddy.intoInner().close();
  assert.deepEqual(
    touchedBy(() => [unfaulted.faultPages(), buddy.faultPages()]),
    [],
  );
});

test('over memory of the caller, build touches nothing, and faultPages touches it only if a page size was set', () => {
  const memory = new ArrayBuffer(8192);
  assert.deepEqual(
    touchedBy(() => FixedArena.fromRaw(memory, SlotSpec.count(1)).pageSize(4096).build()),
    [],
  );
  assert.deepEqual(
    touchedBy(() => FixedArena.fromRaw(memory, SlotSpec.count(1)).buildUnfaulted().faultPages()),
    [],
  );
  assert.deepEqual(
    touchedBy(() => FixedArena.fromRaw(memory, SlotSpec.count(1)).pageSize(4096).buildUnfaulted().faultPages()),
    [0, 4096],
  );
});

test('over a window, faultPages touches all pages of the aligned part and no byte before or after it', () => {
  const window = new Uint8Array(new ArrayBuffer(1024), 100, 800);
  const unfaulted = FixedArena.fromRaw(window, SlotSpec.size(64)).alignment(64).pageSize(64).buildUnfaulted();
  const touched = touchedBy(() => unfaulted.faultPages());
  // The first multiple of 64 lies 28 bytes into the window, and twelve slots fit from there.
  assert.deepEqual(
    touched,
    Array.from({ length: 12 }, (_, index) => 28 + 64 * index),
  );
});

test('a bad page size is refused', () => {
  for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 60]) assert.throws(() => arena16k().pageSize(bad), RangeError);
  for (const bad of ['Auto', null, {}, 1n] as unknown as number[]) {
    assert.throws(() => arena16k().pageSize(bad), TypeError);
  }
});

test('buildAsync touches every page too', () => {
  for (const build of [
    () => arena16k().pageSize(4096).buildAsync(),
    () => BuddyArena.builder(BuddyGeometry.exact(16384, 512)).pageSize(4096).buildAsync(),
  ]) {
    assert.deepEqual(touchedBy(build), [0, 4096, 8192, 12288]);
  }
});
