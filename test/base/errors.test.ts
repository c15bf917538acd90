import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AllocError,
  ArenaError,
  BufferFullError,
  BuildError,
  Bytes,
  FixedArena,
  RawFreezeError,
  ReleasedError,
} from 'arena-alligator';

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
