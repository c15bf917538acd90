import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ArenaHandle,
  BuddyArena,
  BuddyGeometry,
  BuddyHint,
  BytesChannel,
  FixedArena,
  type SharedBuddyArena,
  type SharedFixedArena,
  SlotSpec,
} from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { answer, exited, inWorker } from '../support/threads.js';
import { assertZero, visible } from '../support/zero-policy.js';

const SIZE = 4096;
const threads = { maxThreads: 3 };

type Arena = SharedFixedArena | SharedBuddyArena;

/** An arena over `memory`, so that the test can look at all of it. The memory is dirty before its first use. */
function arenaOver(memory: SharedArrayBuffer, kind: string, raw: boolean): Arena {
  new Uint8Array(memory).fill(0xdd);
  if (kind === 'fixed') {
    const builder = FixedArena.fromRaw(memory, SlotSpec.size(512)).initPolicy('zero');
    return raw ? builder.hazmatRawAccess().shared(threads).build() : builder.shared(threads).build();
  }
  const builder = BuddyArena.fromRaw(memory, BuddyHint.minAlloc(256)).initPolicy('zero');
  return raw ? builder.hazmatRawAccess().shared(threads).build() : builder.shared(threads).build();
}

/** Allocates everything, checks that it is zero, and gives it back. */
function assertAllZero(arena: Arena, memory: SharedArrayBuffer): void {
  const buffers = Array.from({ length: SIZE / 512 }, () => arena.allocate(512));
  assert.equal(arena.tryAllocate(1), undefined);
  for (const buffer of buffers) {
    assertZero(visible(buffer), 'a fresh buffer');
    buffer.abandon();
  }
  assertZero(new Uint8Array(memory), 'the memory of an arena with nothing in use');
}

/** Code for a worker that runs `ways`, each with a fresh allocation. {@link start} appends how it ends. */
const WORKER = `
  const arena = (data.kind === 'fixed' ? lib.FixedArena : lib.BuddyArena).attach(data.handle);
  const channel = lib.BytesChannel.attach(data.channel);
  globalThis.held = [];
  let dirty = 0;
  const ways = {
    written: () => held.push(arena.allocate(512).putBytes(0xa1, 300)),
    lent: () => { const buffer = arena.allocate(512); buffer.chunkMut().fill(0xa2); held.push(buffer); },
    'lent and released': () => { const buffer = arena.allocate(512); buffer.chunkMut().fill(0xa3); buffer.advanceMut(9).freeze().release(); },
    frozen: () => held.push(arena.allocate(512).putBytes(0xa4, 512).freeze()),
    sliced: () => { const bytes = arena.allocate(512).putBytes(0xa5, 512).freeze(); held.push(bytes.slice(100, 200)); bytes.release(); },
    sent: () => { const bytes = arena.allocate(512).putBytes(0xa6, 400).freeze(); if (!channel.trySend(bytes)) bytes.release(); },
    'sent and kept': () => { const bytes = arena.allocate(512).putBytes(0xa7, 400).freeze(); const clone = bytes.clone(); if (!channel.trySend(clone)) clone.release(); held.push(bytes); },
    ticket: () => held.push(arena.allocate(512).putBytes(0xa8, 512).freeze().toTicket()),
    'received and written beyond': () => {
      const bytes = channel.tryReceive();
      const buffer = bytes?.tryIntoMut();
      if (buffer === undefined) return bytes?.release();
      buffer.chunkMut().fill(0xa9);
      held.push(buffer);
    },
    'received, written beyond and released': () => {
      const bytes = channel.tryReceive();
      const buffer = bytes?.tryIntoMut();
      if (buffer === undefined) return bytes?.release();
      buffer.chunkMut().fill(0xaa);
      buffer.abandon();
    },
    raw: () => { if (arena.rawAllocate === undefined) return; const region = arena.rawAllocate(512); region.bytes.fill(0xab); held.push(region.freeze(500, 512)); },
    'raw and released': () => { if (arena.rawAllocate === undefined) return; const region = arena.rawAllocate(512); region.bytes.fill(0xac); region.release(); },
  };
  const fresh = arena.allocate.bind(arena);
  arena.allocate = (length) => {
    const buffer = fresh(length);
    // Looks at the bytes without chunkMut(), which would mark them as lent and written.
    const { memory, offset, limit } = buffer.allocation;
    if (memory.view(offset, limit).some((byte) => byte !== 0)) dirty++;
    return buffer;
  };
  for (const way of data.ways) if (arena.metrics().bytesLive <= data.budget) ways[way]();
`;

const ways = [
  'written',
  'lent',
  'lent and released',
  'frozen',
  'sliced',
  'sent',
  'sent and kept',
  'ticket',
  'received and written beyond',
  'received, written beyond and released',
  'raw',
  'raw and released',
] as const;

