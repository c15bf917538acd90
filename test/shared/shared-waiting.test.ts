import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { ArenaBuffer, BuddyArena, BuddyGeometry, FixedArena, type SharedFixedArena } from 'arena-alligator';
import { environment } from '#internal/base/environment';
import { openHandle } from '#internal/shared/arena-handle';
import type { SharedEngine } from '#internal/shared/engine';
import { BLOCKING_CELL } from '#internal/shared/lane';
import { SharedThread } from '#internal/shared/thread';
import { assertAllReturned } from '../support/arenas.js';
import { Outcome, settled } from '../support/outcome.js';
import { answer, exited, inWorker } from '../support/threads.js';

const threads = { maxThreads: 3 };
const library = new URL('../../../dist/index.js', import.meta.url).href;

test('allocateAsync gets memory that another thread releases, first come, first served', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).buildAsync();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     let held = arena.allocate();
     port.postMessage(0);
     port.on('message', () => { held.abandon(); arena.detach(); port.close(); });`,
    arena.handle(),
  );
  await answer(worker);
  const order: number[] = [];
  const waits = [1, 2, 3].map(async (number) => {
    const buffer = await arena.allocateAsync();
    order.push(number);
    buffer.abandon();
  });
  worker.postMessage(0);
  await Promise.all(waits);
  assert.deepEqual(order, [1, 2, 3]);
  assert.equal(arena.metrics().waitsServed, 3);
  await exited(worker);
  assertAllReturned(arena);
});

test('a tryAllocate loop in another thread does not starve a waiter', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     port.postMessage(0);
     for (;;) for (let i = 0; i < 1e6; i++) arena.tryAllocate()?.abandon();`,
    arena.handle(),
  );
  arena.watch(worker);
  await answer(worker);
  for (let round = 0; round < 20; round++) {
    const buffer = await arena.allocateAsync({ timeout: 20_000 });
    assert.equal(arena.tryAllocate(), undefined);
    buffer.abandon();
  }
  await worker.terminate();
  assertAllReturned(arena);
});

test('a worker sleeps in allocateBlocking until memory comes free, the time is up or the arena is closed', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(1024, 64)).shared(threads).build();
  const halves = [arena.allocate(512), arena.allocate(512)];
  const worker = inWorker(
    `const arena = lib.BuddyArena.attach(data);
     try { arena.allocateBlocking(1, 10); } catch (error) { port.postMessage(error.name); }
     const all = arena.allocateBlocking(1024);
     port.postMessage(all.capacity);
     try { arena.allocateBlocking(1); } catch (error) { port.postMessage(error.code); }
     all.abandon();
     try { arena.allocateBlocking(2000); } catch (error) { port.postMessage(error.code); }
     arena.detach();`,
    arena.handle(),
  );
  assert.equal(await answer(worker), 'TimeoutError');
  setTimeout(() => halves[0]?.abandon(), 10);
  setTimeout(() => halves[1]?.abandon(), 20);
  assert.equal(await answer(worker), 1024);
  setTimeout(() => arena.close(), 20);
  assert.equal(await answer(worker), 'ARENA_CLOSED');
  assert.equal(await answer(worker), 'REQUEST_TOO_LARGE');
  await exited(worker);
  assertAllReturned(arena);
});

test('a release in another thread serves small requests that wait behind a large one', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(1024, 64)).shared(threads).build();
  const worker = inWorker(
    `const arena = lib.BuddyArena.attach(data);
     const held = [arena.allocate(512), ...Array.from({ length: 8 }, () => arena.allocate(64))];
     port.postMessage(0);
     port.on('message', (count) => {
       if (count === 0) return port.close();
       for (const one of held.splice(-count)) one.abandon();
     });`,
    arena.handle(),
  );
  arena.watch(worker);
  await answer(worker);
  const large = arena.allocateAsync(1024, { timeout: 20_000 });
  const small = arena.allocateAsync(64, { timeout: 20_000 });
  worker.postMessage(1);
  const first = await small;
  worker.postMessage(8);
  first.abandon();
  (await large).abandon();
  worker.postMessage(0);
  await exited(worker);
  assertAllReturned(arena);
});

test('a wait that is aborted just as it is served leaves no request behind', async () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(512, 64)).shared(threads).build();
  for (let round = 0; round < 3; round++) {
    const whole = arena.allocate(512);
    const stop = new AbortController();
    const large = arena.allocateAsync(512, { signal: stop.signal }).catch((error: unknown) => error);
    const small = arena.allocateAsync(64);
    whole.abandon();
    stop.abort();
    const got = await large;
    if (got instanceof ArenaBuffer) got.abandon();
    (await small).abandon();
    assertAllReturned(arena);
    (await arena.allocateAsync(512, { timeout: 5000 })).abandon();
  }
});

