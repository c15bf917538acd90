import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AllocError, type ArenaBuffer, type Bytes, FixedArena, SlotSpec } from 'arena-alligator';
import fc from 'fast-check';
import { allocateAll, assertAllReturned, frozen } from '../support/arenas.js';
import { collectThoroughly, collectUntil } from '../support/collector.js';

function isolated(slotCount = 4): FixedArena {
  return FixedArena.withSlotCapacity(slotCount, 16).isolated().build();
}

test('every slot is an ArrayBuffer of its own, made at its first use and kept for reuse', () => {
  const arena = isolated();
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 0; round < 3; round++) {
    const all = allocateAll(arena);
    assert.equal(all.length, 4);
    for (const buffer of all) buffers.add(buffer.chunkMut().buffer);
    for (const buffer of all) buffer.abandon();
  }
  assert.equal(buffers.size, 4);
  for (const buffer of buffers) assert.equal(buffer.byteLength, 16);
  assertAllReturned(arena);
});

test('after a handle was forgotten, a held view keeps the slot and its bytes; the slot comes back when the view goes', async () => {
  const arena = isolated(2);
  const held: { view: Uint8Array | undefined } = { view: undefined };
  (() => {
    held.view = frozen(arena, 'in flight').view.subarray(3);
  })();
  await collectThoroughly();
  assert.equal(arena.metrics().bytesLive, 16);
  for (let round = 0; round < 50; round++) arena.allocate().putBytes(0xff, 16).freeze().release();
  assert.equal(Buffer.from(held.view ?? []).toString(), 'flight');
  held.view = undefined;
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 1));
  assert.equal(arena.metrics().leaksPinned, 0);
  assert.equal(allocateAll(arena).map((buffer) => buffer.abandon()).length, 2);
  assertAllReturned(arena);
});

test('forgotten buffers, bytes, clones and raw regions are never pinned, even if views of them were lent', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).isolated().hazmatRawAccess().build();
  (() => {
    arena.allocate().chunkMut().fill(1);
    const bytes = frozen(arena, 'lent');
    bytes.clone();
    bytes.slice(1).view.at(0);
    arena.rawAllocate().bytes.fill(2);
    arena.rawAllocate().freeze(0, 4).view.at(0);
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 4));
  assert.equal(arena.metrics().leaksPinned, 0);
  assertAllReturned(arena);
  assert.equal(allocateAll(arena).map((buffer) => buffer.abandon()).length, 4);
});

test('whatever refers to the buffer of a view keeps the slot', async () => {
  const arena = isolated(8);
  const kept: unknown[] = [];
  (() => {
    kept.push(Buffer.from(frozen(arena, 'one').view.buffer));
    kept.push(new DataView(frozen(arena, 'two').view.buffer));
    kept.push(frozen(arena, 'three').view.subarray(0, 0));
    kept.push(frozen(arena, 'four').view.buffer);
  })();
  await collectThoroughly();
  assert.equal(arena.metrics().leaksReclaimed, 0);
  kept.length = 0;
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 4));
  assertAllReturned(arena);
});

test('a slot whose buffer was transferred gets a new buffer, and is never freed twice', async () => {
  const arena = isolated(2);
  const stolen: ArrayBuffer[] = [];
  // In a function of its own: its variables keep nothing alive after it has returned.
  const gone = (() => {
    const released = frozen(arena, 'free');
    const free = released.view.buffer as ArrayBuffer;
    released.release();
    stolen.push(structuredClone(free, { transfer: [free] }));
    const used = frozen(arena, 'used');
    const lent = used.view.buffer as ArrayBuffer;
    stolen.push(structuredClone(lent, { transfer: [lent] }));
    assert.throws(() => used.at(0), TypeError);
    used.release();
    return [new WeakRef(free), new WeakRef(lent)];
  })();
  const again = allocateAll(arena);
  assert.equal(again.length, 2);
  for (const buffer of again) buffer.putBytes(7, 16);
  assert.ok(await collectUntil(() => gone.every((buffer) => buffer.deref() === undefined)));
  await collectThoroughly();
  assert.equal(arena.metrics().leaksReclaimed, 0, 'collecting the old buffers frees no slot');
  assert.equal(arena.tryAllocate(), undefined);
  for (const buffer of again) assert.equal(buffer.freeze().tryIntoMut()?.abandon(), undefined);
  assertAllReturned(arena);
});

test('zero policy: slots are scrubbed for the next owner, and so are slots that the collector reclaimed', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).isolated().initPolicy('zero').build();
  const check = (): void => {
    const buffer = arena.allocate();
    assert.ok(buffer.chunkMut().every((byte) => byte === 0));
    buffer.abandon();
  };
  check();
  arena.allocate().putBytes(1, 64).freeze().release();
  check();
  arena.allocate().chunkMut().fill(1);
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 1));
  check();
  assertAllReturned(arena);
});

