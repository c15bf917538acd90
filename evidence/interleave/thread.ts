import { workerData } from 'node:worker_threads';
import type * as Library from 'arena-alligator';
import type { ArenaHandle, ChannelHandle, Ticket } from 'arena-alligator';
import type { SharedThread } from '#internal/shared/thread';
import { BUDGET, DEATH, DONE, FAILED, ID, RESULT, ROUND, STATUS, STEPS, THREAD_WORDS } from './board.js';
import { type Actor, scenarios } from './scenarios.js';
import type * as Stepping from './stepping-atomics.js';

// A thread of a scenario. It uses a copy of the built library in which the atomics module was replaced.

const data = workerData as {
  readonly board: Int32Array;
  readonly thread: number;
  readonly library: string;
  readonly scenario: string;
  readonly arena: ArenaHandle;
  readonly channel: ChannelHandle | undefined;
  readonly ticket: Ticket | undefined;
  /** Whether errors are printed. */
  readonly isLoud: boolean;
};
const { BytesChannel, FixedArena, BuddyArena } = (await import(`${data.library}/index.js`)) as typeof Library;
const { begin, blockOn, Killed, rest } = (await import(
  `${data.library}/base/atomics.js`
)) as unknown as typeof Stepping;

const { board, thread } = data;
const own = thread * THREAD_WORDS;
const scenario = scenarios.find(({ name }) => name === data.scenario);
const role = scenario?.roles[thread];

function say(status: number): void {
  Atomics.store(board, own + STATUS, status);
  Atomics.notify(board, own + STATUS);
}

function attach(): Actor {
  const arena =
    data.arena.kind === 'fixed'
      ? FixedArena.attach(data.arena as ArenaHandle<'fixed'>)
      : BuddyArena.attach(data.arena as ArenaHandle<'buddy'>);
  const { arenaId } = (arena as unknown as { readonly thread: SharedThread }).thread;
  const idOf = (index: number): number => board[index * THREAD_WORDS + ID] as number;
  return {
    arena: arena as Actor['arena'],
    channel: (data.channel && BytesChannel.attach(data.channel)) as Actor['channel'],
    // The arena has another id in each run.
    ticket: { ...(data.ticket as Ticket), arena: arenaId },
    held: [],
    count(points) {
      board[own + RESULT] = (board[own + RESULT] as number) + points;
    },
    awaitDeath() {
      blockOn(DEATH);
      return idOf(scenario?.victim ?? 0);
    },
    idOf,
  };
}

for (let round = 0; ; ) {
  Atomics.wait(board, own + ROUND, round);
  round = Atomics.load(board, own + ROUND);
  if (round < 0) break;
  board[own + RESULT] = 0;
  board[own + STEPS] = 0;
  board[own + BUDGET] = 0;
  try {
    const actor = attach();
    role?.prepare?.(actor);
    begin();
    role?.run(actor);
    rest();
    say(DONE);
  } catch (error) {
    rest();
    const isKilled = error instanceof Killed || (error instanceof Error && error.cause instanceof Killed);
    if (!isKilled && data.isLoud) console.error(`thread ${thread} of "${data.scenario}":`, error);
    say(isKilled ? DONE : FAILED);
  }
}
