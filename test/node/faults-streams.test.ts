import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createWriteStream, existsSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { type Bytes, FixedArena } from 'arena-alligator';
import {
  BytesList,
  connectChunks,
  fromReadableStream,
  pipeBytes,
  readChunks,
  type StoppableIterator,
  writeBytes,
} from 'arena-alligator/node';
import fc from 'fast-check';
import { assertAllReturned, assertAllReturnedSoon, frozen } from '../support/arenas.js';
import { asyncArena, inChunks } from '../support/chunks.js';
import { inFolder } from '../support/digest.js';
import { Outcome, settled } from '../support/outcome.js';

const reason = new Error('on purpose');

/** Writables that are slow, never call back, take several chunks at once, or fail at the third write. */
const targets: Record<string, () => Writable> = {
  slow: () => new Writable({ write: (_chunk, _encoding, done) => void setImmediate(done) }),
  silent: () => new Writable({ write: () => undefined }),
  vectored: () => new Writable({ writev: (_chunks, done) => void setImmediate(done) }),
  'silent, vectored': () => new Writable({ writev: () => undefined }),
  failing: () => {
    let writes = 0;
    return new Writable({
      write: (_chunk, _encoding, done) => void setImmediate(() => done(++writes === 3 ? reason : null)),
    });
  },
  'with slow end': () =>
    new Writable({
      write: (_chunk, _encoding, done) => done(),
      final: (done) => void setImmediate(() => setImmediate(done)),
      destroy: (error, done) => void setImmediate(() => done(error)),
    }),
};

const ways = ['destroy', 'destroy with an error', 'end'] as const;

function stop(target: Writable, way: (typeof ways)[number]): void {
  if (way === 'end') target.end();
  else target.destroy(way === 'destroy' ? undefined : reason);
}

for (const [name, make] of Object.entries(targets)) {
  test(`a ${name} stream that is ended or destroyed in any state: every write settles and gives its memory back`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ways),
        fc.array(fc.constantFrom('bytes', 'list', 'turn', 'stop'), { maxLength: 12 }),
        async (way, all) => {
          const arena = FixedArena.withSlotCapacity(64, 16).build();
          const target = make();
          target.on('error', () => undefined);
          const writes: Outcome<void>[] = [];
          for (const what of all) {
            if (what === 'turn') await settled();
            else if (what === 'stop') stop(target, way);
            else {
              const bytes = frozen(arena, 'content');
              const written = what === 'bytes' ? bytes : new BytesList([bytes, frozen(arena, 'more')]);
              writes.push(new Outcome(writeBytes(target, written)));
              assert.throws(() => written.length, { code: 'RELEASED' });
            }
          }
          for (let turn = 0; turn < 40; turn++) await settled();
          // Only this settles the writes of a stream that never calls back.
          target.destroy();
          for (let turn = 0; turn < 20; turn++) await settled();
          for (const { state } of writes) assert.notEqual(state, 'pending');
          if (!all.includes('stop') && !name.includes('silent') && name !== 'failing')
            for (const { state } of writes) assert.equal(state, 'resolved');
          assertAllReturned(arena);
        },
      ),
      { numRuns: 60 },
    ));

  test(`a ${name} stream that is ended or destroyed during a pipe: the pipe settles and all memory comes back`, () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom(...ways), fc.nat(12), fc.boolean(), async (way, turns, end) => {
        const arena = asyncArena(3, 16);
        const target = make();
        target.on('error', () => undefined);
        const piped = new Outcome(pipeBytes(inChunks(arena, 'x'.repeat(100), 16), target, { end }));
        for (let turn = 0; turn < turns; turn++) await settled();
        stop(target, way);
        for (let turn = 0; turn < 40 && piped.state === 'pending'; turn++) await settled();
        if (name.includes('silent') && way === 'end') target.destroy();
        for (let turn = 0; turn < 20 && piped.state === 'pending'; turn++) await settled();
        assert.notEqual(piped.state, 'pending');
        await assertAllReturnedSoon(arena);
      }),
      { numRuns: 40 },
    ));
}

test('writing to a full device or to a read-only descriptor rejects with the error of the system', async (context) => {
  if (!existsSync('/dev/full')) return context.skip('no /dev/full here');
  const arena = asyncArena(4, 64);
  const full = await open('/dev/full', 'r+');
  await assert.rejects(writeBytes(full, frozen(arena, 'x')), { code: 'ENOSPC' });
  await assert.rejects(writeBytes(full, new BytesList([frozen(arena, 'x'), frozen(arena, 'y')]), 5), {
    code: 'ENOSPC',
  });
  await full.close();
  assertAllReturned(arena);
  await assert.rejects(writeBytes(createWriteStream('/dev/full'), frozen(arena, 'x')), { code: 'ENOSPC' });
  await assert.rejects(pipeBytes(inChunks(arena, 'x'.repeat(500), 64), createWriteStream('/dev/full')), {
    code: 'ENOSPC',
  });
  await assertAllReturnedSoon(arena);
  await inFolder(async (folder) => {
    const path = join(folder, 'file');
    writeFileSync(path, 'content');
    const readable = await open(path, 'r');
    await assert.rejects(writeBytes(readable, frozen(arena, 'x')), { code: 'EBADF' });
    await assert.rejects(writeBytes(readable, frozen(arena, 'x'), 3), { code: 'EBADF' });
    const stream = createWriteStream(path, { flags: 'r' });
    await assert.rejects(pipeBytes(inChunks(arena, 'x'.repeat(500), 64), stream), { code: 'EBADF' });
    await readable.close();
    await assert.rejects(writeBytes(readable, frozen(arena, 'x')));
    const writable = await open(path, 'a');
    await assert.rejects(readChunks(arena, writable).next(), { code: 'EBADF' });
    await writable.close();
    await assertAllReturnedSoon(arena);
  });
});

