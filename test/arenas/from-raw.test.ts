import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { BuddyArena, BuddyHint, FixedArena, SlotSpec } from 'arena-alligator';
import { allocateAll, assertAllReturned, frozen, placeOf } from '../support/arenas.js';

test('SlotSpec.count makes the given number of slots, and rounds their size down', () => {
  const arena = FixedArena.fromRaw(new ArrayBuffer(1000), SlotSpec.count(3)).build();
  assert.deepEqual([arena.slotCount, arena.slotCapacity], [3, 333]);
  assert.equal(arena.metrics().bytesReserved, 999);
});

test('SlotSpec.size makes slots of the given size, as many as fit', () => {
  const arena = FixedArena.fromRaw(new ArrayBuffer(1000), SlotSpec.size(300)).build();
  assert.deepEqual([arena.slotCount, arena.slotCapacity], [3, 300]);
});

test('slots that do not fit the memory are refused', () => {
  const memory = new ArrayBuffer(100);
  assert.throws(() => FixedArena.fromRaw(memory, SlotSpec.size(101)).build(), {
    name: 'BuildError',
    code: 'SLOT_SIZE_EXCEEDS_BACKING',
  });
  assert.throws(() => FixedArena.fromRaw(memory, SlotSpec.count(101)).build(), { code: 'ZERO_USABLE_SLOTS' });
  assert.throws(() => FixedArena.fromRaw(memory, SlotSpec.size(3)).alignment(4).build(), { code: 'ZERO_USABLE_SLOTS' });
  assert.throws(() => FixedArena.fromRaw(new ArrayBuffer(0), SlotSpec.count(1)).build(), { code: 'ZERO_USABLE_SLOTS' });
  for (const bad of [0, -1, 1.5, Number.NaN, 2 ** 60]) {
    assert.throws(() => SlotSpec.count(bad), RangeError);
    assert.throws(() => SlotSpec.size(bad), RangeError);
    assert.throws(() => BuddyHint.minAlloc(bad), RangeError);
  }
});

test('BuddyHint makes the largest buddy shape that fits', () => {
  for (const [bytes, hint, total, block] of [
    [4096, 512, 4096, 512],
    [4096, 500, 4096, 512],
    [5000, 512, 4096, 512],
    [4096, 4096, 4096, 4096],
    [700, 600, 512, 512],
    [3, 1, 2, 1],
  ] as const) {
    const arena = BuddyArena.fromRaw(new ArrayBuffer(bytes), BuddyHint.minAlloc(hint)).build();
    assert.deepEqual([arena.totalSize, arena.minBlockSize], [total, block]);
    const whole = arena.allocate(total);
    assert.equal(whole.capacity, total);
    whole.abandon();
    assertAllReturned(arena);
  }
  assert.throws(() => BuddyArena.fromRaw(new ArrayBuffer(4096), BuddyHint.minAlloc(8192)).build(), {
    code: 'ZERO_USABLE_SLOTS',
  });
});

test('building writes nothing, and bytes outside the slots are never written', () => {
  for (const build of [
    (memory: Uint8Array) => FixedArena.fromRaw(memory, SlotSpec.size(24)).alignment(8).pageSize(1).build(),
    (memory: Uint8Array) => FixedArena.fromRaw(memory, SlotSpec.size(24)).alignment(8).initPolicy('zero').build(),
  ]) {
    const region = new Uint8Array(128).fill(0xaa);
    const arena = build(region.subarray(3, 103));
    assert.ok(region.every((byte) => byte === 0xaa));
    assert.deepEqual([arena.slotCount, arena.slotCapacity], [3, 24]);
    const buffers = allocateAll(arena);
    for (const buffer of buffers) buffer.putBytes(0xbb, 24);
    // The window starts at 3 and its first aligned byte is at 8. Three slots of 24 bytes end at 80.
    assert.ok(region.subarray(0, 8).every((byte) => byte === 0xaa));
    assert.ok(region.subarray(8, 80).every((byte) => byte === 0xbb));
    assert.ok(region.subarray(80).every((byte) => byte === 0xaa));
    for (const buffer of buffers) buffer.abandon();
    assert.ok(region.subarray(0, 8).every((byte) => byte === 0xaa));
    assert.ok(region.subarray(80).every((byte) => byte === 0xaa));
    assertAllReturned(arena);
  }
});

