import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AllocError,
  BuddyArena,
  BuddyGeometry,
  BuildError,
  BytesChannel,
  FixedArena,
  SharedBuddyArena,
  SharedFixedArena,
  SlotSpec,
} from 'arena-alligator';
import { assertAllReturned, frozen } from '../support/arenas.js';
import { answer, exited, inWorker } from '../support/threads.js';

const threads = { maxThreads: 3 };

test('a shared arena does everything that a plain arena does', () => {
  const arena = FixedArena.withSlotCapacity(40, 16).shared(threads).initPolicy('zero').autoSpill().build();
  assert.ok(arena instanceof SharedFixedArena);
  const buffers = Array.from({ length: 40 }, (_, index) => arena.allocate().putU32(index));
  assert.equal(arena.tryAllocate(), undefined);
  const frozen = buffers.map((buffer) => buffer.freeze());
  assert.deepEqual(
    frozen.map((bytes) => bytes.clone()).map((clone) => [clone.isUnique, clone.getU32(), clone.release()][1]),
    Array.from({ length: 40 }, (_, index) => index),
  );
  frozen.forEach((bytes) => void bytes.release());
  assert.ok(
    arena
      .allocate()
      .chunkMut()
      .every((byte) => byte === 0) === true,
  );
  const spilled = arena.allocate().putUtf8('longer than sixteen bytes');
  assert.ok(spilled.isSpilled);
  spilled.freeze().release();
  const again = arena.allocate().putU8(1).freeze().tryIntoMut();
  assert.equal(again?.length, 1);
  again?.abandon();
  assert.equal(arena.metrics().allocationsFailed, 1);
});

test('threads see each other’s bytes and share one budget', async () => {
  for (const arena of [
    FixedArena.withSlotCapacity(2, 64).shared(threads).build(),
    BuddyArena.builder(BuddyGeometry.exact(128, 64)).shared(threads).build(),
  ]) {
    const worker = inWorker(
      `const arena = (data.kind === 'fixed' ? lib.FixedArena : lib.BuddyArena).attach(data);
       const mine = arena.allocate(64).putUtf8('from the worker').freeze();
       port.postMessage(mine.clone().toTicket());
       port.once('message', (ticket) => {
         const yours = arena.redeem(ticket);
         port.postMessage([yours.toString(), arena.tryAllocate(64) === undefined, arena.metrics().bytesLive]);
         yours.release(); mine.release(); arena.detach();
       });`,
      arena.handle(),
    );
    const theirs = arena.redeem(await answer(worker));
    assert.equal(theirs.toString(), 'from the worker');
    assert.equal(theirs.isUnique, false, 'the worker holds it too');
    assert.equal(theirs.tryIntoMut(), undefined);
    worker.postMessage(arena.allocate(64).putUtf8('from the main thread').freeze().toTicket());
    assert.deepEqual(await answer(worker), ['from the main thread', true, 128]);
    await exited(worker);
    assert.equal(theirs.isUnique, true);
    theirs.release();
    assertAllReturned(arena);
  }
});

test('attaching again in one thread returns the same arena and does not count as another thread', () => {
  const arena = FixedArena.withSlotCapacity(2, 8).shared({ maxThreads: 1 }).build();
  assert.equal(FixedArena.attach(structuredClone(arena.handle())), arena);
  const buddy = BuddyArena.builder(BuddyGeometry.nearest(100, 8)).shared({ maxThreads: 1 }).build();
  assert.equal(BuddyArena.attach(structuredClone(buddy.handle())), buddy);
  assert.ok(buddy instanceof SharedBuddyArena);
  assert.equal(buddy.allocate(9).capacity, 9, 'a nearest geometry shows the capacity that was asked for');
});

