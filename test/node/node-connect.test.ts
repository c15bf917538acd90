import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { connectChunks, readChunks } from 'arena-alligator/node';
import { assertAllReturned, assertAllReturnedSoon } from '../support/arenas.js';
import { asyncArena, joined, pattern } from '../support/chunks.js';
import { Outcome, settled } from '../support/outcome.js';

const content = pattern(1_000_000);

/** Runs `use` with the port of a server that passes each connection to `serve`. */
async function withServer(serve: (socket: Socket) => void, use: (port: number) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

test('incoming data arrives complete and in order, with one slot or more', () =>
  withServer(
    (socket) => socket.end(content),
    async (port) => {
      for (const slots of [1, 2, 8]) {
        for (const readAhead of [1, 4]) {
          const arena = asyncArena(slots, 16_384);
          const { chunks } = connectChunks(arena, { port, host: '127.0.0.1' }, { readAhead });
          assert.ok((await joined(chunks)).equals(content));
          await assertAllReturnedSoon(arena);
        }
      }
    },
  ));

test('data lands in the memory of the arena, and nowhere else while the arena has memory', () =>
  withServer(
    (socket) => socket.end(content),
    async (port) => {
      const arena = asyncArena(8, 65_536);
      const { chunks } = connectChunks(arena, { port, host: '127.0.0.1' });
      let total = 0;
      let backing: ArrayBufferLike | undefined;
      for await (using chunk of chunks) {
        backing ??= chunk.view.buffer;
        assert.equal(chunk.view.buffer, backing);
        total += chunk.length;
      }
      assert.equal(total, content.length);
      assert.equal(backing?.byteLength, 8 * 65_536);
      await assertAllReturnedSoon(arena);
    },
  ));

test('a consumer that takes no chunks stops the reading, and the peer has to wait', async () => {
  let sent = 0;
  await withServer(
    (socket) => {
      const send = (): void => {
        while (!socket.destroyed && sent < 64_000_000) {
          sent += content.length;
          if (!socket.write(content)) break;
        }
      };
      socket.on('drain', send);
      send();
    },
    async (port) => {
      const arena = asyncArena(4, 65_536);
      const { chunks } = connectChunks(arena, { port, host: '127.0.0.1' });
      const first = await chunks.next();
      let before = -1;
      while (before !== sent) {
        before = sent;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.ok(sent < 40_000_000, `the peer could send ${sent} bytes`);
      assert.ok(arena.metrics().bytesLive <= 4 * 65_536);
      first.value?.release();
      await chunks.return();
      await assertAllReturnedSoon(arena);
    },
  );
});

test('a connection holds at most readAhead chunks and the memory for the next read', () =>
  withServer(
    (socket) => socket.write(content),
    async (port) => {
      const arena = asyncArena(64, 4096);
      const { chunks } = connectChunks(arena, { port, host: '127.0.0.1' }, { readAhead: 3, chunkSize: 1000 });
      const { value } = await chunks.next();
      assert.equal(value?.length, 1000, 'chunks are no longer than chunkSize');
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.ok(arena.metrics().bytesLive <= 5 * 4096, `${arena.metrics().bytesLive}`);
      value?.release();
      await chunks.return();
      assertAllReturned(arena);
    },
  ));

test('no data is lost when the arena is full for a while, even if the program resumes the socket itself', () =>
  withServer(
    (socket) => socket.end(content),
    async (port) => {
      const arena = asyncArena(1, 8192);
      const { socket, chunks } = connectChunks(arena, { port, host: '127.0.0.1' });
      const all: Buffer[] = [];
      for await (const chunk of chunks) {
        socket.resume();
        await settled();
        all.push(Buffer.from(chunk.view));
        chunk.release();
      }
      assert.ok(Buffer.concat(all).equals(content));
      assert.equal(arena.metrics().waiting, 0);
      await assertAllReturnedSoon(arena);
    },
  ));

test('the memory for the next read is given back when the peer ends, even if the socket stays open', () =>
  withServer(
    (socket) => socket.end('bye'),
    async (port) => {
      const arena = asyncArena(2, 1024);
      const { socket, chunks } = connectChunks(arena, { port, host: '127.0.0.1', allowHalfOpen: true });
      assert.equal((await joined(chunks)).toString(), 'bye');
      assert.equal(socket.writable, true);
      assertAllReturned(arena);
      assert.equal((await chunks.return()).done, true);
      socket.end();
    },
  ));

test('an open connection holds one chunk of memory, or none while the arena is full', () =>
  withServer(
    (socket) => socket.write('hello'),
    async (port) => {
      const arena = asyncArena(1, 1024);
      const first = connectChunks(arena, { port, host: '127.0.0.1' });
      assert.equal(arena.metrics().bytesLive, 1024);
      const second = connectChunks(arena, { port, host: '127.0.0.1' });
      const hello = (await first.chunks.next()).value;
      assert.equal(hello?.toString(), 'hello');
      const waiting = new Outcome(second.chunks.next());
      await settled();
      assert.equal(waiting.state, 'pending');
      hello?.release();
      await first.chunks.return();
      while (waiting.state === 'pending') await settled();
      assert.equal(waiting.value?.value?.toString(), 'hello');
      waiting.value?.value?.release();
      await second.chunks.return();
      await assertAllReturnedSoon(arena);
    },
  ));

test('break, abort, return() and destroying the socket end the connection and give back every slot', () =>
  withServer(
    (socket) => socket.write(content),
    async (port) => {
      const arena = asyncArena(4, 16_384);
      const to = { port, host: '127.0.0.1' };
      const broken = connectChunks(arena, to);
      for await (using _ of broken.chunks) break;
      await assertAllReturnedSoon(arena);

      const unread = connectChunks(arena, to);
      await unread.chunks.return();
      await assertAllReturnedSoon(arena);

      const stop = new AbortController();
      const aborted = connectChunks(arena, to, { signal: stop.signal });
      (await aborted.chunks.next()).value?.release();
      stop.abort(new Error('enough'));
      await assertAllReturnedSoon(arena);
      await assert.rejects(aborted.chunks.next(), /enough/);
      assert.throws(() => connectChunks(arena, to, { signal: stop.signal }), /enough/);

      const destroyed = connectChunks(arena, to);
      await once(destroyed.socket, 'connect');
      destroyed.socket.destroy(new Error('mine'));
      await assert.rejects(joined(destroyed.chunks), /mine/);
      await assertAllReturnedSoon(arena);
    },
  ));

test('an error of connecting rejects the chunks, and bad arguments throw', async () => {
  const arena = asyncArena(2, 1024);
  let port = 0;
  await withServer(
    () => undefined,
    async (used) => {
      port = used;
    },
  );
  const { chunks } = connectChunks(arena, { port, host: '127.0.0.1' });
  await assert.rejects(chunks.next(), { code: 'ECONNREFUSED' });
  assert.throws(() => connectChunks(arena, { port: -1 }), RangeError);
  assert.throws(() => connectChunks(arena, { port, host: '127.0.0.1' }, { readAhead: 0 }), RangeError);
  assert.throws(() => connectChunks(arena, undefined as unknown as { port: number }), TypeError);
  await assertAllReturnedSoon(arena);
});

test('closing the arena ends a connection that needs more memory', () =>
  withServer(
    (socket) => socket.write(content),
    async (port) => {
      const arena = asyncArena(2, 1024);
      const { chunks } = connectChunks(arena, { port, host: '127.0.0.1' });
      (await chunks.next()).value?.release();
      arena.close();
      await assert.rejects(joined(chunks), { code: 'ARENA_CLOSED' });
      await assertAllReturnedSoon(arena);
    },
  ));

test('readChunks reads an accepted socket, and its writing side works as usual', async () => {
  const arena = asyncArena(4, 16_384);
  await withServer(
    (socket) => {
      void joined(readChunks(arena, socket)).then((all) => socket.end(`${all.length}`));
    },
    async (port) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.end(content);
      const { value } = await readChunks(arena, socket).next();
      assert.equal(value?.toString(), `${content.length}`);
      value?.release();
      socket.destroy();
    },
  );
  await assertAllReturnedSoon(arena);
});

/** A socket whose destruction is not complete until `close` is called. */
function slowSocket(): { socket: Socket; close: () => void } {
  let end = (): void => undefined;
  const socket = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(),
    destroy: (error, done) => {
      end = () => done(error);
    },
  });
  return { socket: socket as Socket, close: () => end() };
}

