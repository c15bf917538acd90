import type { Figures } from './measure.js';

export type Metric = keyof Figures;

/** What one case came to in one runtime, a value a round. */
export interface CaseResult {
  readonly id: string;
  /** `node-24` and so on; the harness's name for those in other languages. */
  readonly runtime: string;
  readonly rounds: readonly Figures[];
}

/** One run of the benchmark, as it is written to a file. */
export interface Results {
  readonly schema: 1;
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
  };
  /** By name: what they say of their version. */
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

/** A metric of a case, over the rounds. Undefined where it was not measured. */
export function figureOf(result: CaseResult | undefined, metric: Metric): Summary | undefined {
  const values = result?.rounds.map((round) => round[metric]).filter((value) => value !== undefined);
  return values === undefined || values.length === 0 ? undefined : summarize(values);
}

/** The median of the rounds' ratios: both sides of each were measured within the same minutes. */
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