function start(arena: Arena, channel: BytesChannel, kind: string, what: readonly string[], end: string) {
  const handle: ArenaHandle = arena.handle();
  return inWorker(`${WORKER}${end}`, { kind, handle, channel: channel.handle(), ways: what, budget: SIZE - 1024 });
}

function drain(channel: BytesChannel): void {
  for (let bytes = channel.tryReceive(); bytes !== undefined; bytes = channel.tryReceive()) bytes.release();
}

test('zero policy: everything that a terminated thread had written is zero for the next owner', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom('fixed', 'buddy'),
      fc.boolean(),
      fc.array(fc.constantFrom(...ways), { minLength: 6, maxLength: 20 }),
      async (kind, raw, what) => {
        const memory = new SharedArrayBuffer(SIZE);
        const arena = arenaOver(memory, kind, raw);
        const channel = BytesChannel.create(arena, { capacity: 4 });
        for (let index = 0; index < 3; index++) channel.trySend(arena.allocate(512).putBytes(0xb0, 99).freeze());
        const end = 'port.postMessage([arena.threadId, dirty]); setInterval(() => held, 1000);';
        const worker = start(arena, channel, kind, what, end);
        const [threadId, dirty] = await answer<[number, number]>(worker);
        assert.equal(dirty, 0, 'allocations of the worker were zero');
        await worker.terminate();
        arena.reclaim(threadId);
        drain(channel);
        assertAllReturned(arena);
        assertAllZero(arena, memory);
        assertAllReturned(arena);
      },
    ),
    { numRuns: 25 },
  ));

test('zero policy: a thread that detaches and releases its handles later leaves no bytes behind', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom('fixed', 'buddy'),
      fc.array(fc.constantFrom(...ways.filter((way) => way !== 'ticket')), { minLength: 6, maxLength: 20 }),
      async (kind, what) => {
        const memory = new SharedArrayBuffer(SIZE);
        const arena = arenaOver(memory, kind, false);
        const channel = BytesChannel.create(arena, { capacity: 4 });
        for (let index = 0; index < 3; index++) channel.trySend(arena.allocate(512).putBytes(0xb1, 99).freeze());
        const end = `arena.detach();
          for (const handle of held) (handle.abandon ?? handle.release).call(handle);
          port.postMessage(dirty);`;
        const worker = start(arena, channel, kind, what, end);
        const ended = exited(worker);
        assert.equal(await answer(worker), 0, 'allocations of the worker were zero');
        await ended;
        // Bytes that the worker sent are written past their end here, which their only holder may do.
        for (let bytes = channel.tryReceive(); bytes !== undefined; bytes = channel.tryReceive()) {
          const buffer = bytes.tryIntoMut();
          buffer?.chunkMut().fill(0xb2);
          buffer?.abandon();
          bytes.release();
        }
        assertAllReturned(arena);
        assertAllZero(arena, memory);
        assertAllReturned(arena);
      },
    ),
    { numRuns: 20 },
  ));

test('zero policy: a block that is handed to a waiting thread is zero, whoever wrote it and however far', async () => {
  for (const kind of ['fixed', 'buddy'] as const) {
    const arena =
      kind === 'fixed'
        ? FixedArena.withSlotCapacity(1, 1000).initPolicy('zero').shared(threads).build()
        : BuddyArena.builder(BuddyGeometry.nearest(1000, 1000)).initPolicy('zero').shared(threads).build();
    const worker = inWorker(
      `const arena = (data.kind === 'fixed' ? lib.FixedArena : lib.BuddyArena).attach(data.handle);
       let dirty = 0;
       port.postMessage('ready');
       for (let turn = 0; turn < 200; turn++) {
         const buffer = turn % 2 === 0 ? arena.allocateBlocking(1000) : await arena.allocateAsync(1000);
         if (buffer.chunkMut().some((byte) => byte !== 0)) dirty++;
         buffer.chunkMut().fill(0xc1);
         turn % 3 === 0 ? buffer.advanceMut(500).freeze().release() : buffer.abandon();
       }
       arena.detach();
       port.postMessage(dirty);`,
      { kind, handle: arena.handle() },
    );
    const ended = exited(worker);
    await answer(worker);
    let dirty = 0;
    for (let turn = 0; turn < 200; turn++) {
      const buffer = await arena.allocateAsync(1000);
      if (visible(buffer).some((byte) => byte !== 0)) dirty++;
      buffer.putBytes(0xc2, 1 + ((turn * 37) % 1000));
      if (turn % 3 === 0) buffer.freeze().release();
      else buffer.abandon();
    }
    assert.equal(await answer(worker), 0);
    assert.equal(dirty, 0);
    await ended;
    assertAllReturned(arena);
  }
});