test('closing the arena in one thread ends the waits of another thread', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  const held = arena.allocate();
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     arena.allocateAsync().catch((error) => { port.postMessage(error.code); arena.detach(); });
     port.postMessage(0);`,
    arena.handle(),
  );
  await answer(worker);
  arena.close();
  assert.equal(await answer(worker), 'ARENA_CLOSED');
  held.abandon();
  await exited(worker);
  assertAllReturned(arena);
});

test('the thread that has waited longest is served first', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  const held = arena.allocate();
  const first = new Outcome(arena.allocateAsync());
  const worker = inWorker(
    `const arena = lib.FixedArena.attach(data);
     const waiting = arena.allocateAsync();
     port.postMessage('waits');
     const buffer = await waiting;
     port.postMessage('served');
     port.once('message', () => { buffer.abandon(); arena.detach(); });`,
    arena.handle(),
  );
  assert.equal(await answer(worker), 'waits');
  held.abandon();
  for (let round = 0; round < 3; round++) await settled();
  assert.equal(first.state, 'resolved');
  first.value?.abandon();
  assert.equal(await answer(worker), 'served');
  worker.postMessage(0);
  await exited(worker);
  assertAllReturned(arena);
});

test('detaching ends the waits of its own thread at once', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared(threads).build();
  const held = arena.allocate();
  const waiting = arena.allocateAsync();
  arena.detach();
  assert.equal(arena.metrics().waiting, 0, 'no request waits any more');
  await assert.rejects(waiting, { code: 'ARENA_CLOSED' });
  held.abandon();
  assertAllReturned(arena);
});

/** Runs a program with `body`, which may start one other thread, and returns how it ended. */
function run(body: string): { code: number | null; output: string } {
  const program = `import { Worker } from 'node:worker_threads'; import * as lib from ${JSON.stringify(library)};
    const arena = lib.FixedArena.withSlotCapacity(1, 8).shared({ maxThreads: 2 }).build(); ${body}`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { code: status, output: stdout.trim() };
}

test('a wait that no other thread could end does not keep the program running', () => {
  const { code, output } = run(
    // Keep the buffer: the collector may return a forgotten one, and that would end the wait.
    `globalThis.held = arena.allocate(); setTimeout(() => console.log('the end')); await arena.allocateAsync();`,
  );
  assert.deepEqual([code, output], [13, 'the end'], 'Node’s exit code for an await that never ends');
});

test('a wait keeps the program running while another thread could end it', () => {
  const worker = `import { workerData } from 'node:worker_threads'; import * as lib from ${JSON.stringify(library)};
    const held = lib.FixedArena.attach(workerData).allocate(); setTimeout(() => held.abandon(), 300);`;
  const { code, output } = run(`
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)})), { workerData: arena.handle() });
    worker.unref();
    while (arena.metrics().allocationsOk === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    (await arena.allocateAsync()).abandon();
    console.log('served');`);
  assert.deepEqual([code, output], [0, 'served']);
});

/**
 * Attaches another lane of the arena, as another thread would have it, in this thread. So what the lane does can be put
 * between two steps of a wait.
 */
function otherLane(arena: SharedFixedArena): SharedEngine {
  const { control, memory } = openHandle(arena.handle(), 'fixed');
  return SharedThread.join(control, memory).engine;
}

test('memory that is handed over at the moment when the time is up is not lost', () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared({ maxThreads: 2 }).build();
  const other = otherLane(arena);
  const held = other.granted(other.claim(0, 64), 64);
  const { now } = environment;
  let looks = 0;
  environment.now = () => {
    looks++;
    if (looks === 2) other.release(held);
    return looks === 1 ? 0 : 1000;
  };
  try {
    arena.allocateBlocking(1).abandon();
  } finally {
    environment.now = now;
  }
  assertAllReturned(arena);
});

test('memory for a waiter that has just left the line is free again', () => {
  const arena = FixedArena.withSlotCapacity(1, 64).shared({ maxThreads: 2 }).build();
  const other = otherLane(arena);
  const { requests } = (arena as unknown as { thread: SharedThread }).thread.tools;
  requests.post(BLOCKING_CELL, 0);
  const { blocks } = other.tools;
  const { claimOnce } = blocks;
  blocks.claimOnce = (order) => {
    requests.withdraw(BLOCKING_CELL);
    return claimOnce.call(blocks, order);
  };
  other.tools.requests.serve();
  blocks.claimOnce = claimOnce;
  arena.allocate().abandon();
  assertAllReturned(arena);
});
