import type { Figures } from './measure.js';

export type Metric = keyof Figures;

/** The figures of one case in one runtime, one entry per round. */
export interface CaseResult {
  readonly id: string;
  /** The runtime's name, for example `node-24`. For a case in another language, the harness's name. */
  readonly runtime: string;
  readonly rounds: readonly Figures[];
}

/** The results of one benchmark run, as they are written to a file. */
export interface Results {
  readonly schema: 1;
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
  };
  /** The version that each runtime or harness reports, by its name. */
  readonly runtimes: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly ms: number;
  readonly cases: readonly CaseResult[];
}

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

/** One metric of a case, summarized over the rounds. Undefined when it was not measured. */
export function figureOf(result: CaseResult | undefined, metric: Metric): Summary | undefined {
  const values = result?.rounds.map((round) => round[metric]).filter((value) => value !== undefined);
  return values === undefined || values.length === 0 ? undefined : summarize(values);
}

/**
 * Summarizes the ratios of the rounds. Each ratio is taken within one round, because both of its sides were measured
 * within the same minutes.
 */
export function ratioOf(
  ours: CaseResult | undefined,
  oursMetric: Metric,
  theirs: CaseResult | undefined,
  theirsMetric: Metric,
): Summary | undefined {
  const ratios: number[] = [];
  for (const [index, round] of (ours?.rounds ?? []).entries()) {
    const one = round[oursMetric];
    const other = theirs?.rounds[index]?.[theirsMetric];
    if (one !== undefined && other !== undefined && other > 0) ratios.push(one / other);
  }
  return ratios.length === 0 ? undefined : summarize(ratios);
}

export function rowOf(id: string): string {
  return id.slice(0, id.lastIndexOf('/'));
}

export function subjectOf(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
