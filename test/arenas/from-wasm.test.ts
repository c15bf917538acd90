import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyHint, FixedArena, SlotSpec } from 'arena-alligator';
import { assertAllReturned, frozen } from '../support/arenas.js';

const PAGE = 65536;

test('an arena over a WebAssembly.Memory continues with the new buffer when the memory grows', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 8 });
  const arena = FixedArena.fromRaw(memory, SlotSpec.size(1024)).build();
  assert.equal(arena.slotCount, 64);
  const before = frozen(arena, 'before');
  const stale = before.view;
  const buffer = arena.allocate().putUtf8('half ');
  memory.grow(1);
  assert.equal(stale.length, 0);
  assert.equal(before.toString(), 'before');
  assert.notEqual(before.view, stale);
  assert.equal(before.view.buffer, memory.buffer);
  assert.equal(before.view.length, 6);
  const whole = buffer.putUtf8('and half').putU32(7).freeze();
  assert.equal(whole.slice(0, 13).toString(), 'half and half');
  whole.advance(13);
  assert.equal(whole.getU32(), 7);
  memory.grow(1);
  const chunk = arena.allocate();
  assert.equal(chunk.chunkMut().buffer, memory.buffer);
  assert.equal(arena.slotCount, 64);
  chunk.abandon();
});

test('every access first notices that the memory grew: fields, bytes, text, slices and fills', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 32 });
  const arena = BuddyArena.fromRaw(memory, BuddyHint.minAlloc(64)).build();
  const buffer = arena.allocate(64);
  for (const write of [
    () => buffer.putU8(1),
    () => buffer.putU16(2),
    () => buffer.putSlice(Uint8Array.of(3)),
    () => buffer.putBytes(4, 2),
    () => buffer.putUtf8('5'),
    () => buffer.putF64(6),
    () => buffer.putU64(7n),
  ]) {
    memory.grow(1);
    write();
  }
  const bytes = buffer.freeze();
  const grown = <T>(read: () => T): T => {
    memory.grow(1);
    return read();
  };
  assert.equal(
    grown(() => bytes.getU8()),
    1,
  );
  assert.equal(
    grown(() => bytes.getU16()),
    2,
  );
  assert.deepEqual([...grown(() => bytes.toUint8Array())].slice(0, 4), [3, 4, 4, 0x35]);
  assert.equal(
    grown(() => bytes.at(1)),
    4,
  );
  bytes.advance(4);
  assert.equal(
    grown(() => bytes.getF64()),
    6,
  );
  assert.equal(
    grown(() => bytes.getU64()),
    7n,
  );
  grown(() => bytes.release());
  assertAllReturned(arena);
});

test('the zero policy scrubs the current memory', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const arena = FixedArena.fromRaw(memory, SlotSpec.size(PAGE)).initPolicy('zero').build();
  const bytes = arena.allocate().putBytes(0xee, PAGE).freeze();
  memory.grow(1);
  bytes.release();
  assert.ok(new Uint8Array(memory.buffer).every((byte) => byte === 0));
  assertAllReturned(arena);
});

test('a raw region shows the current memory', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(4)).hazmatRawAccess().build();
  const region = arena.rawAllocate();
  memory.grow(1);
  assert.equal(region.memory, memory.buffer);
  region.bytes[0] = 9;
  assert.deepEqual([...region.freeze(0, 1)], [9]);
});

test('a shared WebAssembly.Memory works, also when it grows', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(4)).build();
  const bytes = frozen(arena, 'shared');
  memory.grow(1);
  assert.equal(bytes.toString(), 'shared');
  bytes.release();
  assertAllReturned(arena);
});
