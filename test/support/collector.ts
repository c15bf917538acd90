import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** One full collection, now. */
export const collect = runInNewContext('gc') as () => void;

/** Collects garbage until `done` says so; false when 100 full collections did not bring it about. */
export async function collectUntil(done: () => boolean): Promise<boolean> {
  for (let round = 0; round < 100; round++) {
    if (done()) return true;
    // In a job of its own: `done` may look at a WeakRef, which keeps its target until the job ends.
    await sleep(1);
    collect();
    await sleep(1);
  }
  return done();
}

/** Enough full collections for everything that can be found to be found. */
export async function collectThoroughly(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    collect();
    await sleep(2);
  }
}
