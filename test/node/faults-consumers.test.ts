import assert from 'node:assert/strict';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { type AsyncFixedArena, type Bytes, BytesChannel, FixedArena } from 'arena-alligator';
import {
  type BytesList,
  connectChunks,
  fromReadableStream,
  lengthPrefixed,
  pipeBytes,
  readChunks,
  splitLines,
  toReadableStream,
} from 'arena-alligator/node';
import fc from 'fast-check';
import { assertAllReturned, assertAllReturnedSoon, frozen } from '../support/arenas.js';
import { asyncArena, inChunks } from '../support/chunks.js';
import { inFolder } from '../support/digest.js';
import { settled } from '../support/outcome.js';

type Chunks = AsyncIterable<Bytes | BytesList> & Partial<AsyncDisposable>;

/** Lines of 9 bytes. They are also records of 8 bytes behind a length prefix of one byte. */
const text = Array.from({ length: 150 }, (_, index) => `\b${String(index).padStart(7, '0')}\n`).join('');
const data = Buffer.from(text);
const pieces = (): Buffer[] => Array.from({ length: 15 }, (_, index) => data.subarray(index * 90, index * 90 + 90));

function webStream(): ReadableStream<Uint8Array> {
  const rest = pieces();
  return new ReadableStream({
    pull(controller) {
      const piece = rest.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

interface Place {
  readonly path: string;
  readonly port: number;
}

/** All sources of chunks, each with a function that closes what the source opened. */
const sources: Record<string, (arena: AsyncFixedArena, place: Place) => Promise<[Chunks, () => Promise<void>]>> = {
  'a file': async (arena, { path }) => [readChunks(arena, path, { readAhead: 2 }), async () => undefined],
  'a FileHandle': async (arena, { path }) => {
    const file = await open(path);
    return [readChunks(arena, file, { readAhead: 2 }), () => file.close()];
  },
  'a Readable': async (arena) => [readChunks(arena, Readable.from(pieces())), async () => undefined],
  'a Web stream': async (arena) => [fromReadableStream(arena, webStream()), async () => undefined],
  'a connection': async (arena, { port }) => {
    const { chunks, socket } = connectChunks(arena, { port, host: '127.0.0.1' });
    return [chunks, async () => void socket.destroy()];
  },
  'a generator': async (arena) => [inChunks(arena, text, 40), async () => undefined],
};

const framings: Record<string, (chunks: Chunks) => Chunks> = {
  'as they come': (chunks) => chunks,
  lines: (chunks) => splitLines(chunks as AsyncIterable<Bytes>),
  records: (chunks) => lengthPrefixed(chunks as AsyncIterable<Bytes>, { prefixBytes: 1 }),
};

const boom = new Error('the consumer failed');

async function consumed(chunks: Chunks, count: number, last: () => void): Promise<void> {
  let taken = 0;
  for await (using _ of chunks) if (taken++ === count) return last();
}

/** The ways to stop after `count` chunks. */
const stops: Record<string, (chunks: Chunks, count: number) => Promise<void>> = {
  break: (chunks, count) => consumed(chunks, count, () => undefined),
  throw: async (chunks, count) => {
    const fails = (): never => {
      throw boom;
    };
    const error: unknown = await consumed(chunks, count, fails).catch((reason: unknown) => reason);
    assert.ok(error === boom || error === undefined);
  },
  'throw while holding': async (chunks, count) => {
    const held: (Bytes | BytesList)[] = [];
    const consume = async (): Promise<void> => {
      for await (const chunk of chunks) if (held.push(chunk) > Math.min(count, 2)) throw boom;
    };
    assert.equal(await consume().catch((reason: unknown) => reason), boom);
    for (const chunk of held) chunk.release();
  },
  'return before the first': async (chunks) => {
    const iterator = chunks[Symbol.asyncIterator]();
    await iterator.return?.();
    assert.equal((await iterator.next()).done, true);
  },
  'return while next is pending': async (chunks, count) => {
    const iterator = chunks[Symbol.asyncIterator]();
    for (let taken = 0; taken < count % 3; taken++) (await iterator.next()).value?.release();
    const [next] = await Promise.all([iterator.next(), iterator.return?.()]);
    if (!next.done) next.value.release();
    assert.equal((await iterator.next()).done, true);
    await iterator.return?.();
  },
  dispose: async (chunks) => {
    await chunks[Symbol.asyncDispose]?.();
    const iterator = chunks[Symbol.asyncIterator]();
    const { done, value } = await iterator.next();
    if (!done) value.release();
    await iterator.return?.();
  },
};

async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.end(data);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await inFolder(async (folder) => {
    const path = join(folder, 'data');
    writeFileSync(path, data);
    await use({ path, port: (server.address() as AddressInfo).port });
  });
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
}

for (const [name, make] of Object.entries(sources)) {
  test(`${name}: all memory comes back, no matter how the consumer stops and how the data is framed`, () =>
    withPlace((place) =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...Object.keys(framings)),
          fc.constantFrom(...Object.keys(stops)),
          fc.nat(12),
          async (framing, stop, count) => {
            const arena = asyncArena(8, 64);
            const [chunks, close] = await make(arena, place);
            await stops[stop]?.(framings[framing]?.(chunks) ?? chunks, count);
            await close();
            await assertAllReturnedSoon(arena);
          },
        ),
        { numRuns: 60 },
      ),
    ));
}

