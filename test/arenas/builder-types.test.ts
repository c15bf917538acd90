import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ArenaBuffer,
  type ArenaHandle,
  BuddyArena,
  type BuddyArenaBuilder,
  type BuddyArenaMetrics,
  BuddyGeometry,
  BuddyHint,
  Bytes,
  type BytesView,
  FixedArena,
  type FixedArenaBuilder,
  type FixedArenaMetrics,
  type RawBuddyArena,
  type RawFixedArena,
  type SharedBuddyArena,
  type SharedFixedArena,
  SlotSpec,
  type Unfaulted,
} from 'arena-alligator';
import { expectTypeOf } from 'expect-type';

// The types in these tests are checked at compile time. At run time they show that calls that the compiler refuses
// throw.

const fixed = FixedArena.withSlotCapacity(1, 8);
const buddy = BuddyArena.builder(BuddyGeometry.exact(8, 8));

test('the type of a builder tells which arena it builds', () => {
  expectTypeOf(fixed).toEqualTypeOf<FixedArenaBuilder>();
  expectTypeOf(fixed.build()).toEqualTypeOf<FixedArena>();
  expectTypeOf(FixedArena.withSlotCapacity(1, 8).autoSpill().build()).toEqualTypeOf<FixedArena>();
  expectTypeOf(FixedArena.withSlotCapacity(1, 8).hazmatRawAccess().build()).toEqualTypeOf<RawFixedArena>();
  expectTypeOf(FixedArena.withSlotCapacity(1, 8).hazmatRawAccess().buildUnfaulted()).toEqualTypeOf<
    Unfaulted<RawFixedArena>
  >();
  expectTypeOf(FixedArena.fromRaw(new ArrayBuffer(8), SlotSpec.count(1))).toEqualTypeOf<FixedArenaBuilder>();
  expectTypeOf(buddy).toEqualTypeOf<BuddyArenaBuilder>();
  expectTypeOf(buddy.build()).toEqualTypeOf<BuddyArena>();
  expectTypeOf(BuddyArena.builder(BuddyGeometry.exact(8, 8)).hazmatRawAccess().build()).toEqualTypeOf<RawBuddyArena>();
  expectTypeOf(BuddyArena.fromRaw(new ArrayBuffer(8), BuddyHint.minAlloc(1))).toEqualTypeOf<BuddyArenaBuilder>();
});

test('options keep the mode of the builder', () => {
  const raw = FixedArena.withSlotCapacity(1, 8).hazmatRawAccess().alignment(8).initPolicy('zero').pageSize('unknown');
  expectTypeOf(raw).toEqualTypeOf<FixedArenaBuilder<'raw'>>();
  const spill = BuddyArena.builder(BuddyGeometry.exact(8, 8)).autoSpill().pageSize(4096).alignment(8);
  expectTypeOf(spill).toEqualTypeOf<BuddyArenaBuilder<'spill'>>();
});

test('autoSpill and hazmatRawAccess exclude each other, in the types and at run time', () => {
  const refused = { name: 'BuildError', code: 'INCOMPATIBLE_OPTIONS' };
  assert.throws(() => {
    // @ts-expect-error a spilling builder has no raw access
    FixedArena.withSlotCapacity(1, 8).autoSpill().hazmatRawAccess();
  }, refused);
  assert.throws(() => {
    // @ts-expect-error a raw builder does not spill
    FixedArena.withSlotCapacity(1, 8).hazmatRawAccess().autoSpill();
  }, refused);
  assert.throws(() => {
    // @ts-expect-error a spilling builder has no raw access
    BuddyArena.builder(BuddyGeometry.exact(8, 8)).autoSpill().hazmatRawAccess();
  }, refused);
  assert.throws(() => {
    // @ts-expect-error a raw builder does not spill
    BuddyArena.builder(BuddyGeometry.exact(8, 8)).hazmatRawAccess().autoSpill();
  }, refused);
});

test('a refused option does not change the builder', () => {
  const builder = FixedArena.withSlotCapacity(2, 10).autoSpill();
  assert.throws(() => (builder as unknown as FixedArenaBuilder).hazmatRawAccess());
  assert.throws(() => builder.alignment(3));
  const arena = builder.build();
  assert.equal(arena.slotCapacity, 10);
  assert.equal('rawAllocate' in arena, false);
  assert.equal(arena.allocate().putBytes(1, 11).isSpilled, true);
});

