import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import type { Bytes } from 'arena-alligator';
import {
  BytesList,
  type ChunkArena,
  lengthPrefixed,
  pipeBytes,
  type RecordOptions,
  readBody,
  splitLines,
  splitOn,
  toReadableStream,
  writeBytes,
} from 'arena-alligator/node';
import type { Dice } from '../fuzz/dice.js';
import { type Content, randomContent } from './content.js';
import { inOwnPieces, pause, SOURCES } from './sources.js';

/** Something that a program does with an arena while others do the same. */
export interface Task {
  readonly name: string;
  run(): Promise<void>;
}

type Chunks = AsyncIterable<Bytes>;

/** Cuts chunks into records, as `content` was made. */
function cut(chunks: Chunks, { framing }: Content, options: RecordOptions): AsyncIterable<unknown> {
  if (framing.kind === 'lines') return splitLines(chunks, options);
  if (framing.kind === 'delimiter') return splitOn(chunks, framing.delimiter, options);
  return lengthPrefixed(chunks, { ...options, ...framing });
}

interface Taken {
  toUint8Array(): Uint8Array;
  release(): void;
}

async function readRecords(chunks: Chunks, content: Content, dice: Dice): Promise<void> {
  const options = { pieces: dice.oneIn(2), maxLength: 100_000 };
  const mostTaken = dice.oneIn(4) ? dice.below(4) : Number.POSITIVE_INFINITY;
  const got: string[] = [];
  const take = async (record: Taken): Promise<void> => {
    got.push(Buffer.from(record.toUint8Array()).toString('latin1'));
    record.release(); // before anything is awaited: nobody may hold memory and wait for more
    if (dice.oneIn(5)) await pause(dice);
  };
  if (dice.oneIn(2)) {
    for await (const record of cut(chunks, content, options)) {
      await take(record as Taken);
      if (got.length > mostTaken) break;
    }
  } else {
    batches: for await (const batch of cut(chunks, content, { ...options, batches: true })) {
      for (const record of batch as Iterable<Taken>) {
        await take(record);
        if (got.length > mostTaken) break batches;
      }
    }
  }
  const expected = got.length > mostTaken ? content.records.slice(0, got.length) : content.records;
  assert.deepEqual(got, expected);
}

async function readAll(chunks: Chunks, { bytes }: Content): Promise<void> {
  const got: Buffer[] = [];
  for await (using chunk of chunks) got.push(Buffer.from(chunk.toUint8Array()));
  assert.deepEqual(Buffer.concat(got), bytes);
}

/** A Writable that is now and then slow. */
class Sink extends Writable {
  readonly got: Buffer[] = [];
  private readonly dice: Dice;

  constructor(dice: Dice) {
    super({ highWaterMark: 1 + dice.below(200) });
    this.dice = dice;
  }

  override async _write(chunk: Buffer, _encoding: string, done: () => void): Promise<void> {
    if (this.dice.oneIn(3)) await pause(this.dice);
    this.got.push(Buffer.from(chunk));
    done();
  }
}

async function pipe(chunks: Chunks, { bytes }: Content, dice: Dice): Promise<void> {
  const sink = new Sink(dice);
  await pipeBytes(chunks, sink);
  assert.deepEqual(Buffer.concat(sink.got), bytes);
}

async function write(chunks: Chunks, { bytes }: Content, dice: Dice): Promise<void> {
  const sink = new Sink(dice);
  for await (const chunk of chunks) await writeBytes(sink, dice.oneIn(2) ? chunk : new BytesList([chunk]));
  assert.deepEqual(Buffer.concat(sink.got), bytes);
}

async function toWeb(chunks: Chunks, { bytes }: Content): Promise<void> {
  const got: Uint8Array[] = [];
  for await (const part of toReadableStream(chunks)) got.push(part);
  assert.deepEqual(Buffer.concat(got), bytes);
}

const CONSUMERS = [readRecords, readRecords, readRecords, readAll, pipe, write, toWeb];

/** A whole body, of known length or not. */
async function body(arena: ChunkArena, { bytes }: Content, dice: Dice, signal: AbortSignal): Promise<void> {
  const pieces = inOwnPieces(dice, bytes);
  const buffers = dice.oneIn(2) ? 'leave' : 'free';
  const source = dice.oneIn(2) ? pieces : Readable.from(pieces, { objectMode: false });
  const length = dice.oneIn(2) ? bytes.length : undefined;
  try {
    using whole = await readBody(arena, source, { length, maxLength: 100_000, signal, buffers });
    if (dice.oneIn(2)) await pause(dice);
    assert.deepEqual(Buffer.from(whole.toUint8Array()), bytes);
  } catch (error) {
    const isTooLarge = (error as { code?: string }).code === 'REQUEST_TOO_LARGE';
    if (!isTooLarge || length === undefined || length <= arena.metrics().bytesReserved) throw error;
  }
}

const STOPPED = new Error('stopped by the fuzzer');

/** A task that the dice choose. One in eight is aborted in the middle. */
export function randomTask(arena: ChunkArena, dice: Dice): Task {
  const content = randomContent(dice, dice.oneIn(4) ? 3000 : 300);
  const stop = new AbortController();
  const isStopped = dice.oneIn(8);
  const turns = dice.below(20);
  const isBody = dice.oneIn(4);
  const source = dice.pick(SOURCES);
  const consumer = dice.pick(CONSUMERS);
  const work = (): Promise<void> =>
    isBody
      ? body(arena, content, dice, stop.signal)
      : consumer(source.open(arena, content.bytes, dice, stop.signal), content, dice);
  return {
    name: `${isBody ? 'readBody' : `${consumer.name} of ${source.name}`}, ${content.bytes.length} bytes`,
    async run() {
      const working = work();
      if (isStopped) void stopLater(stop, turns);
      try {
        await working;
      } catch (error) {
        if (!(isStopped && error === STOPPED)) throw error;
      }
    },
  };
}

async function stopLater(stop: AbortController, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
  stop.abort(STOPPED);
}
