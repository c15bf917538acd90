import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import {
  type AsyncBuddyArena,
  type AsyncFixedArena,
  BuddyArena,
  BuddyGeometry,
  type Bytes,
  BytesChannel,
  FixedArena,
} from 'arena-alligator';
import { connectChunks, fromReadableStream, pipeBytes, readChunks, type StoppableIterator } from 'arena-alligator/node';
import fc from 'fast-check';
import { assertAllReturned, assertAllReturnedSoon, frozen } from '../support/arenas.js';
import { asyncArena, inChunks, pattern } from '../support/chunks.js';
import { FakeClock } from '../support/clock.js';
import { inFolder } from '../support/digest.js';
import { Outcome, settled } from '../support/outcome.js';

const reason = new Error('enough');
const threads = { maxThreads: 2 };

type Waitable = AsyncFixedArena | AsyncBuddyArena;

const arenas: Record<string, () => Waitable> = {
  fixed: () => FixedArena.withSlotCapacity(1, 64).buildAsync(),
  buddy: () => BuddyArena.builder(BuddyGeometry.exact(64, 64)).buildAsync(),
  'shared fixed': () => FixedArena.withSlotCapacity(1, 64).shared(threads).buildAsync(),
  'shared buddy': () => BuddyArena.builder(BuddyGeometry.exact(64, 64)).shared(threads).buildAsync(),
};

/** Gives back the memory that a wait got, if any. */
function drop(outcome: Outcome<{ abandon(): void }>): void {
  outcome.value?.abandon();
}

for (const [name, make] of Object.entries(arenas)) {
  test(`allocateAsync, ${name}: an abort before, during or after the wait, or at the grant, loses no memory`, async () => {
    const arena = make();
    await assert.rejects(arena.allocateAsync(64, { signal: AbortSignal.abort(reason) }), reason);
    assert.equal(arena.metrics().allocationsOk, 0);

    const held = arena.allocate(64);
    const whileWaiting = new AbortController();
    const waiting = new Outcome(arena.allocateAsync(64, { signal: whileWaiting.signal }));
    const next = new Outcome(arena.allocateAsync(64));
    await settled();
    whileWaiting.abort(reason);
    await settled();
    assert.deepEqual([waiting.state, waiting.error, next.state], ['rejected', reason, 'pending']);

    held.abandon();
    await settled();
    assert.equal(next.state, 'resolved');

    const before = new AbortController();
    const after = new AbortController();
    const abortedFirst = new Outcome(arena.allocateAsync(64, { signal: before.signal }));
    const servedFirst = new Outcome(arena.allocateAsync(64, { signal: after.signal }));
    before.abort(reason);
    drop(next);
    after.abort(reason);
    await settled();
    assert.deepEqual([abortedFirst.error, servedFirst.state], [reason, 'resolved']);
    assert.equal(arena.tryAllocate(64), undefined, 'the served wait has the memory');
    drop(servedFirst);

    const late = new AbortController();
    const served = await arena.allocateAsync(64, { signal: late.signal });
    late.abort(reason);
    served.putU8(1).freeze().release();
    assertAllReturned(arena);
  });
}

test('allocateAsync: waits, aborts and releases in any order within one turn leave no memory or wait behind', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(arenas)),
      fc.array(fc.tuple(fc.constantFrom('wait', 'abort', 'release', 'turn'), fc.nat(5)), { maxLength: 30 }),
      async (name, all) => {
        const arena = arenas[name]?.();
        assert.ok(arena !== undefined);
        const waits: { readonly stop: AbortController; readonly outcome: Outcome<{ abandon(): void }> }[] = [];
        for (const [what, which] of all) {
          const wait = waits[which % Math.max(1, waits.length)];
          if (what === 'wait') {
            const stop = new AbortController();
            waits.push({ stop, outcome: new Outcome(arena.allocateAsync(64, { signal: stop.signal })) });
          } else if (what === 'abort') wait?.stop.abort(reason);
          else if (what === 'release') wait?.outcome.value?.abandon();
          else await settled();
        }
        for (let turn = 0; turn <= waits.length; turn++) {
          await settled();
          for (const { outcome } of waits) drop(outcome);
        }
        for (const { outcome, stop } of waits) {
          assert.notEqual(outcome.state, 'pending');
          assert.ok(outcome.state === 'resolved' || stop.signal.aborted);
        }
        assertAllReturned(arena);
      },
    ),
    { numRuns: 200 },
  ));