test('a generator between source and target that throws ends the pipe, and all memory comes back', () =>
  withPlace(async (place) => {
    for (const make of Object.values(sources)) {
      for (const when of [0, 1, 5]) {
        const arena = asyncArena(8, 64);
        const [chunks, close] = await make(arena, place);
        const step = async function* (): AsyncGenerator<Bytes | BytesList> {
          let count = 0;
          for await (const line of splitLines(chunks as AsyncIterable<Bytes>)) {
            using own = line;
            if (count++ === when) throw boom;
            yield own.slice(0, Math.min(3, own.length));
          }
        };
        const slow = new Writable({ write: (_chunk, _encoding, done) => void setImmediate(done) });
        await assert.rejects(pipeBytes(step(), slow), boom);
        assert.equal(slow.destroyed, true);
        await close();
        await assertAllReturnedSoon(arena);
      }
    }
  }));

test('a target that throws instead of calling back ends the pipe, and all memory comes back', async () => {
  for (const method of ['write', 'writev', 'final'] as const) {
    const arena = asyncArena(4, 64);
    const fails = (): never => {
      throw boom;
    };
    const target = new Writable({ write: (_chunk, _encoding, done) => done(), [method]: fails });
    await assert.rejects(pipeBytes(splitLines(inChunks(arena, text, 60), { pieces: true }), target), boom);
    await assertAllReturnedSoon(arena);
  }
});

test('a consumer of a channel that stops leaves the remaining messages to other consumers', async () => {
  const arena = FixedArena.withSlotCapacity(8, 16).shared({ maxThreads: 2 }).build();
  const channel = BytesChannel.create(arena, { capacity: 8 });
  for (let index = 0; index < 8; index++) channel.trySend(arena.allocate().putU8(index).freeze());
  for await (using bytes of channel) {
    assert.equal(bytes.at(0), 0);
    break;
  }
  const failing = async (): Promise<void> => {
    for await (using bytes of channel) if (bytes.at(0) === 2) throw boom;
  };
  await assert.rejects(failing(), boom);
  const iterator = channel[Symbol.asyncIterator]() as AsyncGenerator<Bytes, undefined>;
  assert.equal((await iterator.return(undefined)).done, true);
  const other = channel[Symbol.asyncIterator]() as AsyncGenerator<Bytes, undefined>;
  (await other.next()).value?.release();
  await assert.rejects(other.throw(boom), boom);
  assert.equal((await other.next()).done, true);
  const last: number[] = [];
  channel.close();
  for await (using bytes of channel) last.push(bytes.at(0));
  assert.deepEqual(last, [4, 5, 6, 7]);
  assertAllReturned(arena);
});

