import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type AsyncFixedArena, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { connectChunks, readChunks } from 'arena-alligator/node';
import type { Case } from '../case.js';
import { type Figures, withCollections } from '../measure.js';
import { byteAt, KIB, MIB } from '../work.js';
import type { Wanted } from '../workers/io-source.js';

const BYTES = 512 * MIB;
const CHUNK = 64 * KIB;
const CHUNKS = 16;
const LOOKED_AT = 4096;

/** Checks one byte in every 4096 and the last one. @throws Error when `chunk` is not the data at `offset` */
function check(chunk: Uint8Array, offset: number): void {
  const skipped = offset % LOOKED_AT === 0 ? 0 : LOOKED_AT - (offset % LOOKED_AT);
  for (let index = skipped; index < chunk.length; index += LOOKED_AT) {
    if (chunk[index] !== byteAt(offset + index)) throw new Error(`wrong byte at ${offset + index}`);
  }
  const last = chunk.length - 1;
  if (chunk[last] !== byteAt(offset + last)) throw new Error(`wrong byte at ${offset + last}`);
}

async function look(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) {
    check(chunk, bytes);
    bytes += chunk.length;
  }
  return bytes;
}

async function lookThrough(open: (arena: AsyncFixedArena) => ReturnType<typeof readChunks>): Promise<number> {
  const arena = FixedArena.withSlotCapacity(CHUNKS, CHUNK).buildAsync();
  let bytes = 0;
  for await (const chunk of open(arena)) {
    check(chunk.view, bytes);
    bytes += chunk.length;
    chunk.release();
  }
  return bytes;
}

/** The data to read: the path of a file, or the port of a server. */
interface Source {
  readonly path: string;
  readonly port: number;
}

async function withSource(isFile: boolean, work: (source: Source) => Promise<Figures>): Promise<Figures> {
  const path = join(tmpdir(), `arena-alligator-bench-${process.pid}`);
  const wanted: Wanted = { bytes: BYTES, path: isFile ? path : undefined };
  const worker = new Worker(new URL('../workers/io-source.js', import.meta.url), { workerData: wanted });
  try {
    const [port] = (await once(worker, 'message')) as [number];
    return await work({ path, port });
  } finally {
    await worker.terminate();
    rmSync(path, { force: true });
  }
}

/** Reads a whole file from the page cache, or a loopback socket to its end. One operation is a chunk of 64 KiB. */
function read(id: string, isFile: boolean, run: (source: Source) => Promise<number>): Case {
  const figures = (source: Source): Promise<Figures> =>
    withCollections(async () => {
      const start = performance.now();
      assert.equal(await run(source), BYTES);
      const chunks = BYTES / CHUNK;
      return [chunks, { ns: ((performance.now() - start) * 1e6) / chunks }];
    });
  return {
    id,
    nodeOnly: true,
    run: () =>
      withSource(isFile, async (source) => {
        // A first run without measuring: loading and compiling leave garbage too, which is not to be compared.
        await run(source);
        return figures(source);
      }),
  };
}

const WAITS = 50_000;

/** Time from giving the memory back (`abandon()`) until the caller that waited for it runs. */
function release(kind: 'fixed' | 'buddy'): Case {
  const waits = async (count: number): Promise<number[]> => {
    const arena =
      kind === 'fixed'
        ? FixedArena.withSlotCapacity(1, 4096).buildAsync()
        : BuddyArena.builder(BuddyGeometry.exact(65_536, 256)).buildAsync();
    const size = kind === 'fixed' ? 4096 : 65_536;
    let held = arena.allocate(size);
    const times: number[] = [];
    for (let turn = 0; turn < count; turn++) {
      const waiting = arena.allocateAsync(size);
      const start = process.hrtime.bigint();
      held.abandon();
      held = await waiting;
      times.push(Number(process.hrtime.bigint() - start));
    }
    assert.equal(arena.metrics().waitsServed, count);
    held.abandon();
    return times.sort((a, b) => a - b);
  };
  return {
    id: `release-to-waiter/${kind}`,
    nodeOnly: true,
    run: async () => {
      await waits(2000);
      const times = await waits(WAITS);
      const at = (share: number): number => times[Math.floor(WAITS * share)] as number;
      return { ns: at(0.5), p50: at(0.5), p99: at(0.99) };
    },
  };
}

export const ioRows: readonly Case[] = [
  read('read-file/createReadStream', true, ({ path }) => look(createReadStream(path, { highWaterMark: CHUNK }))),
  read('read-file/readChunks', true, ({ path }) => lookThrough((arena) => readChunks(arena, path))),
  read('read-socket/net.connect', false, ({ port }) => look(connect({ port, host: '127.0.0.1' }))),
  read('read-socket/connectChunks', false, ({ port }) =>
    lookThrough((arena) => connectChunks(arena, { port, host: '127.0.0.1' }).chunks),
  ),
  release('fixed'),
  release('buddy'),
];