test('no more threads can attach than the arena was built for, and a lane that a thread left can be taken', async () => {
  const arena = FixedArena.withSlotCapacity(2, 8).shared({ maxThreads: 1 }).build();
  const code = `try { lib.FixedArena.attach(data); port.postMessage('attached'); } catch (error) { port.postMessage(error.code); }`;
  assert.equal(await answer(inWorker(code, arena.handle())), 'TOO_MANY_THREADS');
  const handle = arena.handle();
  const held = arena.allocate();
  arena.detach();
  assert.throws(() => arena.allocate(), { code: 'ARENA_CLOSED' });
  assert.throws(() => arena.handle(), { code: 'INVALID_HANDLE' });
  assert.equal(await answer(inWorker(code, handle)), 'TOO_MANY_THREADS', 'a live handle keeps the lane');
  held.putU8(1).freeze().release();
  assert.equal(await answer(inWorker(code, handle)), 'attached');
  assert.equal(arena.metrics().bytesLive, 0);
});

test('a handle that is damaged, forged or of another version is refused', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).shared(threads).build();
  const handle = arena.handle();
  const refused = (forged: unknown): void =>
    assert.throws(
      () => FixedArena.attach(forged as never),
      (error) => error instanceof BuildError && error.code === 'INVALID_HANDLE',
    );
  for (const value of [undefined, null, 7, 'handle']) assert.throws(() => FixedArena.attach(value as never), TypeError);
  refused({});
  refused({ ...handle, type: 'something else' });
  refused({ ...handle, control: new ArrayBuffer(handle.control.byteLength) });
  refused({ ...handle, control: new SharedArrayBuffer(16) });
  refused({ ...handle, control: new SharedArrayBuffer(handle.control.byteLength) });
  refused({ ...handle, memory: new SharedArrayBuffer(8) });
  refused({ ...handle, memory: {} });
  refused({ ...handle, byteOffset: -1 });
  refused({ ...handle, byteLength: 1 });
  const copy = (word: number, value: number, byteLength = handle.control.byteLength): SharedArrayBuffer => {
    const control = new SharedArrayBuffer(byteLength);
    const words = new Int32Array(control);
    words.set(new Int32Array(handle.control).subarray(0, words.length));
    words[word] = value;
    return control;
  };
  refused({ ...handle, control: copy(1, 99) });
  refused({ ...handle, control: copy(3, -5) });
  refused({ ...handle, control: copy(5, 2000) });
  refused({ ...handle, control: copy(60, 0, handle.control.byteLength - 256) });
  assert.throws(() => BuddyArena.attach(handle as never), { code: 'INVALID_HANDLE' });
});

test('options that cannot be shared are refused', () => {
  const builder = (): ReturnType<typeof FixedArena.withSlotCapacity> => FixedArena.withSlotCapacity(4, 16);
  for (const options of [undefined, null, 3]) assert.throws(() => builder().shared(options as never), TypeError);
  assert.throws(() => builder().shared({} as never), TypeError);
  for (const maxThreads of [0, -1, 1.5, 1025, Number.NaN])
    assert.throws(() => builder().shared({ maxThreads }), RangeError);
  assert.throws(() => FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.count(4)).shared(threads).build(), {
    code: 'INCOMPATIBLE_OPTIONS',
  });
  assert.throws(
    () =>
      FixedArena.fromRaw(new SharedArrayBuffer(64), SlotSpec.count(4), () => undefined)
        .shared(threads)
        .build(),
    {
      code: 'INCOMPATIBLE_OPTIONS',
    },
  );
});

test('an arena over part of the caller’s shared memory can be shared, and is zeroed under the zero policy', async () => {
  const memory = new SharedArrayBuffer(256);
  new Uint8Array(memory).fill(0xee);
  const arena = FixedArena.fromRaw(new Uint8Array(memory, 64, 128), SlotSpec.size(64))
    .shared(threads)
    .initPolicy('zero')
    .build();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     const buffer = arena.allocate();
     port.postMessage([...buffer.chunkMut()].every((byte) => byte === 0));
     buffer.abandon(); arena.detach();`,
    arena.handle(),
  );
  assert.equal(await answer(worker), true);
  await exited(worker);
  assert.equal(new Uint8Array(memory)[0], 0xee);
  assert.ok(
    arena
      .allocate()
      .chunkMut()
      .every((byte) => byte === 0),
  );
});

test('raw access works in every thread', async () => {
  const arena = FixedArena.withSlotCapacity(2, 8).hazmatRawAccess().shared(threads).build();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     const region = arena.rawAllocate();
     region.bytes.set([1, 2, 3], 5);
     port.postMessage(region.freeze(5, 8).toTicket());`,
    arena.handle(),
  );
  const bytes = arena.redeem(await answer(worker));
  assert.deepEqual([...bytes], [1, 2, 3]);
  bytes.release();
  const region = arena.rawAllocate();
  region.release();
  await exited(worker);
  assertAllReturned(arena);
});

