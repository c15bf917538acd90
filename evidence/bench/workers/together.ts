import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

// What several workers of one case have in common: words to meet at, and a loop against the clock.

export const READY = 0;
export const STOP = 1;
export const FLAGS = 2;

export const WARM_UP_MS = 150;

/** Runs a worker of the file beside this one for each job, and waits for what they answer. */
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

/** Waits until all workers are here. Asleep: they may be more than there are cores. */
export function meet(flags: Int32Array, place: number, workers: number): void {
  const here = Atomics.add(flags, place, 1) + 1;
  if (here === workers) Atomics.notify(flags, place);
  for (let seen = here; seen < workers; seen = Atomics.load(flags, place)) Atomics.wait(flags, place, seen);
}

/** Turns that were timed, and how long they took. */
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
