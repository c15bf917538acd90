// Code that both relays share: their settings, and the report of the resources they used.
import type { Server } from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';

/** A frame is a length (4 bytes, network order), followed by that many bytes. */
export const PREFIX_BYTES = 4;

export interface RelaySettings {
  readonly publisherPort: number;
  readonly messageBytes: number;
}

export interface RelayReport {
  readonly rssAtStart: number;
  readonly peakRss: number;
  readonly externalAtStart: number;
  readonly peakExternal: number;
  readonly gcMilliseconds: number;
  readonly gcCount: number;
  /** Messages that slow subscribers did not get. */
  readonly skipped: number;
  /** Bytes reserved by the arenas. */
  readonly arenaBytes?: number;
  /** Bytes of the arenas that were still in use at the end. */
  readonly arenaBytesLive?: number;
}

export function settings(): RelaySettings {
  const [publisherPort, messageBytes] = process.argv.slice(2).map(Number);
  if (publisherPort === undefined || messageBytes === undefined)
    throw new Error('this script must be started by run.js');
  return { publisherPort, messageBytes };
}

/** Sends the port to the parent process. On a message from the parent, sends the report and ends the process. */
export function serve(
  server: Server,
  details: () => Pick<RelayReport, 'skipped' | 'arenaBytes' | 'arenaBytesLive'>,
): void {
  let [gcMilliseconds, gcCount] = [0, 0];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      gcMilliseconds += duration;
      gcCount++;
    }
  }).observe({ entryTypes: ['gc'] });
  const { rss: rssAtStart, external: externalAtStart } = process.memoryUsage();
  let peakExternal = externalAtStart;
  setInterval(() => {
    peakExternal = Math.max(peakExternal, process.memoryUsage().external);
  }, 10).unref();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object') process.send?.(address?.port);
  });
  process.once('message', () => {
    const peakRss = process.resourceUsage().maxRSS * 1024;
    const report: RelayReport = {
      ...{ rssAtStart, peakRss, externalAtStart, peakExternal, gcMilliseconds, gcCount },
      ...details(),
    };
    process.send?.(report, () => process.exit());
  });
}