test('a channel: an abort before the call, during the wait, at the delivery or later loses no message', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).shared(threads).build();
  const channel = BytesChannel.create(arena, { capacity: 1 });
  for (const [when, served] of [
    ['before', false],
    ['waiting', false],
    ['just before', false],
    ['just after', true],
    ['after', true],
  ] as const) {
    const stop = new AbortController();
    if (when === 'before') stop.abort(reason);
    const receiving = new Outcome(channel.receive({ signal: stop.signal }));
    if (when === 'waiting') await settled();
    if (when === 'waiting' || when === 'just before') stop.abort(reason);
    assert.equal(channel.trySend(frozen(arena, 'x')), true);
    if (when === 'just after') stop.abort(reason);
    await settled();
    if (when === 'after') stop.abort(reason);
    await settled();
    // A receive that is aborted right after the send may get the message or not. The message is in one place only.
    if (when !== 'just after') assert.equal(receiving.state, served ? 'resolved' : 'rejected', when);
    const left = channel.tryReceive();
    assert.equal([receiving.value, left].filter((bytes) => bytes?.toString() === 'x').length, 1, when);
    receiving.value?.release();
    left?.release();
    assertAllReturned(arena);
  }
  for (const when of ['before', 'waiting', 'just before', 'just after', 'after']) {
    channel.trySend(frozen(arena, 'first'));
    const stop = new AbortController();
    if (when === 'before') stop.abort(reason);
    const own = frozen(arena, 'second');
    const sending = new Outcome(channel.send(own, { signal: stop.signal }));
    if (when === 'waiting') await settled();
    if (when === 'waiting' || when === 'just before') stop.abort(reason);
    channel.tryReceive()?.release();
    if (when === 'just after') stop.abort(reason);
    await settled();
    if (when === 'after') stop.abort(reason);
    await settled();
    assert.notEqual(sending.state, 'pending');
    const sent = channel.tryReceive();
    assert.equal(sent?.toString(), sending.state === 'resolved' ? 'second' : undefined, when);
    assert.equal(own.isReleased, sending.state === 'resolved', 'the caller keeps bytes that were not sent');
    own.release();
    sent?.release();
    assertAllReturned(arena);
  }
});

test('a channel: sends, receives and aborts in any order within one turn keep every message in one place', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('send', 'receive', 'abort', 'turn'), fc.nat(9)), { maxLength: 30 }),
      async (all) => {
        const arena = FixedArena.withSlotCapacity(32, 4).shared(threads).build();
        const channel = BytesChannel.create(arena, { capacity: 2 });
        const stops: AbortController[] = [];
        const sends: { readonly own: Bytes; readonly outcome: Outcome<void> }[] = [];
        const receives: Outcome<Bytes | undefined>[] = [];
        for (const [what, which] of all) {
          if (what === 'turn') await settled();
          if (what === 'abort') stops[which % Math.max(1, stops.length)]?.abort(reason);
          if (what !== 'send' && what !== 'receive') continue;
          const stop = new AbortController();
          stops.push(stop);
          const { signal } = stop;
          if (what === 'receive') receives.push(new Outcome(channel.receive({ signal })));
          else {
            const own = arena.allocate().putU8(sends.length).freeze();
            sends.push({ own, outcome: new Outcome(channel.send(own, { signal })) });
          }
        }
        await settled();
        for (const stop of stops) stop.abort(reason);
        await settled();
        const got = receives.map(({ value }) => value).filter((bytes) => bytes !== undefined);
        for (let bytes = channel.tryReceive(); bytes !== undefined; bytes = channel.tryReceive()) got.push(bytes);
        const arrived = got.map((bytes) => bytes.at(0)).sort((a, b) => a - b);
        const sent = sends.flatMap(({ outcome: { state } }, index) => (state === 'resolved' ? [index] : []));
        assert.deepEqual(arrived, sent);
        for (const bytes of got) bytes.release();
        for (const { own, outcome } of sends) {
          assert.equal(own.isReleased, outcome.state === 'resolved');
          own.release();
        }
        assertAllReturned(arena);
      },
    ),
    { numRuns: 150 },
  ));

async function withServer(serve: (socket: Socket) => void, use: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await use((server.address() as AddressInfo).port);
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
}

const content = pattern(4096);

/** Every reader that takes a signal. Its source gives 4 KiB and ends, or gives nothing and never ends. */
const readers: Record<
  string,
  (arena: AsyncFixedArena, signal: AbortSignal, path: string, port: number) => StoppableIterator<Bytes>
> = {
  'a file': (arena, signal, path) => readChunks(arena, path, { signal }),
  'a file, without reading ahead': (arena, signal, path) => readChunks(arena, path, { signal, readAhead: 0 }),
  'a Readable': (arena, signal) => readChunks(arena, Readable.from([content]), { signal }),
  'a Readable with nothing to read': (arena, signal) => readChunks(arena, new PassThrough(), { signal }),
  'a Web stream': (arena, signal) =>
    fromReadableStream(arena, Readable.toWeb(Readable.from([content])) as ReadableStream<Uint8Array>, { signal }),
  'a Web stream with nothing to read': (arena, signal) => fromReadableStream(arena, new ReadableStream(), { signal }),
  'a connection': (arena, signal, _path, port) => connectChunks(arena, { port, host: '127.0.0.1' }, { signal }).chunks,
};

