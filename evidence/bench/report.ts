import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ROOT } from './peers.js';
import { type ChartPlan, draw, FOLDER, type Series, seriesOf, subjectsOf } from './report-charts.js';
import {
  type CaseResult,
  figureOf,
  type Metric,
  type Results,
  ratioOf,
  rowOf,
  type Summary,
  subjectOf,
} from './results.js';
import { formatNs } from './table.js';
import { type Target, targets } from './targets.js';
import { SIZES } from './work.js';

// Writes docs/benchmarks.md and its charts from the results of `npm run bench:full`.

const { values: options } = parseArgs({
  options: { from: { type: 'string', default: `${ROOT}evidence/bench/results.json` } },
});
if (!existsSync(options.from)) throw new Error(`${options.from} does not exist: run npm run bench:full to write it`);
const results = JSON.parse(readFileSync(options.from, 'utf8')) as Results;
const [FIRST = ''] = Object.keys(results.runtimes);

/** Whether `runtime` names a harness in another language: its name stands where other results name a runtime. */
const isOther = (runtime: string): boolean => !/^(node-|bun)/.test(runtime);
const isFirst = (runtime: string): boolean => runtime === FIRST || isOther(runtime);

function find(id: string, runtime: string): CaseResult | undefined {
  return results.cases.find((one) => one.id === id && (one.runtime === runtime || isOther(one.runtime)));
}

/** The source file of each row's cases, by the start of the row's name. */
const SOURCES: readonly [prefix: string, file: string][] = [
  ['round-trip/', 'payload-rows.ts'],
  ['viewed/', 'payload-rows.ts'],
  ['lifo-', 'payload-rows.ts'],
  ['fifo-', 'payload-rows.ts'],
  ['random-sizes', 'payload-rows.ts'],
  ['churn', 'payload-rows.ts'],
  ['clone', 'sharing-rows.ts'],
  ['slice', 'sharing-rows.ts'],
  ['fan-out/', 'sharing-rows.ts'],
  ['spill/', 'spill-rows.ts'],
  ['encode/', 'encoder-rows.ts'],
  ['contention/', 'contention-rows.ts'],
  ['hand-over/', 'hand-over-rows.ts'],
  ['slots/', 'growth-rows.ts'],
  ['refused/', 'growth-rows.ts'],
  ['fragmented/', 'growth-rows.ts'],
  ['latency/', 'latency-rows.ts'],
  ['net/', 'net-rows.ts'],
  ['read-', 'io-rows.ts'],
  ['release-to-waiter', 'io-rows.ts'],
  ['cost/', 'cost-rows.ts'],
];