test('a message that arrives after return() answers the next() that was pending before it', async () => {
  const arena = FixedArena.withSlotCapacity(2, 16).shared({ maxThreads: 2 }).build();
  const channel = BytesChannel.create(arena, { capacity: 2 });
  const iterator = channel[Symbol.asyncIterator]() as AsyncGenerator<Bytes, undefined>;
  const next = iterator.next();
  const returned = iterator.return(undefined);
  channel.trySend(frozen(arena, 'a'));
  channel.trySend(frozen(arena, 'b'));
  const { value } = await next;
  assert.equal(value?.toString(), 'a');
  value?.release();
  assert.equal((await returned).done, true);
  const rest = channel.tryReceive();
  assert.equal(rest?.toString(), 'b');
  rest?.release();
  assertAllReturned(arena);
});

test('iterating over Bytes may stop at any byte, and the Bytes can be released all the same', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(arena, 'abc');
  for (const byte of bytes) if (byte === 0x62) break;
  const walk = (): void => {
    for (const _ of bytes) throw boom;
  };
  assert.throws(walk, boom);
  const iterator = bytes[Symbol.iterator]();
  iterator.next();
  bytes.release();
  assert.throws(() => iterator.next(), { code: 'RELEASED' });
  assertAllReturned(arena);
});

test('a Web stream whose reader cancels before, during or between reads, or in mid-chunk, gives all memory back', () =>
  withPlace((place) =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(sources)),
        fc.nat(4),
        fc.boolean(),
        fc.boolean(),
        async (name, count, byob, pending) => {
          const arena = asyncArena(8, 64);
          const made = await sources[name]?.(arena, place);
          assert.ok(made !== undefined);
          const [chunks, close] = made;
          const stream = toReadableStream(chunks);
          if (byob) {
            const reader = stream.getReader({ mode: 'byob' });
            for (let turn = 0; turn < count; turn++) await reader.read(new Uint8Array(7));
            const asked = pending ? reader.read(new Uint8Array(7)) : undefined;
            await reader.cancel(boom);
            await asked;
          } else {
            const reader = stream.getReader();
            for (let turn = 0; turn < count; turn++) await reader.read();
            const asked = pending ? reader.read() : undefined;
            await reader.cancel(boom);
            await asked;
          }
          await settled();
          await close();
          await assertAllReturnedSoon(arena);
        },
      ),
      { numRuns: 100 },
    ),
  ));

test('a connect function that throws, or aborts the signal, leaves nothing behind', async () => {
  const arena = asyncArena(2, 64);
  const connect = (): never => {
    throw boom;
  };
  assert.throws(() => connectChunks(arena, { port: 1 }, { connect }), boom);
  assertAllReturned(arena);
  await withPlace(async ({ port }) => {
    const stop = new AbortController();
    const { connect: really } = await import('node:net');
    const { chunks, socket } = connectChunks(
      arena,
      { port, host: '127.0.0.1' },
      {
        signal: stop.signal,
        connect: (options) => {
          stop.abort(boom);
          return really(options);
        },
      },
    );
    await assert.rejects(chunks.next(), boom);
    assert.equal(socket.destroyed, true);
    await assertAllReturnedSoon(arena);
  });
});

test('a read error of a file reaches the consumer, with and without framing', async () => {
  const arena = asyncArena(4, 64);
  const folder = openSync('.', 'r');
  for (const chunks of [readChunks(arena, { fd: folder }), splitLines(readChunks(arena, { fd: folder }))]) {
    await assert.rejects(
      async () => {
        for await (using _ of chunks as Chunks) assert.fail('there is no chunk');
      },
      { code: 'EISDIR' },
    );
    await assertAllReturnedSoon(arena);
  }
});
