import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Program, programs, type Twin } from './programs.js';
import { type Figures, type Rounds, table } from './table.js';

// Runs whole programs beside the same programs with plain Buffers. Each run is a process of its own, with the load in
// another one. The rounds are interleaved, and the figures are medians.
//
//     npm run bench:programs -- --only relay --rounds 5 --node /path/to/node

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    node: { type: 'string', default: process.execPath },
    out: { type: 'string' },
  },
});

const children = new Set<ChildProcess>();

function start(script: string, args: readonly (string | number)[]): ChildProcess {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), args.map(String), { execPath: values.node });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** The next message of `child`. @throws Error when it ends without one */
async function answer<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(
    ([code]) => {
      throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`);
    },
    () => new Promise<never>(() => undefined),
  );
  try {
    const [message] = (await Promise.race([once(child, 'message'), exit])) as [T];
    return message;
  } finally {
    ended.abort();
  }
}

/** A program that works by itself, or a server and its load. */
async function runTwin({ script, args, load, publisher }: Twin): Promise<Figures> {
  if (load === undefined) return answer<Figures>(start(script, args));
  if (publisher) return runRelay(script, load);
  const server = start(script, args);
  const { port } = await answer<{ readonly port: number }>(server);
  const client = start(load.script, [port, ...load.args]);
  return withUsage(await answer<Figures>(client), server);
}

/** The load of a relay listens first: it is the publisher. Then it connects as the subscribers. */
async function runRelay(script: string, load: NonNullable<Twin['load']>): Promise<Figures> {
  const client = start(load.script, load.args);
  const relay = start(script, [await answer<number>(client)]);
  client.send((await answer<{ readonly port: number }>(relay)).port);
  const { seconds, lost } = await answer<Figures>(client);
  return withUsage({ seconds, lost, units: Number(load.args[2]) }, relay);
}

async function withUsage(figures: Omit<Figures, 'usage'>, server: ChildProcess): Promise<Figures> {
  server.send('report');
  const { usage } = await answer<Pick<Figures, 'usage'>>(server);
  return { ...figures, usage };
}

async function compare(program: Program): Promise<Rounds> {
  const rounds: Rounds = new Map(program.twins.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const twin of program.twins) {
      const figures = await runTwin(twin);
      for (const child of children) child.kill('SIGKILL');
      if (figures.lost) throw new Error(`${program.name}, ${twin.name}: ${figures.lost} wrong results`);
      rounds.get(twin.name)?.push(figures);
    }
  }
  const results = new Set([...rounds.values()].flat().map(({ result }) => result));
  if (results.size > 1) throw new Error(`${program.name}: the twins computed ${[...results].join(' and ')}`);
  return rounds;
}

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

const all: Record<string, Record<string, readonly Figures[]>> = {};
for (const program of programs) {
  if (!program.name.includes(values.only)) continue;
  const rounds = await compare(program);
  console.log(table(program, rounds));
  all[program.name] = Object.fromEntries(rounds);
}
// Four digits are more than the machine repeats, and keep the file short.
const short = (name: string, value: unknown): unknown =>
  typeof value === 'number' && name !== 'result' && name !== 'units' ? Number(value.toPrecision(4)) : value;
if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(all, short));
process.exit();