for (const [name, read] of Object.entries(readers)) {
  test(`${name}: an abort at any moment, in a full arena or not, ends it with the reason or comes too late`, () =>
    withServer(
      (socket) => socket.end(content),
      (port) =>
        inFolder(async (folder) => {
          const path = join(folder, 'file');
          writeFileSync(path, content);
          await fc.assert(
            fc.asyncProperty(fc.nat(5), fc.nat(6), fc.boolean(), async (slots, after, isFull) => {
              const arena = asyncArena(slots + 1, 512);
              const blocker = isFull ? arena.allocate() : undefined;
              const stop = new AbortController();
              const chunks = read(arena, stop.signal, path, port);
              let hasEnded = false;
              for (let taken = 0; taken < after && !hasEnded && !isFull && !name.includes('nothing'); taken++) {
                const { done, value } = await chunks.next();
                value?.release();
                hasEnded = done === true;
              }
              const next = new Outcome(chunks.next());
              if (after % 2 === 0) await settled();
              stop.abort(reason);
              const second = await chunks.next().catch((error: unknown) => error);
              for (let turn = 0; turn < 100 && next.state === 'pending'; turn++) await settled();
              assert.notEqual(next.state, 'pending');
              if (next.state === 'rejected') assert.equal(next.error, reason);
              next.value?.value?.release();
              if (second instanceof Error) assert.equal(second, reason);
              else (second as IteratorResult<Bytes>).value?.release();
              blocker?.abandon();
              await chunks.return();
              await assertAllReturnedSoon(arena);
            }),
            { numRuns: 40 },
          );
        }),
    ));
}

test('a pipe: an abort at any moment ends it with the reason or comes too late, and all memory comes back', () =>
  fc.assert(
    fc.asyncProperty(fc.nat(30), fc.constantFrom(1, 100, 10_000), fc.boolean(), async (after, mark, end) => {
      const arena = asyncArena(4, 64);
      const stop = new AbortController();
      let writes = 0;
      const slow = new Writable({
        highWaterMark: mark,
        write: (_chunk, _encoding, done) => {
          if (writes++ === after) stop.abort(reason);
          setImmediate(done);
        },
      });
      if (after === 0) stop.abort(reason);
      const piped = new Outcome(pipeBytes(inChunks(arena, 'x'.repeat(1000), 64), slow, { signal: stop.signal, end }));
      for (let turn = 0; turn < 200 && piped.state === 'pending'; turn++) await settled();
      assert.equal(piped.state, after < 16 ? 'rejected' : 'resolved');
      if (piped.state === 'rejected') assert.equal(piped.error, reason);
      stop.abort(reason);
      await settled();
      assert.equal(slow.destroyed, after < 16 || end);
      await assertAllReturnedSoon(arena);
    }),
    { numRuns: 60 },
  ));

/** An object that only looks like an AbortSignal. `listen` runs when a listener is added. */
function oddSignal(listen: () => void, listeners: Set<unknown> = new Set()): AbortSignal {
  return {
    aborted: false,
    addEventListener: (_event: string, listener: unknown) => {
      listeners.add(listener);
      listen();
    },
    removeEventListener: (_event: string, listener: unknown) => listeners.delete(listener),
  } as unknown as AbortSignal;
}

test('a signal that closes the arena while a listener is added leaves no timer and no listener', async () => {
  using clock = new FakeClock();
  for (const make of Object.values(arenas)) {
    const arena = make();
    const held = arena.allocate(64);
    const listeners = new Set<unknown>();
    const signal = oddSignal(() => arena.close(), listeners);
    await assert.rejects(arena.allocateAsync(64, { signal, timeout: 1000 }), { code: 'ARENA_CLOSED' });
    assert.deepEqual([clock.pendingTimers, listeners.size], [0, 0]);
    held.abandon();
    assertAllReturned(arena);
  }
});

test('an error thrown by the getter of signal.reason is the reason, for every wait on that signal', async () => {
  const arena = FixedArena.withSlotCapacity(1, 64).buildAsync();
  const held = arena.allocate();
  const listeners = new Set<unknown>();
  const signal = oddSignal(() => undefined, listeners);
  Object.defineProperty(signal, 'reason', {
    get() {
      throw reason;
    },
  });
  const waits = [arena.allocateAsync({ signal }), arena.allocateAsync({ signal })].map((wait) => new Outcome(wait));
  for (const listener of listeners) (listener as () => void).call(signal);
  await settled();
  assert.deepEqual(
    waits.map(({ error }) => error),
    [reason, reason],
  );
  held.abandon();
  assertAllReturned(arena);
});
