import { build } from 'hdr-histogram-js';

/** Latencies in ms. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** @param times in ms */
export function percentilesOf(times: readonly number[]): Percentiles {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

export class Latencies {
  private readonly histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });

  /** @param since from `performance.now()` */
  record(since: number): void {
    this.histogram.recordValue(Math.max(1, Math.round((performance.now() - since) * 1000)));
  }

  percentiles(): Percentiles {
    const at = (percentile: number): number => this.histogram.getValueAtPercentile(percentile) / 1000;
    return { p50: at(50), p99: at(99), p999: at(99.9) };
  }
}
