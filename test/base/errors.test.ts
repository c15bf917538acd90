import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AllocError,
  ArenaError,
  BuddyArena,
  BuddyGeometry,
  BufferFullError,
  BuildError,
  Bytes,
  BytesMut,
  FixedArena,
  RawFreezeError,
  ReleasedError,
} from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  assert.fail('nothing was thrown');
}

const arena = FixedArena.withSlotCapacity(1, 8).hazmatRawAccess().build();
const released = Bytes.copyFrom(new Uint8Array(1));
released.release();

const cases: readonly {
  error: unknown;
  type: typeof ArenaError | (new (...args: never[]) => ArenaError);
  name: string;
  code: string;
}[] = [
  { error: caught(() => arena.allocate(9)), type: AllocError, name: 'AllocError', code: 'REQUEST_TOO_LARGE' },
  {
    error: caught(() => FixedArena.withSlotCapacity(1, 8).alignment(3)),
    type: BuildError,
    name: 'BuildError',
    code: 'INVALID_ALIGNMENT',
  },
  {
    error: caught(() => {
      using buffer = arena.allocate();
      buffer.putBytes(0, 9);
    }),
    type: BufferFullError,
    name: 'BufferFullError',
    code: 'BUFFER_FULL',
  },
  { error: caught(() => released.length), type: ReleasedError, name: 'ReleasedError', code: 'RELEASED' },
  {
    error: caught(() => {
      using region = arena.rawAllocate();
      region.freeze(1, 9);
    }),
    type: RawFreezeError,
    name: 'RawFreezeError',
    code: 'RAW_FREEZE_RANGE',
  },
];

for (const { error, type, name, code } of cases) {
  test(`${name} extends ArenaError and Error, and has a stable name and code`, () => {
    assert.ok(error instanceof type);
    assert.ok(error instanceof ArenaError);
    assert.ok(error instanceof Error);
    assert.equal(error.name, name);
    assert.equal(error.code, code);
    assert.notEqual(error.message, '');
    assert.match(String(error), new RegExp(`^${name}: `));
  });
}

test('BufferFullError says how many bytes were left and how many were requested', () => {
  using buffer = arena.allocate().putBytes(1, 5);
  assert.throws(() => buffer.putU32(1), { code: 'BUFFER_FULL', remaining: 3, requested: 4 });
});

test('RawFreezeError reports the range and the capacity, and has a message for each of the two mistakes', () => {
  using region = arena.rawAllocate();
  assert.throws(() => region.freeze(5, 2), { start: 5, end: 2, capacity: 8, message: /starts after its end/ });
  assert.throws(() => region.freeze(0, 9), { start: 0, end: 9, capacity: 8, message: /exceeds the capacity/ });
});

test('a BuildError keeps the error of the runtime as its cause', () => {
  const error = caught(() => FixedArena.withSlotCapacity(2 ** 20, 2 ** 32).build());
  assert.ok(error instanceof BuildError);
  assert.equal(error.code, 'SIZE_OVERFLOW');
  assert.ok(error.cause instanceof RangeError);
});

test('ARENA_FULL and REQUEST_TOO_LARGE carry the figures of the request and of the arena', () => {
  const fixed = FixedArena.withSlotCapacity(2, 64).build();
  const held = [fixed.allocate(), fixed.allocate()];
  const full = { code: 'ARENA_FULL', requested: 10, capacity: 128, live: 128, largestFreeBlock: 0 };
  assert.throws(() => fixed.allocate(10), full);
  assert.throws(() => fixed.allocate(), { ...full, requested: 64, message: /64 bytes requested, 128 of 128 in use/ });
  held.pop()?.abandon();
  const tooLarge = { code: 'REQUEST_TOO_LARGE', requested: 65, capacity: 128, live: 64, largestFreeBlock: 64 };
  assert.throws(() => fixed.allocate(65), tooLarge);
  held.pop()?.abandon();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(1024, 64)).build();
  const half = buddy.allocate(512);
  const block = buddy.allocate(64);
  assert.throws(() => buddy.allocate(512), { code: 'ARENA_FULL', requested: 512, live: 576, largestFreeBlock: 256 });
  assert.throws(() => buddy.allocate(2000), { code: 'REQUEST_TOO_LARGE', requested: 2000, capacity: 1024 });
  half.abandon();
  block.abandon();
  buddy.close();
  assert.throws(() => buddy.allocate(1), { code: 'ARENA_CLOSED', requested: undefined, capacity: undefined });
  assertAllReturned(fixed);
  assertAllReturned(buddy);
});

test('arenas and BytesMut made with new say what to call instead', () => {
  const make =
    (Class: unknown): (() => unknown) =>
    () =>
      new (Class as new (...args: unknown[]) => unknown)(4, 1024);
  assert.throws(make(FixedArena), { name: 'TypeError', message: /withSlotCapacity/ });
  assert.throws(make(BuddyArena), { name: 'TypeError', message: /BuddyArena\.builder/ });
  assert.throws(make(BytesMut), { name: 'TypeError', message: /withCapacity/ });
});