function linked(id: string, label: string = id): string {
  const file = SOURCES.find(([prefix]) => id.startsWith(prefix))?.[1];
  if (file === undefined) throw new Error(`no source file is known for ${id}: add its prefix to SOURCES`);
  return `[${label}](../evidence/bench/rows/${file})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], right: number): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index >= right ? '---:' : '---'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

const spread = ({ median, min, max }: Summary, format: (value: number) => string): string =>
  `${format(median)} (${format(min)} to ${format(max)})`;
const ratio = (value: number): string => (value < 0.1 ? value.toFixed(3) : value.toFixed(2));

interface Verdict {
  readonly target: Target;
  readonly reached: Summary | undefined;
  readonly ours: Summary | undefined;
  readonly theirs: Summary | undefined;
}

function judge(target: Target): Verdict {
  const { oursMetric = 'ns', theirsMetric = 'ns' } = target;
  const ours = find(target.ours, target.runtime);
  const theirs = find(target.theirs, target.runtime);
  return {
    target,
    reached: ratioOf(ours, oursMetric, theirs, theirsMetric),
    ours: figureOf(ours, oursMetric),
    theirs: figureOf(theirs, theirsMetric),
  };
}

function verdictRow({ target, reached, ours, theirs }: Verdict): string[] {
  const peer = subjectOf(target.theirs);
  const figure = (summary: Summary | undefined): string => (summary === undefined ? '' : formatNs(summary.median));
  return [
    target.what,
    `${linked(target.ours)} / ${peer}`,
    figure(ours),
    figure(theirs),
    `${target.atMost}`,
    reached === undefined ? 'not measured' : spread(reached, ratio),
    reached === undefined ? '' : reached.median <= target.atMost ? 'yes' : '**no**',
  ];
}

function comparison(rows: readonly string[], metrics: readonly [metric: Metric, name: string][]): string {
  const lines: string[][] = [];
  for (const row of rows) {
    const measured = results.cases.filter(({ id, runtime }) => rowOf(id) === row && isFirst(runtime));
    for (const [index, result] of measured.entries()) {
      const ns = figureOf(result, 'ns');
      if (ns === undefined) continue;
      lines.push([
        index === 0 ? linked(`${row}/`, row) : '',
        subjectOf(result.id),
        spread(ns, formatNs),
        ...metrics.map(([metric]) => {
          const figure = figureOf(result, metric);
          if (figure === undefined) return '';
          return metric === 'rss' || metric === 'external'
            ? (figure.median / 1e6).toFixed(0)
            : metric.startsWith('p') || metric === 'max'
              ? formatNs(figure.median)
              : figure.median.toFixed(1);
        }),
      ]);
    }
  }
  return table(['row', 'subject', 'ns', ...metrics.map(([, name]) => name)], lines, 2);
}

const COLLECTOR: readonly [Metric, string][] = [
  ['gcNs', 'collector, ns'],
  ['gcs', 'collections per million'],
  ['rss', 'RSS, MB'],
  ['external', 'external, MB'],
];

/** The rows whose names start with one of the prefixes, in the order in which they were measured. */
function rowsOf(...prefixes: readonly string[]): string[] {
  const rows = new Set(results.cases.map(({ id }) => rowOf(id)));
  return [...rows].filter((row) => prefixes.some((prefix) => row === prefix || row.startsWith(prefix)));
}

function sizeName(size: number): string {
  if (size >= 1024 * 1024) return `${size / 1024 / 1024} MiB`;
  return size >= 1024 ? `${size / 1024} KiB` : `${size} B`;
}

/** A row's name with each part on its own line. */
const stacked = (row: string): string => row.replaceAll('/', '\n');

const defined = (series: readonly (Series | undefined)[]): Series[] =>
  series.filter((one): one is Series => one !== undefined);

function overRows(
  name: string,
  title: string,
  kind: 'line' | 'bar',
  rows: readonly string[],
  categories: readonly string[],
  metric: Metric = 'ns',
): ChartPlan {
  const series = subjectsOf(results, rows).map((subject) =>
    seriesOf(
      results,
      subject,
      rows.map((row) => `${row}/${subject}`),
      isFirst,
      metric,
    ),
  );
  return { name, title, kind, categories, unit: 'ns', series: defined(series) };
}

const trips = SIZES.map((size) => `round-trip/${size}`);
const runtimes = Object.keys(results.runtimes).filter((name) => !isOther(name));
const charts: readonly ChartPlan[] = [
  overRows('round-trip', 'One round trip: allocate, fill, freeze, release', 'line', trips, SIZES.map(sizeName)),
  {
    name: 'runtimes',
    title: 'A fixed round trip, and Buffer.allocUnsafe with fill, by runtime',
    kind: 'line',
    categories: SIZES.map(sizeName),
    unit: 'ns',
    series: defined(
      runtimes.flatMap((runtime) =>
        ['fixed', 'buffer-unsafe'].map((subject) =>
          seriesOf(
            results,
            `${runtime}, ${subject}`,
            trips.map((row) => `${row}/${subject}`),
            (name) => name === runtime,
          ),
        ),
      ),
    ),
  },
  ...(() => {
    const rows = rowsOf('lifo-', 'fifo-', 'random-sizes', 'churn');
    return [overRows('patterns', 'Other allocation orders', 'bar', rows, rows.map(stacked))];
  })(),
  ...(() => {
    const rows = rowsOf('fan-out/');
    const names = rows.map((row) => `${row.split('/')[1]} consumers`);
    return [
      overRows('fan-out', '16 KiB to many consumers, each 16 messages behind: time per message', 'bar', rows, names),
      overRows('fan-out-gc', 'The same fan-out: collector pauses per message', 'bar', rows, names, 'gcNs'),
    ];
  })(),
  ...(() => {
    const rows = rowsOf('contention/');
    return [
      overRows(
        'contention',
        'Threads on one arena: time per round trip, all threads together',
        'bar',
        rows,
        rows.map((row) => {
          const [, kind, threads, held] = row.split('/');
          return `${kind}\n${threads === '1' ? '1 thread' : `${threads} threads`}\n${held} % held`;
        }),
      ),
    ];
  })(),
  ...(() => {
    const rows = rowsOf('hand-over/');
    const names = rows.map((row) => row.split('/')[1]?.replace('-', '\n') ?? '');
    return [overRows('hand-over', 'A message from one worker to another, by size in bytes', 'bar', rows, names)];
  })(),
  ...(() => {
    const rows = rowsOf('slots/', 'fragmented/');
    return [
      overRows(
        'growth',
        'Claim and release: slots, count, % taken; fragmented, % taken',
        'bar',
        rows,
        rows.map(stacked),
      ),
    ];
  })(),
];

const chart = (name: string, alt: string): string => `![${alt}](${FOLDER}/${name}.svg)`;

const verdicts = targets.map(judge);
const missed = verdicts.filter(({ target, reached }) => reached !== undefined && reached.median > target.atMost);
const { machine, rounds, ms, date } = results;

const page = `# Benchmarks

\`npm run bench:report\` writes this page from [results.json](../evidence/bench/results.json), the results of
\`npm run bench:full\`. Measured on ${date}:
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}.

| | |
| --- | --- |
${Object.entries(results.runtimes)
  .map(([name, version]) => `| ${name} | ${version} |`)
  .join('\n')}

- Each case runs in its own process. So no case sees code that another case warmed up or made slower. The processes run
  one after the other, row by row, for ${rounds} rounds (A B C A B C ...). So other load on the machine affects
  all cases alike.
- A case checks its result before the clock starts. Then it warms up, and is measured for ${ms} ms or more. At the end
  it checks that all memory was returned.
- The figures are means over such a measurement, garbage collections included. The tables show the median of the rounds,
  and the minimum and the maximum in brackets. A ratio is the median of the ratios of the rounds.
- The crate and Netty run the [same loop](../evidence/bench/measure.ts) in
  [Rust](../evidence/bench/peers/rust/src/measure.rs) and
  [Java](../evidence/bench/peers/netty/src/main/java/bench/netty/Timing.java). Netty's chunks and this library's arenas
  are both direct memory.
- A *round trip* is allocate, fill, freeze, release. Only this library and the crate do all of this: they count the
  holders of a payload, notice a handle that is used after its release, and know at all times what is in use.
  typedarray-pool, buffer-reuse-pool and @thi.ng/malloc hand out bare memory.
- The figures of JavaScript subjects are from ${FIRST} unless a table or row names another runtime.
- [Performance](performance.md) says what was tried to get there, and why some rows are behind.

## Targets

A target is an upper bound for the ratio of our time (or other figure) to theirs.
${verdicts.length - missed.length} of ${verdicts.length} targets are reached.

${table(['', 'case', 'ours, ns', 'theirs, ns', 'at most', 'ratio', 'reached'], verdicts.map(verdictRow), 2)}

## Round trips

${chart('round-trip', 'Round trips by size')}

${chart('runtimes', 'Round trips by runtime')}

${comparison(trips, COLLECTOR)}

The same, with a Uint8Array over the bytes taken before the release:

${comparison(rowsOf('viewed/'), COLLECTOR)}

## Other allocation orders

\`lifo-64\` allocates 64 payloads and releases them in reverse order. \`fifo-N\` keeps N payloads alive and replaces the
oldest. \`churn\` keeps 2048 payloads of mixed sizes alive, replaces one of them at a time and writes nothing.

${chart('patterns', 'Other allocation orders')}

${comparison(rowsOf('lifo-', 'fifo-', 'random-sizes', 'churn'), COLLECTOR)}

## Sharing

${chart('fan-out', 'Fan-out')}

${chart('fan-out-gc', 'Collector time of a fan-out')}

\`fixed\` gives each consumer its own clone. \`fixed-one-handle\` gives all consumers the same handle, and the program
counts the consumers that are done. \`buffer-unsafe\` gives all consumers the same Buffer. \`buffer-subarray\` gives
each consumer its own view.

${comparison(rowsOf('clone', 'slice', 'fan-out/'), COLLECTOR)}

## Spilling and encoding

${comparison(rowsOf('spill/', 'encode/'), COLLECTOR)}

## Threads

${chart('contention', 'Contention')}

${comparison(rowsOf('contention/'), [])}

${chart('hand-over', 'Hand-over')}

The sender writes each message. In the rows called \`unwritten\` it writes each buffer only once.

- \`channel\`: a \`BytesChannel\` of this library.
- \`copy\`: postMessage copies the message.
- \`fresh\`: postMessage transfers the message's memory.
- \`returned\`: the memory is transferred to the receiver and back.
- \`number\`: postMessage sends the message's position in shared memory.
- \`ring\`: ringbuf.js, which spins while it waits.

${comparison(rowsOf('hand-over/'), [])}

## Growth

${chart('growth', 'Growth')}

${comparison(rowsOf('slots/', 'refused/', 'fragmented/'), [])}

## Latency of one allocation

One allocation under sustained load. The times include the 20 to 30 ns that reading the clock takes.

${comparison(rowsOf('latency/'), [
  ['p50', 'median'],
  ['p99', '99 %'],
  ['p999', '99.9 %'],
  ['max', 'max'],
])}

## Files, sockets and waiting

The \`read-\` rows show the time per chunk of 64 KiB. \`release-to-waiter\` shows the time from a release until
the caller that waited for the memory runs.

${comparison(rowsOf('read-', 'release-to-waiter'), COLLECTOR)}

## Safety nets

${comparison(rowsOf('net/'), COLLECTOR)}

## Cost of the parts

${comparison(rowsOf('cost/'), [])}

## Runtimes

${runtimeTable()}
`;

/** The cases that run in every runtime, with one column per runtime. */
function runtimeTable(): string {
  const rows: string[][] = [];
  const subjects = ['fixed', 'buddy', 'buffer-unsafe'];
  for (const row of [...trips, ...rowsOf('churn', 'clone', 'slice', 'fan-out/', 'spill/')]) {
    for (const subject of subjects) {
      const figures = runtimes.map((runtime) =>
        figureOf(
          results.cases.find((one) => one.id === `${row}/${subject}` && one.runtime === runtime),
          'ns',
        ),
      );
      if (figures.every((figure) => figure === undefined)) continue;
      rows.push([
        linked(`${row}/${subject}`),
        ...figures.map((figure) => (figure === undefined ? '' : formatNs(figure.median))),
      ]);
    }
  }
  return table(['case, ns', ...runtimes], rows, 1);
}

await draw(charts);
writeFileSync(`${ROOT}docs/benchmarks.md`, page);
for (const verdict of verdicts) console.log(verdictRow(verdict).join('  '));
