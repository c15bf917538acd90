import { parseArgs } from 'node:util';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import type { ChunkArena } from 'arena-alligator/node';
import { Dice } from '../fuzz/dice.js';
import { runOutboxes } from './outboxes.js';
import { randomTask, type Task } from './tasks.js';

// Runs several readers, writers and bodies at once, or a group of outboxes, in arenas of 1 to 8 slots, and compares all
// that arrives with what was sent. A program that does not end within LONGEST ms is a hang.

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    program: { type: 'string' },
  },
});

/** The longest time of a program, in ms: a thousand times the usual one. */
const LONGEST = 20_000;
/** Time between two lines of progress, in ms. */
const ROUND = 10_000;

function randomArena(dice: Dice): { readonly arena: ChunkArena; readonly size: number; readonly name: string } {
  const slots = 1 + dice.below(8);
  const size = dice.oneIn(4) ? 8192 : 2 ** (4 + dice.below(5));
  const kind = dice.pick(['fixed', 'fixed', 'buddy', 'shared', 'isolated'] as const);
  const name = `${kind}, ${slots} of ${size} bytes`;
  const fixed = FixedArena.withSlotCapacity(slots, size);
  if (kind === 'fixed') return { arena: fixed.buildAsync(), size, name };
  if (kind === 'isolated') return { arena: fixed.isolated().buildAsync(), size, name };
  if (kind === 'shared') return { arena: fixed.shared({ maxThreads: 1 }).buildAsync(), size, name };
  return { arena: BuddyArena.builder(BuddyGeometry.nearest(slots * size, 16)).buildAsync(), size, name };
}

/** Waits until everything is back: a file or a socket may still be closing. */
async function allBack(arena: ChunkArena): Promise<boolean> {
  for (let turn = 0; turn < 500 && arena.metrics().bytesLive > 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, turn > 50 ? 2 : 0));
  }
  return arena.metrics().bytesLive === 0;
}

/** Several tasks at once. */
function tasksOf(arena: ChunkArena, dice: Dice): Task[] {
  return Array.from({ length: 1 + dice.below(6) }, () => randomTask(arena, new Dice().reseed(dice.next())));
}

/** @returns the number of tasks @throws Error that says which tasks failed or hang */
async function runProgram(seed: number): Promise<number> {
  const dice = new Dice().reseed(seed);
  const { arena, size, name } = randomArena(dice);
  const outboxes: Task = { name: 'outboxes', run: async () => void (await runOutboxes(arena, size, dice)) };
  const tasks = dice.oneIn(2) ? [outboxes] : tasksOf(arena, dice);
  const open = new Set<Task>(tasks);
  const runs = tasks.map(async (task) => {
    try {
      await task.run();
    } catch (cause) {
      throw new Error(`${name}: ${task.name}`, { cause });
    } finally {
      open.delete(task);
    }
  });
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const names = [...open].map((task) => task.name).join('\n  ');
      reject(new Error(`${name}: hangs, with ${JSON.stringify(arena.metrics())}\n  ${names}`));
    }, LONGEST);
  });
  try {
    await Promise.race([Promise.all(runs), tooLong]);
    await Promise.allSettled(runs);
  } finally {
    clearTimeout(timer);
  }
  if (!(await allBack(arena))) {
    const names = tasks.map((task) => task.name).join('\n  ');
    throw new Error(`${name}: ${arena.metrics().bytesLive} bytes are lost by\n  ${names}`);
  }
  return tasks.length;
}

let programs = 0;
let tasks = 0;
let found = 0;

async function check(program: number): Promise<void> {
  try {
    tasks += await runProgram(program);
  } catch (error) {
    found++;
    console.log(`\n--program ${program}:`, error);
  }
  programs++;
}

process.on('uncaughtException', (error) => {
  found++;
  console.log('\nuncaught:', error);
});

const seed = Number(options.seed);
const seeds = new Dice().reseed(seed);
const end = performance.now() + Number(options.minutes) * 60_000;
let nextLine = performance.now() + ROUND;
const line = (): string => `seed ${seed}: ${programs} programs, ${tasks} tasks, findings ${found}`;

if (options.program !== undefined) await check(Number(options.program));
else {
  while (performance.now() < end && found < 5) {
    await check(seeds.next());
    if (performance.now() < nextLine) continue;
    console.log(line());
    nextLine += ROUND;
  }
}
console.log(`done: ${line()}`);
process.exit(found === 0 ? 0 : 1);