test('isolated arenas work with waiting, spilling, alignment and prefaulting', async () => {
  const waiting = FixedArena.withSlotCapacity(1, 10).isolated().alignment(64).buildAsync();
  assert.equal(waiting.slotCapacity, 64);
  const first = waiting.allocate();
  assert.equal(first.chunkMut().byteOffset, 0);
  const next = waiting.allocateAsync();
  first.abandon();
  (await next).abandon();
  assertAllReturned(waiting);
  const spilling = FixedArena.withSlotCapacity(1, 4).isolated().autoSpill().build();
  const bytes = spilling.allocate().putUtf8('too long').freeze();
  assert.equal(bytes.toString(), 'too long');
  assertAllReturned(spilling);
  const faulted = FixedArena.withSlotCapacity(3, 8192).isolated().buildUnfaulted().faultPages();
  assert.equal(allocateAll(faulted).map((buffer) => buffer.abandon()).length, 3);
  assertAllReturned(faulted);
});

test('faultPages leaves slots in use alone, and the slots that it makes are kept', () => {
  const unfaulted = FixedArena.withSlotCapacity(3, 16).isolated().buildUnfaulted();
  const [arena, buffer] = unfaulted.allocate();
  buffer.putUtf8('kept');
  unfaulted.faultPages();
  const others = allocateAll(arena);
  assert.equal(others.length, 2);
  const buffers = others.map((other) => other.chunkMut().buffer);
  for (const other of others) other.abandon();
  assert.deepEqual(
    allocateAll(arena).map((other) => {
      const known = buffers.includes(other.chunkMut().buffer);
      other.abandon();
      return known;
    }),
    [true, true],
  );
  const bytes = buffer.freeze();
  assert.equal(bytes.toString(), 'kept');
  bytes.release();
  assertAllReturned(arena);
});

test('when the runtime has no memory for a new slot, the allocation fails and the slot stays free', () => {
  const arena = FixedArena.withSlotCapacity(1, 2 ** 52)
    .isolated()
    .build();
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.throws(
      () => arena.allocate(),
      (error: AllocError) => error.code === 'ARENA_FULL' && error.cause instanceof RangeError,
    );
  }
  const { allocationsOk, allocationsFailed, bytesLive } = arena.metrics();
  assert.deepEqual([allocationsOk, allocationsFailed, bytesLive], [0, 3, 0]);
});

test('memory of the caller and memory shared by threads cannot be isolated', () => {
  const code = { name: 'BuildError', code: 'INCOMPATIBLE_OPTIONS' };
  assert.throws(() => FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.count(2)).isolated().build(), code);
  assert.throws(() => FixedArena.withSlotCapacity(2, 16).isolated().shared({ maxThreads: 2 }).build(), code);
});

test('random lifecycles: no two live buffers share memory, content is kept, and metrics are exact', () => {
  const step = fc.tuple(fc.constantFrom('allocate', 'freeze', 'release', 'clone', 'writable'), fc.nat(7), fc.nat(255));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const arena = isolated(4);
      const buffers: { buffer: ArenaBuffer; value: number }[] = [];
      const frozenOnes: { bytes: Bytes; value: number }[] = [];
      let live = 0;
      for (const [what, pick, value] of steps) {
        if (what === 'allocate') {
          const buffer = arena.tryAllocate();
          assert.equal(buffer === undefined, live === 4);
          if (buffer === undefined) continue;
          live++;
          buffers.push({ buffer: buffer.putBytes(value, 16), value });
        } else if (what === 'freeze') {
          const [entry] = buffers.splice(pick, 1);
          if (entry !== undefined) frozenOnes.push({ bytes: entry.buffer.freeze(), value: entry.value });
        } else {
          const entry = frozenOnes[pick];
          if (entry === undefined) continue;
          if (what === 'clone') frozenOnes.push({ bytes: entry.bytes.clone(), value: entry.value });
          else if (what === 'writable') {
            const buffer = entry.bytes.tryIntoMut();
            if (buffer === undefined) continue;
            frozenOnes.splice(pick, 1);
            buffers.push({ buffer, value: entry.value });
          } else {
            frozenOnes.splice(pick, 1);
            if (entry.bytes.isUnique) live--;
            entry.bytes.release();
          }
        }
        assert.equal(arena.metrics().bytesLive, live * 16);
      }
      for (const { bytes, value } of frozenOnes) assert.ok(bytes.toUint8Array().every((byte) => byte === value));
      for (const { bytes } of frozenOnes) bytes.release();
      for (const { buffer, value } of buffers) {
        const bytes = buffer.freeze();
        assert.ok(bytes.toUint8Array().every((byte) => byte === value));
        bytes.release();
      }
      assertAllReturned(arena);
    }),
    { numRuns: 150 },
  );
});

test('when the runtime has no memory for a slot, tryAllocate returns undefined and allocateAsync rejects', async () => {
  const arena = FixedArena.withSlotCapacity(1, 2 ** 52)
    .isolated()
    .buildAsync();
  assert.equal(arena.tryAllocate(), undefined);
  assert.equal(arena.metrics().allocationsFailed, 1);
  await assert.rejects(arena.allocateAsync(), { code: 'ARENA_FULL' });
  const { allocationsOk, bytesLive } = arena.metrics();
  assert.deepEqual([allocationsOk, bytesLive], [0, 0]);
});

test('bytes that one owner cut off at the front are usable again for the next owner', () => {
  const arena = isolated(1);
  const bytes = frozen(arena, 'head and');
  bytes.advance(5);
  const writable = bytes.tryIntoMut();
  assert.equal(writable?.capacity, 11);
  writable?.abandon();
  const next = arena.allocate();
  assert.deepEqual([next.length, next.capacity, next.remainingMut()], [0, 16, 16]);
  next.abandon();
  assertAllReturned(arena);
});