test('the memory that the system writes into comes back only when the socket is closed', async () => {
  const arena = asyncArena(1, 64);
  const { socket, close } = slowSocket();
  const stop = new AbortController();
  const { signal } = stop;
  const { chunks } = connectChunks(arena, { port: 1 }, { connect: () => socket, signal });
  const ended = assert.rejects(chunks.next(), { name: 'AbortError' });
  stop.abort();
  await settled();
  assert.equal(arena.tryAllocate(), undefined, 'the system may still write into it');
  socket.on('error', () => undefined);
  close();
  await ended;
  await settled();
  assertAllReturned(arena);
});

test('an ended connection leaves no listener on its signal', async () => {
  const arena = asyncArena(1, 64);
  const { socket, close } = slowSocket();
  const { signal } = new AbortController();
  const { chunks } = connectChunks(arena, { port: 1 }, { connect: () => socket, signal });
  assert.equal(getEventListeners(signal, 'abort').length, 1);
  const returned = chunks.return();
  close();
  await returned;
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assertAllReturned(arena);
});

test('memory that is granted while the connection closes comes back', async () => {
  const arena = asyncArena(1, 64);
  const held = arena.allocate();
  const { socket, close } = slowSocket();
  socket.once('close', () => held.abandon());
  const { chunks } = connectChunks(arena, { port: 1 }, { connect: () => socket });
  assert.equal(arena.metrics().waiting, 1);
  const returned = chunks.return();
  close();
  await returned;
  await settled();
  assertAllReturned(arena);
});
