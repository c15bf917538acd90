import type { Percentiles } from './latencies.js';
import type { Program } from './programs.js';
import type { Usage } from './usage.js';

/** What one run measured. */
export interface Figures {
  readonly seconds: number;
  /** Messages, requests or records. */
  readonly units: number;
  /** Results that were wrong or missing. */
  readonly lost?: number | undefined;
  /** What the program computed; the same for all twins. */
  readonly result?: number;
  readonly latencies?: Percentiles;
  /** Missing where another program did the work. */
  readonly usage?: Usage | undefined;
}

export type Rounds = Map<string, Figures[]>;

type Column = [title: string, digits: number, of: (figures: Figures) => number];

const COLUMNS: readonly Column[] = [
  ['units/s', 0, ({ units, seconds }) => units / seconds],
  ['CPU ms', 0, ({ usage }) => usage?.cpu ?? Number.NaN],
  ['collector ms', 0, ({ usage }) => usage?.collector ?? Number.NaN],
  ['collections', 0, ({ usage }) => usage?.collections ?? Number.NaN],
  ['peak RSS MB', 1, ({ usage }) => (usage?.peakRss ?? Number.NaN) / 1e6],
  ['external MB', 1, ({ usage }) => (usage?.peakExternal ?? Number.NaN) / 1e6],
  ['p50 ms', 2, ({ latencies }) => latencies?.p50 ?? Number.NaN],
  ['p99 ms', 2, ({ latencies }) => latencies?.p99 ?? Number.NaN],
  ['p99.9 ms', 2, ({ latencies }) => latencies?.p999 ?? Number.NaN],
];

/** Medians of each twin, and below them the medians of the ratios of the first twin to each other one, by round. */
export function table({ name, twins }: Program, rounds: Rounds): string {
  const columns = COLUMNS.filter(([, , of]) => !Number.isNaN(of(rounds.get(twins[0]?.name ?? '')?.[0] as Figures)));
  const lines = [
    `\n${name}`,
    row(
      '',
      columns.map(([title]) => title),
    ),
  ];
  for (const [twin, figures] of rounds) {
    lines.push(
      row(
        twin,
        columns.map(([, digits, of]) => median(figures.map(of)).toFixed(digits)),
      ),
    );
  }
  const [[first, ours] = ['', []], ...others] = rounds;
  for (const [twin, theirs] of others) {
    const ratios = columns.map(([, , of]) =>
      median(ours.map((figures, round) => of(figures) / of(theirs[round] as Figures))).toFixed(2),
    );
    lines.push(row(`${first} / ${twin}`, ratios));
  }
  return lines.join('\n');
}

function row(title: string, cells: readonly string[]): string {
  return title.padEnd(22) + cells.map((cell) => cell.padStart(14)).join('');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