/** Runs `use` with the port of a server and the socket that it accepts. */
async function withPair(use: (port: number, accepted: Promise<Socket>) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection').then(([socket]) => socket as Socket);
  await use((server.address() as AddressInfo).port, accepted);
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
}

test('a peer resets the connection before the first chunk, between chunks, and with chunks not taken', async () => {
  for (const reads of ['its own socket', 'a socket of the program'] as const) {
    for (const taken of [0, 1, 3]) {
      await withPair(async (port, accepted) => {
        const arena = asyncArena(4, 64);
        const to = { port, host: '127.0.0.1' };
        const chunks: StoppableIterator<Bytes> =
          reads === 'its own socket' ? connectChunks(arena, to).chunks : readChunks(arena, connect(to));
        const peer = await accepted;
        for (let index = 0; index < taken; index++) {
          peer.write('x'.repeat(64));
          (await chunks.next()).value?.release();
        }
        const next = new Outcome(chunks.next());
        if (taken === 3) {
          peer.write('y'.repeat(300));
          await settled();
        }
        peer.resetAndDestroy();
        for (let turn = 0; turn < 1000 && next.state === 'pending'; turn++) await settled();
        next.value?.value?.release();
        const rest = async (): Promise<void> => {
          for await (using chunk of chunks) assert.ok(chunk.length > 0);
        };
        if (next.state === 'resolved')
          next.error = await rest().then(
            () => undefined,
            (error: unknown) => error,
          );
        // If data was left to read, the system may report a reset as an end.
        if (taken < 3 || next.error !== undefined) {
          assert.equal((next.error as { code?: string } | undefined)?.code, 'ECONNRESET');
        }
        assert.equal((await chunks.next()).done, true);
        await assertAllReturnedSoon(arena);
      });
    }
  }
});

test('a peer resets the connection during large writes: every write rejects and gives its memory back', async () => {
  for (const piped of [false, true]) {
    await withPair(async (port, accepted) => {
      const size = 8 * 1024 * 1024; // more than the kernel takes at once
      const arena = FixedArena.withSlotCapacity(3, size).pageSize('unknown').buildAsync();
      const socket = connect({ port, host: '127.0.0.1' });
      const peer = await accepted;
      peer.pause();
      const source = async function* (): AsyncGenerator<Bytes> {
        for (let index = 0; index < 6; index++) yield (await arena.allocateAsync()).putBytes(1, size).freeze();
      };
      const writes = piped
        ? [pipeBytes(source(), socket)]
        : [1, 2, 3].map(() => writeBytes(socket, arena.allocate().putBytes(1, size).freeze()));
      const outcomes = writes.map((write) => new Outcome(write));
      await settled();
      peer.resetAndDestroy();
      await Promise.allSettled(writes);
      for (const { state } of outcomes) assert.equal(state, 'rejected');
      await assertAllReturnedSoon(arena);
    });
  }
});

test('a Readable that is destroyed in any state ends the reading', () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat(4),
      fc.constantFrom('before', 'while next is pending', 'between', 'after the end'),
      fc.boolean(),
      fc.nat(3),
      async (given, when, fails, slots) => {
        const arena = asyncArena(slots + 1, 16);
        const source = new PassThrough();
        source.on('error', () => undefined);
        for (let index = 0; index < given; index++) source.write('x'.repeat(20));
        if (when === 'after the end') source.end();
        if (when === 'before') source.destroy(fails ? reason : undefined);
        const chunks = readChunks(arena, source);
        let total = 0;
        const take = async (): Promise<boolean> => {
          const { done, value } = await chunks.next();
          total += value?.length ?? 0;
          value?.release();
          return done === true;
        };
        if (when === 'after the end') {
          while (!(await take()));
          assert.equal(total, given * 20);
          source.destroy(fails ? reason : undefined);
        } else {
          if (when === 'between' && given > 0) await take();
          const next = when === 'while next is pending' ? new Outcome(take()) : undefined;
          source.destroy(fails ? reason : undefined);
          let error: unknown;
          try {
            while (!(await take()));
          } catch (thrown) {
            error = thrown;
          }
          await settled();
          const told = next?.state === 'rejected' ? next.error : error;
          assert.equal((told as { code?: string }).code, fails ? undefined : 'ERR_STREAM_PREMATURE_CLOSE');
          if (fails) assert.equal(told, reason);
        }
        assert.equal(await take(), true);
        await assertAllReturnedSoon(arena);
      },
    ),
    { numRuns: 80 },
  ));

test('an error of a Web stream in any state reaches the consumer, and all memory comes back', () =>
  fc.assert(
    fc.asyncProperty(fc.nat(4), fc.nat(3), async (given, slots) => {
      const arena = asyncArena(slots + 1, 16);
      let left = given;
      const stream = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left-- > 0) controller.enqueue(new Uint8Array(20));
          else controller.error(reason);
        },
      });
      const chunks = fromReadableStream(arena, stream);
      const read = async (): Promise<void> => {
        for await (using chunk of chunks) assert.ok(chunk.length > 0);
      };
      await assert.rejects(read(), reason);
      assert.equal((await chunks.next()).done, true);
      assert.equal(stream.locked, false);
      assertAllReturned(arena);
      const text = readChunks(arena, Readable.from(['text'], { objectMode: true }));
      await assert.rejects(text.next(), TypeError);
      assertAllReturned(arena);
    }),
    { numRuns: 30 },
  ));