test('a buddy arena does not touch the head and the tail of its window', () => {
  const region = new Uint8Array(100).fill(0xaa);
  const arena = BuddyArena.fromRaw(region.subarray(5, 95), BuddyHint.minAlloc(8)).alignment(8).build();
  assert.equal(arena.totalSize, 64);
  const buffer = arena.allocate(64).putBytes(0xbb, 64);
  assert.equal(region.indexOf(0xbb), 8);
  assert.equal(region.lastIndexOf(0xbb), 71);
  assert.equal(region.filter((byte) => byte === 0xbb).length, 64);
  buffer.abandon();
  assertAllReturned(arena);
});

test('alignment raises the smallest block of a buddy arena over caller memory', () => {
  const arena = BuddyArena.fromRaw(new ArrayBuffer(4096), BuddyHint.minAlloc(16)).alignment(64).build();
  assert.equal(arena.minBlockSize, 64);
});

test('every kind of memory works: buffers, shared buffers, views and their windows', () => {
  const buffer = new ArrayBuffer(64);
  const shared = new SharedArrayBuffer(64);
  for (const [memory, owner, offset] of [
    [buffer, buffer, 0],
    [shared, shared, 0],
    [new Uint8Array(buffer, 16, 32), buffer, 16],
    [new DataView(buffer, 8, 32), buffer, 8],
    [new Float64Array(shared, 16, 4), shared, 16],
    [Buffer.from(buffer, 4, 40), buffer, 4],
  ] as const) {
    const arena = FixedArena.fromRaw(memory, SlotSpec.size(8)).build();
    assert.equal(arena.slotCount, Math.floor(memory.byteLength / 8));
    const bytes = frozen(arena, 'abc');
    assert.equal(bytes.view.buffer, owner);
    assert.ok(bytes.view.byteOffset >= offset);
    assert.equal(bytes.toString(), 'abc');
    assert.equal(bytes.indexOf(0x63), 2);
    assert.equal(bytes.equals(Buffer.from('abc')), true);
    bytes.release();
    assertAllReturned(arena);
  }
});

test('a value that is not memory, not a spec or not a hint is refused', () => {
  const spec = SlotSpec.count(1);
  for (const bad of [null, undefined, 8, 'memory', {}, [], { byteLength: 8 }] as unknown as ArrayBuffer[]) {
    assert.throws(() => FixedArena.fromRaw(bad, spec), TypeError);
    assert.throws(() => BuddyArena.fromRaw(bad, BuddyHint.minAlloc(1)), TypeError);
  }
  assert.throws(() => FixedArena.fromRaw(new ArrayBuffer(8), { count: 1 } as unknown as SlotSpec), TypeError);
  assert.throws(() => BuddyArena.fromRaw(new ArrayBuffer(8), 8 as unknown as BuddyHint), TypeError);
});

test('detached memory is refused', () => {
  const memory = new ArrayBuffer(64);
  const view = new Uint8Array(memory);
  structuredClone(memory, { transfer: [memory] });
  for (const gone of [memory, view]) {
    assert.throws(() => FixedArena.fromRaw(gone, SlotSpec.count(1)).build(), {
      name: 'BuildError',
      code: 'INVALID_BACKING',
    });
    assert.throws(() => BuddyArena.fromRaw(gone, BuddyHint.minAlloc(1)).build(), { code: 'INVALID_BACKING' });
  }
});

test('a builder over caller memory builds only one arena, because a second one would overlap it', () => {
  const builder = FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.count(1));
  builder.build();
  assert.throws(() => builder.build(), { name: 'BuildError', code: 'INVALID_BACKING' });
});

test('a build that failed can be tried again with the same memory', () => {
  const builder = FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.size(16)).alignment(32);
  assert.throws(() => builder.build(), { code: 'ZERO_USABLE_SLOTS' });
  assert.equal(builder.alignment(16).build().slotCount, 4);
});