test('after a close all threads refuse to allocate, and live handles stay valid', async () => {
  const arena = FixedArena.withSlotCapacity(2, 8).shared(threads).build();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     port.postMessage(0);
     port.once('message', () => {
       let code;
       try { arena.allocate(); } catch (error) { code = error.code; }
       port.postMessage([arena.isClosed, code]);
     });`,
    arena.handle(),
  );
  await answer(worker);
  const bytes = arena.allocate().putU8(5).freeze();
  arena.close();
  worker.postMessage(0);
  assert.deepEqual(await answer(worker), [true, 'ARENA_CLOSED']);
  assert.equal(bytes.at(0), 5);
  bytes.release();
  await worker.terminate();
  assertAllReturned(arena);
  assert.throws(() => arena.allocate(), AllocError);
});

test('a thread that has detached can no longer allocate, send or receive, and its bytes stay readable', () => {
  const arena = FixedArena.withSlotCapacity(2, 8).shared(threads).build();
  const channel = BytesChannel.create(arena, { capacity: 2 });
  const ticket = frozen(arena, 'ticket').toTicket();
  const bytes = frozen(arena, 'bytes');
  arena.detach();
  const closed = { code: 'ARENA_CLOSED' };
  assert.throws(() => arena.tryAllocate(), closed);
  assert.throws(() => arena.redeem(ticket), closed);
  assert.throws(() => arena.reclaim(99_999), closed);
  assert.throws(() => arena.watch({ threadId: 99_999, once: () => undefined }), closed);
  assert.throws(() => channel.trySend(bytes), closed);
  assert.throws(() => channel.tryReceive(), closed);
  assert.throws(() => BytesChannel.create(arena, { capacity: 2 }), closed);
  assert.equal(bytes.toString(), 'bytes');
  bytes.release();
});

test('a thread that has detached does not count in a lane that was taken again', () => {
  const left = FixedArena.withSlotCapacity(2, 8).shared(threads).build();
  const handle = left.handle();
  left.detach();
  const arena = FixedArena.attach(handle);
  assert.notEqual(arena, left);
  assert.throws(() => left.allocate(), { code: 'ARENA_CLOSED' });
  const { allocationsFailed, allocationsOk } = arena.metrics();
  assert.deepEqual([allocationsFailed, allocationsOk], [0, 0]);
  arena.allocate().abandon();
  assertAllReturned(arena);
});

test('the collector returns the memory of handles that a worker forgot, but pins memory with a lent view', async () => {
  const arena = FixedArena.withSlotCapacity(4, 8).shared(threads).build();
  const worker = inWorker(
    `import { setFlagsFromString } from 'node:v8';
     import { runInNewContext } from 'node:vm';
     setFlagsFromString('--expose-gc');
     const gc = runInNewContext('gc');
     const arena = lib.FixedArena.attach(data);
     (() => { arena.allocate(); arena.allocate().putU8(1).freeze().view; })();
     for (let turn = 0; turn < 100 && arena.metrics().leaksReclaimed + arena.metrics().leaksPinned < 2; turn++) {
       gc();
       await new Promise((resolve) => setTimeout(resolve, 10));
     }
     port.postMessage([arena.metrics().leaksReclaimed, arena.metrics().leaksPinned, arena.metrics().bytesLive]);
     setInterval(() => arena, 1000);`,
    arena.handle(),
  );
  assert.deepEqual(await answer(worker), [1, 1, 8]);
  arena.watch(worker);
  await worker.terminate();
  assert.equal(arena.metrics().leaksPinned, 0, 'nobody can use the view any more');
  assertAllReturned(arena);
});
