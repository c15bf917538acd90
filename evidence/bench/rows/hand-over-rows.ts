import assert from 'node:assert/strict';
import { MessageChannel } from 'node:worker_threads';
import { BytesChannel, FixedArena } from 'arena-alligator';
import type { Case } from '../case.js';
import type { Figures } from '../measure.js';
import { KIB, MIB } from '../work.js';
import type { HandOver, Job, Outcome } from '../workers/hand-over-worker.js';
import { FLAGS, workTogether } from '../workers/together.js';

/** Bytes that a ring needs for its own header. */
const RING_HEAD = 64;

function jobsOf(one: HandOver, ms: number): { jobs: Job[]; end: () => void } {
  const { way, size, window, writes } = one;
  const flags = new Int32Array(new SharedArrayBuffer(FLAGS * 4));
  const none = { one, flags, ms, channel: undefined, port: undefined, memory: undefined };
  const roles = ['sender', 'receiver'] as const;
  if (way === 'channel') {
    const arena = FixedArena.withSlotCapacity(writes ? 2 * window : 1, size)
      .shared({ maxThreads: 3 })
      .build();
    const channel = BytesChannel.create(arena, { capacity: window });
    const jobs = roles.map((role) => ({ ...none, role, channel: channel.handle() }));
    return { jobs, end: () => assert.equal(arena.metrics().bytesLive, 0) };
  }
  const end = (): void => undefined;
  if (way === 'ring') {
    const memory = new SharedArrayBuffer(window * size + RING_HEAD);
    return { jobs: roles.map((role) => ({ ...none, role, memory })), end };
  }
  const { port1, port2 } = new MessageChannel();
  const memory = way === 'number' ? new SharedArrayBuffer(window * size) : undefined;
  const jobs = roles.map((role) => ({ ...none, role, memory, port: role === 'sender' ? port1 : port2 }));
  return { jobs, end };
}

async function handOver(one: HandOver, ms: number): Promise<Figures> {
  const { jobs, end } = jobsOf(one, ms);
  const [sent, received] = await workTogether<Job, Outcome>('hand-over-worker.js', jobs);
  assert.ok(sent !== undefined && received !== undefined && received.count > 0);
  // Messages that are still in the ring at the end are never received.
  if (one.way !== 'ring') assert.equal(received.total, sent.total);
  end();
  return { ns: (received.ms * 1e6) / received.count };
}

// In short runs that tried a few batch sizes each, these were the fastest or close to it.
const sizes: readonly [name: string, size: number, writes: boolean, window: number, batch: number, returned: number][] =
  [
    [`${KIB}`, KIB, true, 256, 64, 64],
    [`${64 * KIB}`, 64 * KIB, true, 64, 8, 16],
    [`${MIB}`, MIB, true, 16, 1, 4],
    [`${64 * KIB}-unwritten`, 64 * KIB, false, 256, 8, 32],
    [`${MIB}-unwritten`, MIB, false, 64, 1, 4],
  ];

/**
 * Messages from one worker to another. Transferred memory is either new for each message (`fresh`), or comes back and
 * is sent again (`returned`).
 */
export const handOverRows: readonly Case[] = sizes.flatMap(([name, size, writes, window, batch, returned]) =>
  (
    [
      ['channel', 1],
      ['copy', batch],
      ['fresh', batch],
      ['returned', returned],
      ['number', 1],
      ['ring', 1],
    ] as const
  ).map(([way, batch]) => ({
    id: `hand-over/${name}/${way}`,
    nodeOnly: true,
    run: (ms: number) => handOver({ way, size, writes, window, batch }, 4 * ms),
  })),
);
