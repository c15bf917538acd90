import type { ArenaMetrics } from '../index.js';
import { formatBytes } from './size.js';

/** The results of a run. */
export interface Summary {
  readonly files: number;
  readonly failures: number;
  readonly bytes: number;
  readonly seconds: number;
  /** 10^6 bytes per second. */
  readonly megabytesPerSecond: number;
  readonly interrupted: boolean;
  readonly arena: ArenaMetrics & { readonly description: string };
  readonly peakRssBytes: number;
  /** Number of hashing threads, besides the reading thread. */
  readonly threads: number;
  /** How many bytes reached these threads in other memory than they were read into. */
  readonly payloadBytesCopied: number;
}

/** Formats the summary for people: three lines, and one more about the threads if there are any. */
export function summaryText(summary: Summary): string {
  const { arena } = summary;
  const failures = summary.failures === 0 ? '' : `, ${summary.failures} failed`;
  const live = arena.allocationsOk - arena.frees;
  return [
    `${summary.files} ${summary.files === 1 ? 'file' : 'files'}${failures}, ${formatBytes(summary.bytes)} in ${summary.seconds.toFixed(2)} s, ` +
      `${summary.megabytesPerSecond.toFixed(1)} MB/s${summary.interrupted ? ' (interrupted)' : ''}`,
    `arena: ${arena.description}; ${arena.allocationsOk} allocations, ${arena.frees} frees, ${live} live`,
    `peak RSS: ${formatBytes(summary.peakRssBytes)}`,
    ...(summary.threads === 0
      ? []
      : [`threads: ${summary.threads}; ${summary.payloadBytesCopied} payload bytes copied after the read`]),
    '',
  ].join('\n');
}