test('memory that was detached under a live arena can be released, but using it throws', () => {
  const memory = new ArrayBuffer(64);
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(4)).initPolicy('zero').build();
  const bytes = frozen(arena, 'gone');
  const buffer = arena.allocate().putU8(1);
  structuredClone(memory, { transfer: [memory] });
  assert.throws(() => bytes.view, TypeError);
  assert.throws(() => bytes.at(0), TypeError);
  assert.throws(() => bytes.getU8(), TypeError);
  assert.throws(() => bytes.getU32(), TypeError);
  assert.throws(() => buffer.putU8(1), TypeError);
  assert.throws(() => buffer.putU32(1), TypeError);
  assert.throws(() => buffer.chunkMut(), TypeError);
  assert.equal(buffer.length, 1);
  assert.equal(bytes.length, 4);
  bytes.release();
  buffer.abandon();
  assertAllReturned(arena);
});

test('memory that was detached after fromRaw() is refused when building', () => {
  const memory = new ArrayBuffer(64);
  const fixed = FixedArena.fromRaw(memory, SlotSpec.count(1));
  const buddy = BuddyArena.fromRaw(memory, BuddyHint.minAlloc(1));
  structuredClone(memory, { transfer: [memory] });
  assert.throws(() => fixed.build(), { name: 'BuildError', code: 'INVALID_BACKING' });
  assert.throws(() => buddy.build(), { name: 'BuildError', code: 'INVALID_BACKING' });
});

test('for a view that lies about its size, only its true size counts', () => {
  class Liar extends Uint8Array {
    override get byteLength(): number {
      return 64;
    }
  }
  const arena = FixedArena.fromRaw(new Liar(new ArrayBuffer(64), 0, 8), SlotSpec.size(8)).build();
  assert.equal(arena.slotCount, 1);
});

test('memory of another realm is accepted', () => {
  const make = runInNewContext('(name, length) => new globalThis[name](length)') as (
    name: string,
    length: number,
  ) => ArrayBuffer;
  for (const name of ['ArrayBuffer', 'SharedArrayBuffer', 'Uint8Array']) {
    const arena = FixedArena.fromRaw(make(name, 64), SlotSpec.count(1)).build();
    using bytes = arena
      .allocate()
      .putSlice(make('Uint8Array', 3) as unknown as Uint8Array)
      .freeze();
    assert.deepEqual([...bytes], [0, 0, 0]);
  }
});

test('zero policy: a resizable buffer that shrinks and grows again shows no old byte', (context) => {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & {
    resize(length: number): void;
  };
  const memory = new Resizable(128, { maxByteLength: 128 });
  if (typeof memory.resize !== 'function') return context.skip('no resizable buffers here');
  new Uint8Array(memory).fill(0xaa);
  const window = new Uint8Array(memory, 16, 112);
  const arena = FixedArena.fromRaw(window, SlotSpec.count(2)).initPolicy('zero').build();
  const written = arena.allocate().putBytes(0xff, 56).freeze();
  memory.resize(100);
  const cold = arena.allocate();
  written.release();
  cold.abandon();
  memory.resize(128);
  for (const buffer of allocateAll(arena)) {
    assert.ok(buffer.chunkMut().every((byte) => byte === 0));
    buffer.abandon();
  }
  assert.ok(
    new Uint8Array(memory, 0, 16).every((byte) => byte === 0xaa),
    'nothing before the window was touched',
  );
  assertAllReturned(arena);
});

test('using a resizable buffer that shrank throws, and works again after it has grown', (context) => {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & {
    resize(length: number): void;
  };
  const memory = new Resizable(64, { maxByteLength: 64 });
  if (typeof memory.resize !== 'function') return context.skip('no resizable buffers here');
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(4)).build();
  const bytes = frozen(arena, 'shrunk');
  memory.resize(8);
  assert.throws(() => bytes.at(0), TypeError);
  memory.resize(64);
  assert.equal(bytes.toString().length, 6);
  bytes.release();
  assertAllReturned(arena);
});

test('slots over caller memory do not overlap', () => {
  const arena = FixedArena.fromRaw(new ArrayBuffer(4096), SlotSpec.size(100)).build();
  const places = allocateAll(arena)
    .map(placeOf)
    .sort((a, b) => a - b);
  assert.equal(places.length, 40);
  for (const [index, place] of places.entries()) assert.equal(place, index * 100);
});
