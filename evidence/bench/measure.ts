import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** The figures of one measurement. For all of them, less is better. */
export interface Figures {
  /** Mean time of one operation in ns, including garbage collections. */
  readonly ns: number;
  /** Time for which collections stopped the program, in ns per operation; and collections per million operations. */
  readonly gcNs?: number;
  readonly gcs?: number;
  /** Resident memory at the end, and memory outside the collector's heap, both in bytes. */
  readonly rss?: number;
  readonly external?: number;
  /** Percentiles and maximum of the times of single operations, in ns. */
  readonly p50?: number;
  readonly p99?: number;
  readonly p999?: number;
  readonly max?: number;
}

/** Counts garbage collections and adds up their pauses. */
class Collections {
  private count = 0;
  private pauseMs = 0;
  private readonly observer: PerformanceObserver | undefined;

  constructor() {
    // Bun reports no garbage collections.
    const { supportedEntryTypes } = PerformanceObserver as unknown as {
      readonly supportedEntryTypes: readonly string[];
    };
    if (!supportedEntryTypes.includes('gc')) return;
    this.observer = new PerformanceObserver((list) => this.take(list.getEntries()));
    this.observer.observe({ entryTypes: ['gc'] });
  }

  /** Forgets the collections so far. */
  async reset(): Promise<void> {
    await this.settle();
    this.count = 0;
    this.pauseMs = 0;
  }

  async figures(operations: number): Promise<Pick<Figures, 'gcNs' | 'gcs'>> {
    if (this.observer === undefined) return {};
    await this.settle();
    return { gcNs: (this.pauseMs * 1e6) / operations, gcs: (this.count * 1e6) / operations };
  }

  private take(entries: readonly PerformanceEntry[]): void {
    for (const { duration } of entries) {
      this.count++;
      this.pauseMs += duration;
    }
  }

  /** Waits for pending entries: the observer hears of collections with a delay. */
  private async settle(): Promise<void> {
    await sleep(20);
  }
}

/**
 * Calls `work`, and adds figures about garbage collection and memory to those it returns. `work` returns the number of
 * operations and its own figures.
 */
export async function withCollections(
  work: () => [operations: number, figures: Figures] | Promise<[operations: number, figures: Figures]>,
): Promise<Figures> {
  const collections = new Collections();
  await collections.reset();
  const [operations, figures] = await work();
  const { rss, external, arrayBuffers } = process.memoryUsage();
  return { ...figures, ...(await collections.figures(operations)), rss, external: external + arrayBuffers };
}

const WARM_UP_MS = 150;
const WARM_UP_PARTS = 5;
const MOST_AT_ONCE = 1024;
/** Milliseconds between two readings of the clock. */
const BETWEEN_LOOKS = 0.1;

let seen: unknown;

// A custom loop instead of a benchmarking library, for two reasons. The harnesses in Rust and Java run the same loop.
// And a library that trims the worst samples, as mitata does, would hide garbage collections, which are the price of
// plain Buffers.
function repeat(turn: () => unknown, ms: number, atOnce: number): { readonly calls: number; readonly ms: number } {
  const start = performance.now();
  for (let calls = atOnce; ; calls += atOnce) {
    for (let call = 0; call < atOnce; call++) seen = turn();
    const passed = performance.now() - start;
    if (passed >= ms) return { calls, ms: passed };
  }
}

/** Measures calls of `turn`. Each call counts for `count` operations. */
export async function measureOperation(turn: () => unknown, count: number, ms: number): Promise<Figures> {
  let atOnce = 1;
  // Warm up in parts: the measurement then runs the loop's final compiled code, not code that replaced a running loop
  // (on-stack replacement).
  for (let part = 0; part < WARM_UP_PARTS; part++) {
    const warm = repeat(turn, WARM_UP_MS / WARM_UP_PARTS, atOnce);
    atOnce = Math.min(MOST_AT_ONCE, Math.max(1, Math.floor((warm.calls / warm.ms) * BETWEEN_LOOKS)));
  }
  return withCollections(() => {
    const timed = repeat(turn, ms, atOnce);
    const operations = timed.calls * count;
    return [operations, { ns: (timed.ms * 1e6) / operations }];
  });
}

/** The result of the last call. Nothing reads it; it is stored so that a compiler cannot remove the work. */
export function lastSeen(): unknown {
  return seen;
}
