import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { FixedArena } from 'arena-alligator';
import { readChunks, splitLines } from 'arena-alligator/node';
import { measure } from '../usage.js';

// Counts the lines of a log that contain a word.
const [, , way, path = '', lines = '0'] = process.argv;
const WORD = 'ERROR';

async function batches(): Promise<number> {
  const arena = FixedArena.withSlotCapacity(16, 64 * 1024).buildAsync();
  let count = 0;
  for await (const batch of splitLines(readChunks(arena, path), { batches: true })) {
    for (const line of batch) {
      if (line.includes(WORD)) count++;
      line.release();
    }
  }
  return count;
}

async function single(): Promise<number> {
  const arena = FixedArena.withSlotCapacity(16, 64 * 1024).buildAsync();
  let count = 0;
  for await (const line of splitLines(readChunks(arena, path))) {
    if (line.includes(WORD)) count++;
    line.release();
  }
  return count;
}

async function loop(): Promise<number> {
  const word = Buffer.from(WORD);
  let count = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path)) {
    const data: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = data.indexOf(10, at); end >= 0; end = data.indexOf(10, at)) {
      if (data.subarray(at, end).includes(word)) count++;
      at = end + 1;
    }
    rest = data.subarray(at);
  }
  return rest.includes(word) ? count + 1 : count;
}

async function readline(): Promise<number> {
  let count = 0;
  const input = createReadStream(path);
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.includes(WORD)) count++;
  }
  return count;
}

const ways: Readonly<Record<string, () => Promise<number>>> = { batches, single, loop, readline };
const work = ways[way ?? ''];
if (work === undefined) throw new Error(`no way ${way}`);
await measure(Number(lines), work);
