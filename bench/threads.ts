import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { handOvers, roundTrips, type ThreadCase } from './thread-cases.js';

// Threads that share an arena: side by side, and handing messages over. A process per case and round, interleaved.

const run = promisify(execFile);
const measureThreads = fileURLToPath(new URL('./measure-threads.js', import.meta.url));

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    ms: { type: 'string', default: '150' },
    node: { type: 'string', default: process.execPath },
  },
});

const cases: readonly ThreadCase[] = [...roundTrips, ...handOvers];
const rates = new Map<string, number[]>(cases.map(({ name }) => [name, []]));
for (let round = 0; round < Number(options.rounds); round++) {
  for (const one of cases) {
    const { stdout } = await run(options.node, [measureThreads, JSON.stringify(one), options.ms]);
    rates.get(one.name)?.push(Number(stdout));
  }
}

interface Rate {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

function rateOf(name: string): Rate {
  const sorted = [...(rates.get(name) ?? [])].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: at(sorted.length >> 1), min: at(0), max: at(sorted.length - 1) };
}

function row(name: string, cells: readonly string[]): void {
  console.log(`| ${[name.padEnd(42), ...cells.map((cell) => cell.padStart(9))].join(' | ')} |`);
}

function head(name: string, cells: readonly string[]): void {
  row(name, cells);
  console.log(`|${'-'.repeat(44)}|${`${'-'.repeat(10)}:|`.repeat(cells.length)}`);
}

const figures = ({ median, min, max }: Rate): string[] => [median, min, max].map((rate) => rate.toFixed(4));

const { stdout: version } = await run(options.node, ['-p', 'process.version + ", V8 " + process.versions.v8']);
console.log(`Node ${version.trim()}, ${cpus()[0]?.model}, ${cpus().length} cores`);
console.log(`${options.rounds} interleaved rounds of ${options.ms} ms, medians; a process per case and round\n`);

head('round trips, M/s in total', ['1 thread', 'min', 'max', '2 threads', 'min', 'max', 'ratio']);
for (const arena of ['fixed', 'buddy']) {
  const [alone, both] = [rateOf(`${arena}-1`), rateOf(`${arena}-2`)];
  row(arena, [...figures(alone), ...figures(both), (both.median / alone.median).toFixed(2)]);
}

const ways = {
  channel: 'BytesChannel',
  copy: 'postMessage, copied',
  fresh: 'postMessage, fresh memory transferred',
  returned: 'postMessage, transferred there and back',
};
console.log();
head('messages, M/s', ['median', 'min', 'max', 'a batch', 'channel x']);
for (const { name, way, size, batch } of handOvers) {
  const rate = rateOf(name);
  const channel = rateOf(name.replace(way, 'channel'));
  const times = way === 'channel' ? '' : (channel.median / rate.median).toFixed(2);
  row(`${size / 1024} KiB, ${ways[way]}`, [...figures(rate), `${batch}`, times]);
}
