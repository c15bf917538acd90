import assert from 'node:assert/strict';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import type { Case } from '../case.js';
import type { Figures } from '../measure.js';
import { KIB, LARGEST, MIB } from '../work.js';
import type { Job, Outcome } from '../workers/contention-worker.js';
import { FLAGS, workTogether } from '../workers/together.js';

type Kind = Job['kind'];
/** Percentage of the arena that another holder keeps during the measurement. */
type Held = 0 | 75;

function sharedArena(kind: Kind, threads: number) {
  const shared = { maxThreads: threads + 1 };
  return kind === 'fixed'
    ? FixedArena.withSlotCapacity(65_536, 4 * KIB)
        .shared(shared)
        .build()
    : BuddyArena.builder(BuddyGeometry.exact(64 * MIB, 256))
        .shared(shared)
        .build();
}

/** Allocates the whole arena in pieces of 4 KiB, then releases every fourth piece. */
function hold(arena: ReturnType<typeof sharedArena>): { release(): void }[] {
  const held = [];
  for (let next = arena.tryAllocate(4 * KIB); next !== undefined; next = arena.tryAllocate(4 * KIB)) {
    held.push(next.putU8(1).freeze());
  }
  for (let index = 3; index < held.length; index += 4) held[index]?.release();
  return held;
}

async function contention(kind: Kind, threads: number, percent: Held, ms: number): Promise<Figures> {
  const arena = sharedArena(kind, threads);
  const held = percent === 0 ? [] : hold(arena);
  const largest = percent === 0 ? LARGEST : 4 * KIB;
  const flags = new Int32Array(new SharedArrayBuffer(FLAGS * 4));
  const job: Job = { kind, arena: arena.handle(), largest, flags, threads, ms };
  const outcomes = await workTogether<Job, Outcome>(
    'contention-worker.js',
    Array.from({ length: threads }, () => job),
  );
  for (const bytes of held) bytes.release();
  const { bytesLive, allocationsOk } = arena.metrics();
  assert.equal(bytesLive, 0);
  assert.equal(
    allocationsOk,
    outcomes.reduce((sum, { total }) => sum + total, held.length),
  );
  const perMs = outcomes.reduce((sum, { count, ms }) => sum + count / ms, 0);
  return { ns: 1e6 / perMs };
}

/**
 * Round trips of several threads on one arena. The figure is the time per round trip of all threads together: the
 * inverse of the sum of their rates.
 */
export const contentionRows: readonly Case[] = (['fixed', 'buddy'] as const).flatMap((kind) =>
  [1, 2, 4].flatMap((threads) =>
    ([0, 75] as const).map((held) => ({
      id: `contention/${kind}/${threads}/${held}/shared`,
      nodeOnly: true,
      // Several threads are noisier than one, so the case is measured for longer.
      run: (ms: number) => contention(kind, threads, held, 4 * ms),
    })),
  ),
);
