// A pool of piscina workers. Jobs and results are 1 MiB each, and lie in two shared arenas that have room for few of
// them. Were it one arena, all slots could be jobs, and every worker would wait for a slot for its result.
import { type Bytes, FixedArena, ReleasedError, type Ticket } from 'arena-alligator';
import { Piscina } from 'piscina';
import type { Arenas } from './worker.js';

const WORKERS = 2;
const JOBS = 40;
const SIZE = 1024 * 1024;

// The workers, this thread, and one more: the replacement of a dead worker may attach before the dead one is reclaimed.
const maxThreads = WORKERS + 2;
const jobs = FixedArena.withSlotCapacity(4, SIZE).shared({ maxThreads }).buildAsync();
const results = FixedArena.withSlotCapacity(2, SIZE).shared({ maxThreads }).buildAsync();

const workerData: Arenas = { jobs: jobs.handle(), results: results.handle() };
const filename = new URL('./worker.js', import.meta.url).href;
const pool = new Piscina<Ticket, Ticket>({ filename, workerData, minThreads: WORKERS, maxThreads: WORKERS });

// However a worker exits, the memory that it holds then is returned. piscina starts another in its place.
pool.on('workerCreate', ({ id }: { readonly id: number }) => {
  const worker = pool.threads.find(({ threadId }) => threadId === id);
  if (worker === undefined) return;
  jobs.watch(worker);
  results.watch(worker);
});

/** Runs `job` in the pool. When its worker dies, it runs again: the handle that this thread holds keeps it. */
async function run(job: Bytes, attempts = 2): Promise<Bytes> {
  const ticket = job.clone().toTicket();
  try {
    return results.redeem(await pool.run(ticket));
  } catch (error) {
    takeBack(ticket);
    if (attempts === 1) throw error;
    return run(job, attempts - 1);
  }
}

/** A ticket holds memory until it is redeemed. If the worker did not come to do it, this does. */
function takeBack(ticket: Ticket): void {
  try {
    jobs.redeem(ticket).release();
  } catch (error) {
    if (!(error instanceof ReleasedError)) throw error; // the worker did
  }
}

/** @returns whether the pool inverts image `number` */
async function isInverted(number: number): Promise<boolean> {
  using buffer = await jobs.allocateAsync(); // waits while four other jobs are under way
  using job = buffer.putBytes(number, SIZE).freeze();
  using result = await run(job);
  return result.length === SIZE && result.view.every((byte) => byte === 255 - number);
}

const answers = Array.from({ length: JOBS }, (_, number) => isInverted(number));
await answers[9];
await pool.threads[0]?.terminate(); // as a crash would end it, in the middle of its work
const right = (await Promise.all(answers)).filter(Boolean).length;
await pool.destroy();

console.log(`${right} of ${JOBS} results are right`);
console.log(`${jobs.metrics().bytesLive} and ${results.metrics().bytesLive} bytes live`);
jobs.detach();
results.detach();