test('only a raw arena has rawAllocate, only a buddy arena needs a length', () => {
  expectTypeOf<'rawAllocate' extends keyof FixedArena ? true : false>().toEqualTypeOf<false>();
  expectTypeOf<'rawAllocate' extends keyof BuddyArena ? true : false>().toEqualTypeOf<false>();
  expectTypeOf<RawFixedArena['rawAllocate']>().parameters.toEqualTypeOf<[length?: number | undefined]>();
  expectTypeOf<Parameters<RawBuddyArena['rawAllocate']>>().toEqualTypeOf<[length: number]>();
  expectTypeOf<FixedArena['allocate']>().parameters.toEqualTypeOf<[length?: number | undefined]>();
  expectTypeOf<Parameters<BuddyArena['allocate']>>().toEqualTypeOf<[length: number]>();
  expectTypeOf<FixedArena['tryAllocate']>().returns.toEqualTypeOf<ArenaBuffer | undefined>();
  expectTypeOf<Parameters<Unfaulted<BuddyArena>['allocate']>>().toEqualTypeOf<[length: number]>();
  expectTypeOf<Unfaulted<FixedArena>['allocate']>().returns.toEqualTypeOf<[arena: FixedArena, buffer: ArenaBuffer]>();
});

test('metrics have the type of their arena', () => {
  expectTypeOf(fixed.build().metrics()).toEqualTypeOf<FixedArenaMetrics>();
  expectTypeOf(buddy.build().metrics()).toEqualTypeOf<BuddyArenaMetrics>();
  expectTypeOf<'splits' extends keyof FixedArenaMetrics ? true : false>().toEqualTypeOf<false>();
});

test('a view can be passed as a Uint8Array, but its own type allows no writes', () => {
  expectTypeOf<Bytes['view']>().toEqualTypeOf<BytesView>();
  expectTypeOf<BytesView>().toExtend<Uint8Array>();
  const frozen = (view: BytesView): void => {
    // @ts-expect-error frozen bytes must not be written
    view[0] = 1;
    // @ts-expect-error frozen bytes must not be written
    view.set([1]);
    // @ts-expect-error frozen bytes must not be written
    view.fill(1);
    // @ts-expect-error frozen bytes must not be written
    view.reverse();
    // @ts-expect-error frozen bytes must not be written
    view.sort();
    // @ts-expect-error a part of frozen bytes must not be written either
    view.subarray(1)[0] = 2;
  };
  expectTypeOf(frozen).toBeFunction();
});

test('handles and arenas cannot be made with new', () => {
  const byHand = (): void => {
    // @ts-expect-error buffers come from arenas
    new ArenaBuffer();
    // @ts-expect-error bytes come from buffers, slices and static methods
    new Bytes();
    // @ts-expect-error arenas come from builders
    new FixedArena();
    // @ts-expect-error arenas come from builders
    new BuddyArena();
    // @ts-expect-error geometries come from exact and nearest
    new BuddyGeometry();
  };
  expectTypeOf(byHand).toBeFunction();
});

test('a copy can be passed where memory that is not shared is required', () => {
  expectTypeOf<ReturnType<Bytes['toUint8Array']>>().toEqualTypeOf<Uint8Array<ArrayBuffer>>();
});

test('an object literal cannot have the type of an arena', () => {
  const literal = (metrics: FixedArenaMetrics): void => {
    // @ts-expect-error an arena has private members
    const arena: FixedArena = { ...FixedArena.withSlotCapacity(1, 1).build(), metrics: () => metrics };
    arena.close();
  };
  expectTypeOf(literal).toBeFunction();
});

test('a handle goes into attach of its kind; one whose kind the compiler does not know goes into both', () => {
  const attach = (known: ArenaHandle<'fixed'>, other: ArenaHandle<'buddy'>, data: ArenaHandle): void => {
    expectTypeOf(FixedArena.attach(known)).toExtend<SharedFixedArena>();
    expectTypeOf(BuddyArena.attach(other)).toExtend<SharedBuddyArena>();
    expectTypeOf(FixedArena.attach(data)).toExtend<SharedFixedArena>();
    expectTypeOf(BuddyArena.attach(data)).toExtend<SharedBuddyArena>();
    // @ts-expect-error a handle of the other kind
    FixedArena.attach(other);
    // @ts-expect-error a handle of the other kind
    BuddyArena.attach(known);
  };
  expectTypeOf(attach).toBeFunction();
});
