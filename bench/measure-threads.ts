import assert from 'node:assert/strict';
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { BuddyArena, BuddyGeometry, BytesChannel, FixedArena } from 'arena-alligator';
import { FLAGS, type HandOver, type RoundTrips, type ThreadCase } from './thread-cases.js';
import type { Job, Outcome } from './thread-worker.js';

// Run as `node measure-threads.js CASE MS` with the case as JSON: prints M round trips or messages a second.

const KIB = 1024;
const [caseText = '', msText = '150'] = process.argv.slice(2);
const one = JSON.parse(caseText) as ThreadCase;
const ms = Number(msText);
const flags = new Int32Array(new SharedArrayBuffer(FLAGS * 4));

async function work(jobs: readonly Job[]): Promise<Outcome[]> {
  const workers = jobs.map((job) => {
    const transferList = job.kind === 'hand-over' && job.port !== undefined ? [job.port] : [];
    return new Worker(new URL('./thread-worker.js', import.meta.url), { workerData: job, transferList });
  });
  return Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as Outcome));
}

async function roundTrips({ arena: kind, threads }: RoundTrips): Promise<number> {
  const shared = { maxThreads: threads + 1 };
  const arena =
    kind === 'fixed'
      ? FixedArena.withSlotCapacity(65_536, 4 * KIB)
          .shared(shared)
          .build()
      : BuddyArena.builder(BuddyGeometry.exact(64 * KIB * KIB, 256))
          .shared(shared)
          .build();
  const jobs = Array.from({ length: threads }, (): Job => ({ kind, arena: arena.handle(), flags, threads, ms }));
  const outcomes = await work(jobs);
  const metrics = arena.metrics();
  assert.equal(metrics.bytesLive, 0);
  assert.equal(
    metrics.allocationsOk,
    outcomes.reduce((sum, { total }) => sum + total, 0),
  );
  return outcomes.reduce((sum, { count, ms }) => sum + count / ms / 1000, 0);
}

async function handOver(one: HandOver): Promise<number> {
  const { port1, port2 } = new MessageChannel();
  const arena = FixedArena.withSlotCapacity(one.writes ? 2 * one.window : 1, one.size)
    .shared({ maxThreads: 3 })
    .build();
  const channel = BytesChannel.create(arena, { capacity: one.window });
  const [sent, received] = await work(
    (['sender', 'receiver'] as const).map((role): Job => {
      const job = { kind: 'hand-over' as const, role, one, flags, ms };
      if (one.way === 'channel') return { ...job, channel: channel.handle(), port: undefined };
      return { ...job, channel: undefined, port: role === 'sender' ? port1 : port2 };
    }),
  );
  assert.ok(sent !== undefined && received !== undefined && received.count > 0);
  assert.equal(received.total, sent.total);
  assert.equal(arena.metrics().bytesLive, 0);
  return received.count / received.ms / 1000;
}

console.log(one.kind === 'round trips' ? await roundTrips(one) : await handOver(one));
process.exit();
