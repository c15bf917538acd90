import { execFile } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type Case, cases } from './cases.js';

const run = promisify(execFile);
const measureCase = fileURLToPath(new URL('./measure-case.js', import.meta.url));

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    ms: { type: 'string', default: '150' },
    only: { type: 'string', default: '' },
    node: { type: 'string', default: process.execPath },
  },
});

interface Result {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

function summarize(times: readonly number[]): Result {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { median: at(sorted.length >> 1), min: at(0), max: at(sorted.length - 1) };
}

/** Every case in a process of its own, so that none sees code that another one has warmed up or spoiled. */
async function time(one: Case): Promise<number> {
  const { stdout } = await run(options.node, [measureCase, one.name, options.ms]);
  return Number(stdout);
}

const wanted = cases.filter(({ name }) => name.includes(options.only));
const withPeers = cases.filter((one) => wanted.includes(one) || wanted.some(({ beside }) => beside === one.name));
const times = new Map<string, number[]>(withPeers.map(({ name }) => [name, []]));
const { stdout: version } = await run(options.node, ['-p', 'process.version + ", V8 " + process.versions.v8']);
const [cpu] = cpus();
console.log(`Node ${version.trim()}, ${process.platform} ${release()} ${process.arch}`);
console.log(`${cpu?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`);
console.log(`${options.rounds} interleaved rounds of ${options.ms} ms, medians; a process per case and round\n`);

for (let round = 0; round < Number(options.rounds); round++) {
  for (const one of withPeers) times.get(one.name)?.push(await time(one));
}

const results = new Map([...times].map(([name, values]) => [name, summarize(values)]));
const row = (cells: readonly string[]): void =>
  console.log(`| ${cells.map((cell, index) => (index === 0 ? cell.padEnd(42) : cell.padStart(11))).join(' | ')} |`);
row(['case', 'ns', 'min', 'max', 'beside, ns', 'ratio']);
console.log(`|${'-'.repeat(44)}|${`${'-'.repeat(12)}:|`.repeat(5)}`);
for (const { name, beside } of wanted) {
  const result = results.get(name);
  if (result === undefined) continue;
  const cells = [name, ...[result.median, result.min, result.max].map((ns) => ns.toFixed(1))];
  const peer = beside === undefined ? undefined : results.get(beside);
  if (peer === undefined || beside === name) row([...cells, '', '']);
  else row([...cells, peer.median.toFixed(1), (result.median / peer.median).toFixed(2)]);
}
