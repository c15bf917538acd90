import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { handOvers, ioCases, type Seen, type Source } from './io-cases.js';

// Run as `node measure-io.js NAME SOURCE` with the source as JSON: prints what the case took, as JSON.

/** What one run of a case took. */
export interface IoResult extends Seen {
  readonly ms: number;
  readonly gcMs: number;
  readonly gcCount: number;
  readonly peakRss: number;
}

const [name = '', sourceText = ''] = process.argv.slice(2);
if (name === 'fixed' || name === 'buddy') {
  await handOvers(2000, name);
  const times = await handOvers(50_000, name);
  console.log(JSON.stringify({ median: times[25_000], p99: times[49_500] }));
} else {
  const found = ioCases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case is named ${name}`);
  const source = JSON.parse(sourceText) as Source;
  // Loading and compiling leave garbage too, as much as a GiB through an arena does; that is not what is compared.
  await found.run(source);
  await sleep(50);
  let [gcMs, gcCount] = [0, 0];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gcMs += duration;
      gcCount++;
    }
  }).observe({ entryTypes: ['gc'] });
  const start = performance.now();
  const seen = await found.run(source);
  const ms = performance.now() - start;
  await sleep(20); // the observer is told later
  const result: IoResult = { ...seen, ms, gcMs, gcCount, peakRss: process.resourceUsage().maxRSS * 1024 };
  console.log(JSON.stringify(result));
}
