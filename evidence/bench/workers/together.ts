import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

// What the workers of one case share: words in shared memory to meet at, and a timed loop.

export const READY = 0;
export const STOP = 1;
export const FLAGS = 2;

export const WARM_UP_MS = 150;

/** Runs one worker per job, from `file` in this folder, and waits for the result that each worker posts. */
export async function workTogether<Job extends object, Outcome>(
  file: string,
  jobs: readonly Job[],
): Promise<Outcome[]> {
  const workers = jobs.map((job) => {
    const transferList = 'port' in job && job.port !== undefined ? [job.port as never] : [];
    return new Worker(new URL(`./${file}`, import.meta.url), { workerData: job, transferList });
  });
  const outcomes = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as Outcome));
  await Promise.all(workers.map((worker) => worker.terminate()));
  return outcomes;
}

/** Waits until all workers have arrived. Sleeps instead of spinning: there may be more workers than cores. */
export function meet(flags: Int32Array, place: number, workers: number): void {
  const here = Atomics.add(flags, place, 1) + 1;
  if (here === workers) Atomics.notify(flags, place);
  for (let seen = here; seen < workers; seen = Atomics.load(flags, place)) Atomics.wait(flags, place, seen);
}

/** The number of timed turns, and how long they took. */
export interface Timed {
  readonly count: number;
  readonly ms: number;
}

export function repeat(turn: () => void, ms: number): Timed {
  const start = performance.now();
  for (let count = 0; ; ) {
    for (let end = count + 64; count < end; count++) turn();
    const passed = performance.now() - start;
    if (passed >= ms) return { count, ms: passed };
  }
}
