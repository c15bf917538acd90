import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  BuddyArena,
  type BuddyArenaMetrics,
  BuddyGeometry,
  type Bytes,
  BytesChannel,
  FixedArena,
  ReleasedError,
  type SharedBuddyArena,
  type SharedFixedArena,
  type Ticket,
} from 'arena-alligator';
import type { SharedThread } from '#internal/shared/thread';
import { auditArena } from '../../test/support/audit.js';
import { checkPayload } from './payload.js';

// For a given time, workers allocate, hand over, clone, drop and wait at random, and are terminated at random points.
// Every thread checks the payloads that it gets. In the end all memory must be back and merged, and the metrics must
// add up.

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    workers: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const WORKERS = Number(options.workers);
const end = Date.now() + Number(options.minutes) * 60_000;
/** The test counts as stuck when nothing at all is received for this long, in ms. */
const STUCK = 30_000;

let state = 1 + Number(options.seed);
function random(): number {
  state = (state * 48_271) % 2_147_483_647;
  return state / 2_147_483_647;
}

const threads = { maxThreads: WORKERS + 1 };
const arenas: readonly (SharedFixedArena | SharedBuddyArena)[] = [
  FixedArena.withSlotCapacity(100, 512).shared(threads).initPolicy('zero').build(),
  BuddyArena.builder(BuddyGeometry.exact(65_536, 64)).shared(threads).build(),
];
const channels = arenas.flatMap((arena) =>
  [1, 7, 64].map((capacity) => BytesChannel.create(arena, { capacity, whenAbandoned: 'wait' })),
);

const counts = { spawned: 0, terminated: 0, exited: 0, threw: 0, received: 0, redeemed: 0, revoked: 0 };
const running = new Set<Worker>();

function check(bytes: Bytes): void {
  checkPayload(bytes);
  bytes.release();
}

function redeem(arena: number, ticket: Ticket): void {
  try {
    const bytes = arenas[arena]?.redeem(ticket);
    if (bytes !== undefined) check(bytes);
    counts.redeemed++;
  } catch (error) {
    // The worker that issued the ticket was reclaimed before the message arrived.
    if (!(error instanceof ReleasedError)) throw error;
    counts.revoked++;
  }
}

/** Runs one worker until it ends by itself or is terminated, and then the next one, until the time is up. */
function spawn(): void {
  const worker = new Worker(new URL('./torture-worker.js', import.meta.url), {
    workerData: { channels: channels.map((channel) => channel.handle()), seed: 1 + Math.floor(random() * 2 ** 30) },
  });
  counts.spawned++;
  running.add(worker);
  for (const arena of arenas) arena.watch(worker);
  let isTerminated = false;
  const stopLater = (): void => {
    setTimeout(
      () => {
        isTerminated = running.has(worker);
        void worker.terminate();
      },
      random() * random() * 200,
    );
  };
  worker.on('message', (message: 'attached' | { arena: number; ticket: Ticket }) => {
    if (message === 'attached') stopLater();
    else redeem(message.arena, message.ticket);
  });
  worker.on('error', (error) => {
    if (error.message.includes('on purpose')) counts.threw++;
    else throw error;
  });
  if (random() < 0.05) worker.once('online', stopLater);
  worker.once('exit', () => {
    running.delete(worker);
    if (isTerminated) counts.terminated++;
    else counts.exited++;
    if (Date.now() < end) spawn();
  });
}

function fail(message: string): never {
  console.error(`FAILED (--seed ${options.seed}): ${message}`);
  console.error(JSON.stringify(counts), ...arenas.map((arena) => arena.metrics()));
  process.exit(1);
}

async function receiveAll(): Promise<void> {
  let last = Date.now();
  while (Date.now() < end) {
    for (const channel of channels) {
      const bytes = channel.tryReceive();
      if (bytes === undefined) continue;
      check(bytes);
      counts.received++;
      last = Date.now();
    }
    if (Date.now() - last > STUCK) fail(`nothing arrived for ${STUCK} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function verify(): void {
  for (const channel of channels) {
    for (let bytes = channel.tryReceive(); bytes !== undefined; bytes = channel.tryReceive()) check(bytes);
  }
  for (const arena of arenas) {
    const wrong = auditArena((arena as unknown as { readonly thread: SharedThread }).thread.tools);
    if (wrong.length > 0) fail(wrong.slice(0, 20).join('; '));
    const metrics = arena.metrics();
    if (metrics.bytesLive !== 0) fail(`${metrics.bytesLive} bytes did not come back`);
    if (metrics.allocationsOk !== metrics.frees) fail('allocations and frees do not add up');
    if ('largestFreeBlock' in metrics) {
      const { splits, coalesces, largestFreeBlock } = metrics as unknown as BuddyArenaMetrics;
      if (splits !== coalesces || largestFreeBlock !== metrics.bytesReserved) fail('blocks stayed split');
    }
    const all =
      'slotCount' in arena
        ? Array.from({ length: arena.slotCount }, () => arena.allocate())
        : [arena.allocate(arena.totalSize)];
    for (const buffer of all) buffer.abandon();
  }
}

console.log(
  `Node ${process.version}, ${options.minutes} minutes, ${WORKERS} workers at a time, --seed ${options.seed}`,
);
const report = setInterval(() => console.log(JSON.stringify(counts)), 30_000);
for (let count = 0; count < WORKERS; count++) spawn();
await receiveAll();
while (running.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
clearInterval(report);
// Messages of ended workers are still being delivered.
await new Promise((resolve) => setTimeout(resolve, 100));
verify();
console.log(JSON.stringify(counts));
console.log(
  `${arenas.map((arena) => arena.metrics().allocationsOk).join(' + ')} allocations, all back, nothing corrupt`,
);
