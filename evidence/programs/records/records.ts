import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { FixedArena } from 'arena-alligator';
import { connectChunks, lengthPrefixed } from 'arena-alligator/node';
import { framesOf } from '../frames-of.js';
import { measure } from '../usage.js';

// Adds up a field of records that come over a socket with their length before them.
const [, , way, records = '0', bytes = '0'] = process.argv;
const sender: ChildProcess = fork(fileURLToPath(new URL('sender.js', import.meta.url)), [records, bytes]);
const [port] = (await once(sender, 'message')) as [number];

async function arena(): Promise<number> {
  const memory = FixedArena.withSlotCapacity(16, 64 * 1024).buildAsync();
  const { chunks } = connectChunks(memory, { port, host: '127.0.0.1' });
  let sum = 0;
  for await (const batch of lengthPrefixed(chunks, { batches: true })) {
    for (const record of batch) {
      sum = (sum + record.getU32At(0)) % 2 ** 32;
      record.release();
    }
  }
  return sum;
}

async function plain(): Promise<number> {
  let sum = 0;
  for await (const frames of framesOf(connect({ port, host: '127.0.0.1' }))) {
    for (const frame of frames) sum = (sum + frame.readUInt32BE(4)) % 2 ** 32;
  }
  return sum;
}

await measure(Number(records), way === 'arena' ? arena : plain);
