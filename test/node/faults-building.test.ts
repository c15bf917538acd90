import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BuddyArena,
  BuddyGeometry,
  BuddyHint,
  BuildError,
  BytesChannel,
  FixedArena,
  type FixedArenaBuilder,
  SlotSpec,
} from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';

const refused = (error: unknown): boolean => error instanceof BuildError && error.code === 'SIZE_OVERFLOW';

const constructors = ['Uint8Array', 'Int32Array', 'Float64Array', 'ArrayBuffer', 'SharedArrayBuffer'] as const;
type Constructor = new (...args: unknown[]) => object;

/** Smaller memory is never refused, because the runtime itself would fail first. */
const SMALL = 256;

/**
 * Runs `act` in a runtime that refuses to make memory number `index`, like a runtime that has no memory left.
 * @returns whether `act` asked for that memory
 */
function withoutMemory(index: number, act: () => unknown): boolean {
  const names = globalThis as unknown as Record<string, Constructor>;
  const saved = constructors.map((name) => names[name]);
  let count = 0;
  for (const name of constructors) {
    names[name] = new Proxy(names[name] as Constructor, {
      construct(target, args: unknown[], self) {
        const isFresh = typeof args[0] === 'number' && args[0] >= SMALL;
        if (isFresh && count++ === index) throw new RangeError('Array buffer allocation failed');
        return Reflect.construct(target, args, self === names[name] ? target : self) as object;
      },
    });
  }
  try {
    act();
  } finally {
    for (const [at, name] of constructors.entries()) names[name] = saved[at] as Constructor;
  }
  return count > index;
}

const threads = { maxThreads: 2 };
const units = 16_384;

const builders = {
  fixed: () => FixedArena.withSlotCapacity(units, 1).initPolicy('zero'),
  buddy: () => BuddyArena.builder(BuddyGeometry.exact(units, 1)).initPolicy('zero'),
  'fixed, over the caller’s memory': () =>
    FixedArena.fromRaw(new Uint8Array(units).fill(7), SlotSpec.size(1)).initPolicy('zero'),
  'buddy, over the caller’s memory': () =>
    BuddyArena.fromRaw(new Uint8Array(units).fill(7), BuddyHint.minAlloc(1)).initPolicy('zero'),
  'fixed, shared': () => FixedArena.withSlotCapacity(units, 1).initPolicy('zero').shared(threads),
  'buddy, shared': () => BuddyArena.builder(BuddyGeometry.exact(units, 1)).initPolicy('zero').shared(threads),
  'fixed, shared, over the caller’s memory': () =>
    FixedArena.fromRaw(new SharedArrayBuffer(units), SlotSpec.size(1)).initPolicy('zero').shared(threads),
  'buddy, shared, over the caller’s memory': () =>
    BuddyArena.fromRaw(new SharedArrayBuffer(units), BuddyHint.minAlloc(1)).initPolicy('zero').shared(threads),
} as const;

for (const [name, make] of Object.entries(builders)) {
  for (const way of ['build', 'buildUnfaulted', 'buildAsync'] as const) {
    test(`${way}, ${name}: any memory the runtime refuses is a BuildError, and the builder works afterwards`, () => {
      let index = 0;
      // The type checker knows no `this` type for a union of builders in several modes.
      const built = (builder: object) => (builder as FixedArenaBuilder)[way]();
      for (let arrived = true; arrived; index++) {
        const builder = make();
        arrived = withoutMemory(index, () => {
          let error: unknown;
          try {
            built(builder);
          } catch (thrown) {
            error = thrown;
          }
          if (error !== undefined) assert.ok(refused(error), String(error));
        });
        if (!arrived) break;
        const result = built(builder);
        const arena = 'intoInner' in result ? result.intoInner() : result;
        const buffer = arena.allocate(1);
        assert.deepEqual([...buffer.chunkMut()], [0]);
        buffer.putU8(1).freeze().release();
        assertAllReturned(arena);
      }
      assert.ok(index >= 1, 'some memory was refused');
    });
  }
}

test('a size that the runtime refuses is a BuildError: memory, shared memory, control memory of many threads', () => {
  const attempts: readonly (() => unknown)[] = [
    () => FixedArena.withSlotCapacity(2, 2 ** 51).build(),
    () => FixedArena.withSlotCapacity(2, 2 ** 51).buildUnfaulted(),
    () => FixedArena.withSlotCapacity(2, 2 ** 51).buildAsync(),
    () =>
      FixedArena.withSlotCapacity(2, 2 ** 51)
        .shared(threads)
        .build(),
    () => BuddyArena.builder(BuddyGeometry.exact(2 ** 50, 2 ** 40)).build(),
    () => BuddyArena.builder(BuddyGeometry.exact(2 ** 50, 2 ** 40)).buildAsync(),
    () =>
      BuddyArena.builder(BuddyGeometry.exact(2 ** 50, 2 ** 40))
        .shared(threads)
        .build(),
    () =>
      BuddyArena.builder(BuddyGeometry.nearest(2 ** 49 + 1, 2 ** 40))
        .shared(threads)
        .buildUnfaulted(),
    // The runtime may provide this buffer, but no Int32Array over all of it.
    () =>
      FixedArena.withSlotCapacity(2 ** 22 + 5, 1)
        .shared({ maxThreads: 1024 })
        .buildUnfaulted(),
  ];
  for (const [index, attempt] of attempts.entries()) {
    try {
      attempt();
      assert.equal(index, attempts.length - 1, 'only the last size may be possible on some machines');
    } catch (error) {
      assert.ok(refused(error), `${index}: ${error}`);
    }
  }
});

test('a build that gets no control memory leaves the caller’s memory free for another build', () => {
  const owed = FixedArena.fromRaw(new SharedArrayBuffer(units), SlotSpec.size(64), () => undefined).shared(threads);
  for (let turn = 0; turn < 2; turn++) assert.throws(() => owed.build(), { code: 'INCOMPATIBLE_OPTIONS' });
  const retried = FixedArena.fromRaw(new SharedArrayBuffer(units), SlotSpec.size(1));
  withoutMemory(0, () => assert.throws(() => retried.shared({ maxThreads: 1024 }).build(), refused));
  const built = retried.shared(threads).build();
  assert.throws(() => retried.build(), { code: 'INVALID_BACKING' });
  built.allocate().abandon();
  assertAllReturned(built);
});

test('creating a channel without memory for it is a BuildError and leaves the arena unchanged', () => {
  const arena = FixedArena.withSlotCapacity(2, 8).shared(threads).build();
  assert.ok(withoutMemory(0, () => assert.throws(() => BytesChannel.create(arena, { capacity: 9 }), refused)));
  const channel = BytesChannel.create(arena, { capacity: 9 });
  assert.equal(channel.trySend(arena.allocate().putU8(1).freeze()), true);
  channel.tryReceive()?.release();
  assertAllReturned(arena);
});
