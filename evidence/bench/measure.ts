import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** What was measured. Less is better in all of them. */
export interface Figures {
  /** Mean time of one operation in ns, collections included. */
  readonly ns: number;
  /** Time the collector stopped the program, in ns by operation; and collections, by million operations. */
  readonly gcNs?: number;
  readonly gcs?: number;
  /** Resident memory at the end, and memory outside of the collector's heap, in bytes. */
  readonly rss?: number;
  readonly external?: number;
  /** Of one operation by itself, in ns. */
  readonly p50?: number;
  readonly p99?: number;
  readonly p999?: number;
  readonly max?: number;
}

/** Counts collections while it runs. */
class Collections {
  private count = 0;
  private pauseMs = 0;
  private readonly observer: PerformanceObserver | undefined;

  constructor() {
    // Bun has none of them.
    const { supportedEntryTypes } = PerformanceObserver as unknown as {
      readonly supportedEntryTypes: readonly string[];
    };
    if (!supportedEntryTypes.includes('gc')) return;
    this.observer = new PerformanceObserver((list) => this.take(list.getEntries()));
    this.observer.observe({ entryTypes: ['gc'] });
  }

  /** Forgets what came so far. */
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

  /** The observer is told later. */
  private async settle(): Promise<void> {
    await sleep(20);
  }
}

/** Calls `work` and adds what it did to the collector. It answers how many operations it was, and what it measured. */
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
/** Milliseconds between two looks at the clock. */
const BETWEEN_LOOKS = 0.1;

let seen: unknown;

// A loop of its own instead of a benchmarking library's: the harnesses in Rust and Java run the same one, and what trims the
// worst samples, as mitata does, would hide the collections that plain Buffers are paid for with.
function repeat(turn: () => unknown, ms: number, atOnce: number): { readonly calls: number; readonly ms: number } {
  const start = performance.now();
  for (let calls = atOnce; ; calls += atOnce) {
    for (let call = 0; call < atOnce; call++) seen = turn();
    const passed = performance.now() - start;
    if (passed >= ms) return { calls, ms: passed };
  }
}

/** Measures calls of `turn`, each of which counts for `count` operations. */
export async function measureOperation(turn: () => unknown, count: number, ms: number): Promise<Figures> {
  let atOnce = 1;
  // In parts, so that what is measured is the loop as it is compiled in the end and not a replacement on its stack.
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

/** What the last call answered: read by nobody, and written so that a compiler cannot leave the work out. */
export function lastSeen(): unknown {
  return seen;
}
