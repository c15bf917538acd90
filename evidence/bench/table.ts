import { type CaseResult, figureOf, type Results, rowOf, type Summary, subjectOf } from './results.js';

/** Formats nanoseconds: small ones without a unit, larger ones in us or ms. */
export function formatNs(ns: number): string {
  if (ns < 10_000) return ns < 100 ? ns.toFixed(1) : ns.toFixed(0);
  return ns < 10_000_000 ? `${(ns / 1000).toFixed(1)} us` : `${(ns / 1e6).toFixed(1)} ms`;
}

/** Prints all rows with all their subjects. */
export function printTable(results: Results, figure: (result: CaseResult) => Summary | undefined): void {
  const { machine, runtimes, rounds, ms } = results;
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}`);
  for (const [name, version] of Object.entries(runtimes)) console.log(`${name}: ${version}`);
  console.log(`${rounds} interleaved rounds of ${ms} ms, medians in ns; a process per case and round\n`);
  const line = (cells: readonly string[]): void =>
    console.log(
      cells.map((cell, index) => (index < 2 ? cell.padEnd(index === 0 ? 26 : 20) : cell.padStart(10))).join(' '),
    );
  line(['row', 'subject', 'runtime', 'median', 'min', 'max', 'GC, ns']);
  let row = '';
  for (const result of results.cases) {
    const summary = figure(result);
    if (summary === undefined) continue;
    const isNew = rowOf(result.id) !== row;
    row = rowOf(result.id);
    const gc = figureOf(result, 'gcNs');
    line([
      isNew ? row : '',
      subjectOf(result.id),
      result.runtime,
      ...[summary.median, summary.min, summary.max].map(formatNs),
      gc === undefined ? '' : gc.median.toFixed(2),
    ]);
  }
}
