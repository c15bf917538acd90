import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import type { Case } from './case.js';
import { cases } from './cases.js';
import { harnesses } from './harnesses.js';
import type { Figures } from './measure.js';
import { isInstalled, PACKAGES, peerFolder } from './peers.js';
import { type CaseResult, figureOf, type Results } from './results.js';
import { RUNTIMES, type Runtime, runtimeOf } from './runtimes.js';
import { printTable } from './table.js';

// Runs every case once per round, each time in its own process. So no case sees code that another case warmed up or
// made slower.

const run = promisify(execFile);
const measureCase = fileURLToPath(new URL('./measure-case.js', import.meta.url));

const { values: options } = parseArgs({
  options: {
    /** All peers and runtimes, instead of only those already installed. */
    full: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    /** Part of a case id, or several parts separated by commas. */
    only: { type: 'string', default: '' },
    /** Names separated by commas: `current`, `node-24`, `bun`. */
    runtimes: { type: 'string' },
    out: { type: 'string' },
  },
});

const rounds = Number(options.rounds ?? (options.full ? 5 : 3));
const ms = Number(options.ms ?? (options.full ? 100 : 50));
const wanted = options.only.split(',');
const say = (line: string): void => console.error(line);

// The quick table leaves these out: they take long, or interest few readers.
const SLOW = [
  'hand-over/',
  'contention/',
  'read-',
  'net/',
  'cost/',
  'release-to-waiter',
  'fifo-',
  'lifo-',
  'slots/',
  'latency/',
  'inspector/',
  '/1048576/',
];

function isWanted(id: string): boolean {
  if (options.only === '' && !options.full && SLOW.some((part) => id.includes(part))) return false;
  return wanted.some((part) => id.includes(part));
}

/** The npm package that a case needs; undefined when it needs none. */
function packageOf(id: string): (typeof PACKAGES)[number] | undefined {
  if (/^hand-over\/.*\/ring$/.test(id)) return 'ringbuf.js';
  if (id.startsWith('encode/protobuf')) return 'pbf';
  if (id.startsWith('encode/msgpackr')) return 'msgpackr';
  return PACKAGES.find((name) => id.endsWith(`/${name}`));
}

async function installPeers(): Promise<void> {
  for (const name of PACKAGES) {
    if (isInstalled(name)) continue;
    say(`installing ${name} ...`);
    await run('npm', ['ci', '--ignore-scripts', '--omit=optional'], { cwd: peerFolder(name) });
  }
}

function canRun(one: Case, runtime: Runtime, isFirst: boolean): boolean {
  const peer = packageOf(one.id);
  if (peer !== undefined && !isInstalled(peer)) return false;
  if (runtime.name.startsWith('bun') && one.nodeOnly === true) return false;
  // With several runtimes, only the first one runs peers, threads, sockets and hand-overs: they take minutes for each
  // runtime.
  return isFirst || (peer === undefined && one.nodeOnly !== true);
}

/** One case in one runtime, or in a harness. */
interface Job {
  readonly id: string;
  readonly runtime: string;
  readonly measure: () => Promise<Figures>;
  readonly figures: Figures[];
}

if (options.full) await installPeers();
const missing = PACKAGES.filter((name) => !isInstalled(name));
if (missing.length > 0) say(`skipped: ${missing.join(', ')} (not installed; npm run bench:full installs them)`);
const runtimes: Runtime[] = [];
for (const name of (options.runtimes ?? (options.full ? RUNTIMES.join() : 'current')).split(',')) {
  runtimes.push(await runtimeOf(name));
}
const others = await harnesses(options.full, say);

const jobs: Job[] = [];
for (const one of cases.filter(({ id }) => isWanted(id))) {
  for (const [index, runtime] of runtimes.entries()) {
    if (!canRun(one, runtime, index === 0)) continue;
    const measure = async (): Promise<Figures> => {
      const { stdout } = await run(runtime.path, [measureCase, one.id, `${ms}`]);
      return JSON.parse(stdout) as Figures;
    };
    jobs.push({ id: one.id, runtime: runtime.name, measure, figures: [] });
  }
}
for (const harness of others) {
  for (const id of harness.ids.filter(isWanted)) {
    const measure = async (): Promise<Figures> => (await harness.measure(id, ms)) as Figures;
    jobs.push({ id, runtime: harness.name, measure, figures: [] });
  }
}
// In each round, the subjects of one row run one after the other.
const rowAt = new Map<string, number>();
for (const { id } of jobs) {
  const row = id.slice(0, id.lastIndexOf('/'));
  if (!rowAt.has(row)) rowAt.set(row, rowAt.size);
}
jobs.sort((one, other) => rank(one) - rank(other));

function rank({ id }: Job): number {
  return rowAt.get(id.slice(0, id.lastIndexOf('/'))) ?? 0;
}

const [cpu] = cpus();

function resultsAfter(done: number): Results {
  return {
    schema: 1,
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release()} ${process.arch}`,
    },
    runtimes: Object.fromEntries([...runtimes, ...others].map(({ name, version }) => [name, version])),
    rounds: done,
    ms,
    cases: jobs.map(({ id, runtime, figures }): CaseResult => ({ id, runtime, rounds: figures.map(rounded) })),
  };
}

/** The figures with four significant digits: a shared machine is not more precise than that. */
function rounded(figures: Figures): Figures {
  return Object.fromEntries(
    Object.entries(figures).map(([metric, value]) => [metric, Number((value as number).toPrecision(4))]),
  ) as unknown as Figures;
}

for (let round = 0; round < rounds; round++) {
  say(`round ${round + 1} of ${rounds}: ${jobs.length} cases`);
  for (const job of jobs) job.figures.push(await job.measure());
  if (options.out === undefined) continue;
  // Write after each round: if the run is cut short, the rounds so far are still of use.
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, `${JSON.stringify(resultsAfter(round + 1))}\n`);
  say(`wrote ${options.out}`);
}
printTable(resultsAfter(rounds), (result) => figureOf(result, 'ns'));
