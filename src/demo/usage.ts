import { PerformanceObserver } from 'node:perf_hooks';

/** What one program of the demo tells, twice a second. */
export interface Report {
  readonly messagesPerSecond: number;
  /** ms of each second in which the garbage collector stopped the program. */
  readonly collector: number;
  readonly rss: number;
  readonly external: number;
  /** Address of the inspector, if the program has one. */
  readonly url?: string | undefined;
}

/** ms between two reports. */
const EVERY = 500;

/** Tells the parent process, until that is gone. */
export function report(count: () => number, url?: string): void {
  let [collector, lastCount, lastTime] = [0, count(), performance.now()];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collector += duration;
  }).observe({ entryTypes: ['gc'] });
  setInterval(() => {
    const seconds = (performance.now() - lastTime) / 1000;
    const { rss, external } = process.memoryUsage();
    const made = count() - lastCount;
    const told: Report = { messagesPerSecond: made / seconds, collector: collector / seconds, rss, external, url };
    [collector, lastCount, lastTime] = [0, count(), performance.now()];
    process.send?.(told);
  }, EVERY);
  process.on('disconnect', () => process.exit());
}
