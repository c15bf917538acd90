import type { Plan } from '../planner/plan.js';
import type { Outcome } from '../planner/replay.js';
import { formatBytes } from './size.js';

/** Rows of the table. */
const MOST_ROWS = 12;

const COLUMNS: readonly (readonly [title: string, of: (outcome: Outcome) => string])[] = [
  ['memory', ({ memory }) => formatBytes(memory)],
  ['waste', ({ waste }) => `${Math.round(waste * 100)} %`],
  ['spills', ({ spills }) => String(spills)],
  ['failures', ({ failures }) => String(failures)],
  ['ns', ({ nanoseconds }) => nanoseconds.toFixed(0)],
];

/** A plan as text: the trace, a table of arenas, and the code of the best one. */
export function planText({ trace, outcomes, best, fixed }: Plan): string {
  const shown = outcomes.slice(0, MOST_ROWS);
  if (fixed !== undefined && !shown.includes(fixed)) shown.push(fixed);
  const width = Math.max(...shown.map(({ name }) => name.length));
  const row = (name: string, cells: readonly string[]): string =>
    `${name.padEnd(width)}${cells.map((cell) => cell.padStart(12)).join('')}`.trimEnd();
  const titles = COLUMNS.map(([title]) => title);
  return [
    `${trace.sizes.length} allocations, at most ${formatBytes(trace.peakBytes)} live at the same time`,
    '',
    row('arena', titles),
    ...shown.map((outcome) =>
      row(
        outcome.name,
        COLUMNS.map(([, of]) => of(outcome)),
      ),
    ),
    '',
    best.code,
    '',
    comparison(best, fixed),
    '',
  ].join('\n');
}

/** How the best arena compares with the best single fixed arena. */
export function comparison(best: Outcome, fixed: Outcome | undefined): string {
  if (fixed === undefined) return 'No single fixed arena of up to 4 GiB holds this trace.';
  if (best === fixed) return 'Nothing that was tried needs less memory than this single fixed arena.';
  const share = Math.round((best.memory / fixed.memory) * 100);
  return `It needs ${share} % of the memory of the best single fixed arena (${formatBytes(fixed.memory)}).`;
}
