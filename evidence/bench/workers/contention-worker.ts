import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { type ArenaHandle, BuddyArena, FixedArena } from 'arena-alligator';
import { FILL } from '../work.js';
import { meet, READY, repeat, STOP, type Timed, WARM_UP_MS } from './together.js';

/** The work for one worker. */
export interface Job {
  readonly kind: 'fixed' | 'buddy';
  readonly arena: ArenaHandle;
  /** Size of the largest payload in bytes. For buddy arenas only. */
  readonly largest: number;
  readonly flags: Int32Array;
  readonly threads: number;
  readonly ms: number;
}

/** A worker's result. `total` includes the turns that were not timed. */
export interface Outcome extends Timed {
  readonly total: number;
}

const SIZES = 4096;

function fixedTurn(handle: ArenaHandle): () => void {
  const arena = FixedArena.attach(handle as ArenaHandle<'fixed'>);
  const looked = arena.allocate().putBytes(FILL, 1024).freeze();
  assert.ok(looked.length === 1024 && looked.toUint8Array().every((byte) => byte === FILL));
  looked.release();
  return () => arena.allocate().putBytes(FILL, 1024).freeze().release();
}

function buddyTurn(handle: ArenaHandle, largest: number): () => void {
  const arena = BuddyArena.attach(handle as ArenaHandle<'buddy'>);
  const sizes = Array.from({ length: SIZES }, (_, index) => 192 + ((index * 48_271) % (largest - 192 + 1)));
  const looked = arena.allocate(largest).putU8(1).freeze();
  assert.deepEqual([...looked], [1]);
  looked.release();
  let step = 0;
  return () => {
    step = (step + 1) & (SIZES - 1);
    arena
      .allocate(sizes[step] as number)
      .putU8(1)
      .freeze()
      .release();
  };
}

const { kind, arena, largest, flags, threads, ms } = workerData as Job;
const turn = kind === 'fixed' ? fixedTurn(arena) : buddyTurn(arena, largest);
const warm = repeat(turn, WARM_UP_MS);
meet(flags, READY, threads);
const timed = repeat(turn, ms);
// Wait for the others before stopping: a worker that is still being timed must not run alone.
meet(flags, STOP, threads);
parentPort?.postMessage({ ...timed, total: warm.count + timed.count + 1 } satisfies Outcome);
