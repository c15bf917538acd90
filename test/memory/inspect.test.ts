import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { BuddyArena, BuddyGeometry, Bytes, BytesMut, FixedArena, SlotSpec } from 'arena-alligator';

const arena = FixedArena.withSlotCapacity(2, 64).build();

test('inspecting bytes shows their length and their first bytes', () => {
  const bytes = arena
    .allocate()
    .putSlice(Uint8Array.of(0, 1, 255))
    .freeze();
  assert.equal(inspect(bytes), 'Bytes(3) <00 01 ff>');
  bytes.release();
  assert.equal(inspect(bytes), 'Bytes <released>');
  assert.equal(inspect(Bytes.empty), 'Bytes(0) <>');
  assert.match(inspect(Bytes.wrap(new Uint8Array(33))), /^Bytes\(33\) <(00 ){31}00 \.\.\.>$/);
});

test('inspecting a buffer shows its length, its capacity and its first bytes', () => {
  const buffer = arena.allocate().putU16(0x1234);
  assert.equal(inspect({ buffer }), '{ buffer: ArenaBuffer(2/64) <12 34> }');
  buffer.abandon();
  assert.equal(inspect(buffer), 'ArenaBuffer <released>');
});

test('inspecting a growable buffer shows its length, its capacity and its first bytes', () => {
  const buffer = BytesMut.withCapacity(4).putU8(7);
  assert.equal(inspect(buffer), 'BytesMut(1/4) <07>');
  buffer.freeze();
  assert.equal(inspect(buffer), 'BytesMut <frozen>');
});

test('inspecting regions and arenas shows how much is in use, never the memory', () => {
  const raw = FixedArena.withSlotCapacity(4, 16).hazmatRawAccess().build();
  const region = raw.rawAllocate();
  assert.equal(inspect(region), 'RawRegion(16)');
  assert.equal(inspect(raw), 'FixedArena(1/4 slots of 16 bytes in use)');
  region.release();
  assert.equal(inspect(region), 'RawRegion <released>');
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 8)).build();
  buddy.allocate(10);
  assert.equal(inspect(buddy), 'BuddyArena(16/64 bytes in use)');
});

test('inspecting a handle whose memory is gone shows that it is detached', () => {
  const memory = new ArrayBuffer(16);
  const bytes = FixedArena.fromRaw(memory, SlotSpec.count(1)).build().allocate().putU8(1).freeze();
  structuredClone(memory, { transfer: [memory] });
  assert.equal(inspect(bytes), 'Bytes(1) <detached>');
});

test('JSON shows sizes and counters, never memory', () => {
  const raw = FixedArena.withSlotCapacity(4, 16).hazmatRawAccess().build();
  raw.allocate().putUtf8('PASSWORD').freeze().release();
  const bytes = raw.allocate().putUtf8('abc').freeze();
  const buffer = raw.allocate().putU8(1);
  const region = raw.rawAllocate();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64, 8)).build();
  assert.deepEqual(JSON.parse(JSON.stringify({ bytes, buffer, region, raw, buddy })), {
    bytes: { type: 'Bytes', length: 3 },
    buffer: { type: 'ArenaBuffer', length: 1 },
    region: { type: 'RawRegion', capacity: 16 },
    raw: raw.metrics(),
    buddy: buddy.metrics(),
  });
  bytes.release();
  buffer.abandon();
  region.release();
  assert.deepEqual(JSON.parse(JSON.stringify([bytes, buffer, region])), [
    { type: 'Bytes', length: 0 },
    { type: 'ArenaBuffer', length: 0 },
    { type: 'RawRegion', capacity: 0 },
  ]);
});

test('inspecting lends nothing and allocates nothing from the arena', () => {
  const before = arena.metrics();
  const bytes = arena.allocate().putU8(1).freeze();
  inspect(bytes);
  bytes.release();
  assert.equal(arena.metrics().allocationsOk, before.allocationsOk + 1);
});
