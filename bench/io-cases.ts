import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { connect } from 'node:net';
import { type AsyncFixedArena, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { connectChunks, readChunks } from 'arena-alligator/node';

/** What a case is run on. */
export interface Source {
  /** A file of `bytes` bytes, and a server that sends as many to whoever connects. */
  readonly path: string;
  readonly port: number;
  readonly bytes: number;
  readonly chunkSize: number;
}

/** A piece of I/O that is timed as a whole. */
export interface IoCase {
  readonly name: string;
  readonly beside?: string;
  readonly run: (source: Source) => Promise<Seen>;
}

/** Bytes that were seen. */
export interface Seen {
  readonly bytes: number;
}

/** The byte at `offset` of what is read. */
export function byteAt(offset: number): number {
  return offset % 251;
}

const LOOKED_AT = 4096;

/** Looks at one byte of every 4096 and at the last. @throws when `chunk` is not what lies at `offset` */
function check(chunk: Uint8Array, offset: number): void {
  const skipped = offset % LOOKED_AT === 0 ? 0 : LOOKED_AT - (offset % LOOKED_AT);
  for (let index = skipped; index < chunk.length; index += LOOKED_AT) {
    if (chunk[index] !== byteAt(offset + index)) throw new Error(`wrong byte at ${offset + index}`);
  }
  const last = chunk.length - 1;
  if (chunk[last] !== byteAt(offset + last)) throw new Error(`wrong byte at ${offset + last}`);
}

async function look(chunks: AsyncIterable<Uint8Array>): Promise<Seen> {
  let bytes = 0;
  for await (const chunk of chunks) {
    check(chunk, bytes);
    bytes += chunk.length;
  }
  return { bytes };
}

const CHUNKS = 16;

async function lookThrough(
  chunkSize: number,
  open: (arena: AsyncFixedArena) => ReturnType<typeof readChunks>,
): Promise<Seen> {
  const arena = FixedArena.withSlotCapacity(CHUNKS, chunkSize).buildAsync();
  let bytes = 0;
  for await (const chunk of open(arena)) {
    check(chunk.view, bytes);
    bytes += chunk.length;
    chunk.release();
  }
  return { bytes };
}

export const ioCases: readonly IoCase[] = [
  {
    name: 'file: fs.createReadStream',
    run: ({ path, chunkSize }) => look(createReadStream(path, { highWaterMark: chunkSize })),
  },
  {
    name: 'file: readChunks',
    beside: 'file: fs.createReadStream',
    run: ({ path, chunkSize }) => lookThrough(chunkSize, (arena) => readChunks(arena, path)),
  },
  {
    name: 'socket: net.connect',
    run: ({ port }) => look(connect({ port, host: '127.0.0.1' })),
  },
  {
    name: 'socket: connectChunks',
    beside: 'socket: net.connect',
    run: ({ port, chunkSize }) =>
      lookThrough(chunkSize, (arena) => connectChunks(arena, { port, host: '127.0.0.1' }).chunks),
  },
];

/** Times from `release()` until who waited for the memory runs, in ns, sorted. */
export async function handOvers(count: number, kind: 'fixed' | 'buddy'): Promise<number[]> {
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
}
