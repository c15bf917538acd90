import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedArena } from 'arena-alligator';
import { readChunks } from 'arena-alligator/node';
import { assertAllReturned } from '../support/arenas.js';
import { answer, exited, inWorker } from '../support/threads.js';

const threads = { maxThreads: 3 };

test('the metrics count the waits of all threads, asynchronous and blocking', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).buildAsync();
  const held = arena.allocate();
  const sleeper = inWorker(
    `const arena = lib.FixedArena.attach(data);
     port.postMessage(0);
     arena.allocateBlocking().abandon();
     arena.detach();`,
    arena.handle(),
  );
  const waiter = inWorker(
    `const arena = lib.FixedArena.attach(data);
     const waits = [arena.allocateAsync(), arena.allocateAsync(), arena.allocateAsync({ timeout: 1 })];
     await waits[2].catch(() => undefined);
     port.postMessage(0);
     for (const wait of waits.slice(0, 2)) (await wait).abandon();
     arena.detach();`,
    arena.handle(),
  );
  await Promise.all([answer(sleeper), answer(waiter)]);
  const own = arena.allocateAsync();
  while (arena.metrics().waiting < 4) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(arena.metrics().waiting, 4);
  assert.equal(arena.metrics().waitsCancelled, 1);
  held.abandon();
  (await own).abandon();
  await Promise.all([exited(sleeper), exited(waiter)]);
  const { waiting, waitsServed, waitsCancelled, longestWait } = arena.metrics();
  assert.deepEqual([waiting, waitsServed, waitsCancelled], [0, 4, 1]);
  assert.ok(longestWait > 0);
  assertAllReturned(arena);
});

test('the waits of a thread that died wait no more', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).buildAsync();
  const held = arena.allocate();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     arena.allocateAsync();
     port.postMessage(0);
     arena.allocateBlocking();`,
    arena.handle(),
  );
  arena.watch(worker);
  await answer(worker);
  while (arena.metrics().waiting < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await worker.terminate();
  assert.equal(arena.metrics().waiting, 0);
  held.abandon();
  assertAllReturned(arena);
});

test('a call that blocks its thread gets the memory that the thread has read ahead', async () => {
  const arena = FixedArena.withSlotCapacity(3, 64).shared({ maxThreads: 1 }).buildAsync();
  const chunks = readChunks(arena, 'LICENSE', { readAhead: 2 });
  const first = (await chunks.next()).value;
  while (arena.metrics().bytesLive < 192) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 20)); // until the two are read
  arena.allocateBlocking(2000).abandon();
  first?.release();
  await chunks.return();
  assertAllReturned(arena);
});
