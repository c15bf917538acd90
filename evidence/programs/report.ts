import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { draw } from '../bench/report-charts.js';
import type { Figures } from './table.js';

// Draws docs/charts/programs.svg from results.json, and prints the table of docs/performance.md.
// results.json has what `run.js --out` wrote, for each version of Node.

type Results = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, readonly Figures[]>>>>>>;

const path = fileURLToPath(new URL('../../../evidence/programs/results.json', import.meta.url));
const results = JSON.parse(readFileSync(path, 'utf8')) as Results;
const runtimes = Object.keys(results);

/** The bars: a name, the program, and the twin that it is compared with. */
const BARS: readonly (readonly [name: string, program: string, twin: string])[] = [
  ['relay\n1 KiB', 'relay, 1024 B, 0 stalled', 'plain'],
  ['relay 1 KiB\n10 stalled', 'relay, 1024 B, 10 stalled', 'plain'],
  ['relay\n16 KiB', 'relay, 16384 B, 0 stalled', 'plain'],
  ['server-sent\nevents', 'server-sent events, 200 B to 1,000 clients', 'plain'],
  ['broadcast\non ws', 'broadcast on ws, 1024 B', 'plain'],
  ['records', 'records, 256 B over a socket', 'plain'],
  ['uploads\n256 KiB', 'uploads, collect, 262144 B', 'plain'],
  ['uploads\nechoed', 'uploads, echo, 262144 B', 'plain'],
  ['lines', 'lines', 'loop'],
];

const MEASURES: readonly (readonly [title: string, of: (figures: Figures) => number | undefined])[] = [
  ['throughput', ({ units, seconds }) => units / seconds],
  ['CPU', ({ usage }) => usage?.cpu],
  ['collector', ({ usage }) => usage?.collector],
  ['peak RSS', ({ usage }) => usage?.peakRss],
  ['p99', ({ latencies }) => latencies?.p99],
];

/** The median over the rounds of the first twin's figure divided by that of `twin`. */
function ratio(
  runtime: string,
  program: string,
  twin: string,
  of: (figures: Figures) => number | undefined,
): number | undefined {
  const twins = results[runtime]?.[program] ?? {};
  const [ours = []] = Object.values(twins);
  const ratios = ours.map((figures, round) => {
    const other = twins[twin]?.[round];
    return (of(figures) ?? Number.NaN) / ((other && of(other)) ?? Number.NaN);
  });
  const median = ratios.sort((a, b) => a - b)[Math.floor(ratios.length / 2)];
  return median === undefined || Number.isNaN(median) ? undefined : median;
}

function printTable(): void {
  console.log(`| program | beside | ${MEASURES.map(([title]) => title).join(' | ')} |`);
  console.log(`| --- | --- |${MEASURES.map(() => ' ---: |').join('')}`);
  for (const [program, twins] of Object.entries(results[runtimes[0] ?? ''] ?? {})) {
    for (const twin of Object.keys(twins).slice(1)) {
      const cells = MEASURES.map(([, of]) => {
        const values = runtimes.map((runtime) => ratio(runtime, program, twin, of));
        return values.every((value) => value === undefined)
          ? ''
          : values.map((value) => value?.toFixed(2) ?? '-').join(' / ');
      });
      console.log(`| ${program} | ${twin} | ${cells.join(' | ')} |`);
    }
  }
}

await draw([
  {
    name: 'programs',
    title: 'Whole programs beside the same programs with plain Buffers',
    kind: 'bar',
    categories: BARS.map(([name]) => name),
    unit: 'throughput, ratio',
    series: runtimes.map((runtime) => ({
      name: runtime,
      values: BARS.map(([, program, twin]) => ratio(runtime, program, twin, ({ units, seconds }) => units / seconds)),
    })),
  },
]);
printTable();
