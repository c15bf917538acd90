import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Runs one full collection now. */
export const collect = runInNewContext('gc') as () => void;

/** Collects garbage until `done` returns true. @returns false when 100 full collections were not enough */
export async function collectUntil(done: () => boolean): Promise<boolean> {
  for (let round = 0; round < 100; round++) {
    if (done()) return true;
    // Collect in a separate job: `done` may read a WeakRef, which keeps its target until the job ends.
    await sleep(1);
    collect();
    await sleep(1);
  }
  return done();
}

/** Runs enough full collections to find everything that can be found. */
export async function collectThoroughly(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    collect();
    await sleep(2);
  }
}
