import type { Metric } from './results.js';

/** An upper bound for the ratio of one of our figures to another figure. */
export interface Target {
  /** The claim, in words for the reader of the report. */
  readonly what: string;
  readonly runtime: string;
  readonly ours: string;
  readonly theirs: string;
  readonly atMost: number;
  /** Default `ns`, for both. */
  readonly oursMetric?: Metric;
  readonly theirsMetric?: Metric;
}

const FIRST = 'node-24';

function sizes(
  row: string,
  subject: string,
  peer: string,
  bounds: Readonly<Record<number, number>>,
  what: string,
  runtime: string = FIRST,
): Target[] {
  return Object.entries(bounds).map(([size, atMost]) => ({
    what: `${what}, ${Number(size) >= 1024 ? `${Number(size) / 1024} KiB` : `${size} B`}`,
    runtime,
    ours: `${row}/${size}/${subject}`,
    theirs: `${row}/${size}/${peer}`,
    atMost,
  }));
}

const one = (what: string, ours: string, theirs: string, atMost: number): Target => ({
  what,
  runtime: FIRST,
  ours,
  theirs,
  atMost,
});

const NPM_PEERS = ['thi.ng-malloc', 'typedarray-pool', 'buffer-reuse-pool'];

const collector = (consumers: number, subject: string, what: string): Target => ({
  ...one(
    `collector pauses of a fan-out to ${consumers} consumers, ${what}`,
    `fan-out/${consumers}/${subject}`,
    `fan-out/${consumers}/buffer-unsafe`,
    0.1,
  ),
  oursMetric: 'gcNs',
  theirsMetric: 'gcNs',
});

const tail = (what: string, id: string): Target => ({
  ...one(what, id, id, 20),
  oursMetric: 'p999',
  theirsMetric: 'p50',
});

/** The performance targets of this project. The report says which of them are reached. */
export const targets: readonly Target[] = [
  ...sizes('round-trip', 'fixed', 'rust-fixed', { 256: 0.65, 1024: 0.65, 4096: 0.65 }, 'fixed round trip'),
  ...sizes('round-trip', 'buddy', 'rust-buddy', { 256: 0.03, 1024: 0.12, 4096: 0.3, 16384: 0.7 }, 'buddy round trip'),
  one('churn of 2048 live mixed sizes, nothing written', 'churn/buddy', 'churn/rust-buddy', 0.5),
  ...sizes('spill', 'fixed', 'rust-fixed', { 2048: 1, 8192: 1 }, 'spill'),
  one('two threads on one fixed arena, 1 KiB filled', 'contention/fixed/2/0/shared', 'contention/fixed/2/0/rust', 0.5),
  one('two threads on one buddy arena, mixed sizes', 'contention/buddy/2/0/shared', 'contention/buddy/2/0/rust', 0.4),
  ...sizes(
    'viewed',
    'fixed',
    'buffer-unsafe',
    { 4096: 0.5, 16384: 0.15, 65536: 0.1 },
    'fixed round trip with a view taken',
  ),
  ...sizes(
    'viewed',
    'fixed',
    'buffer-unsafe',
    { 4096: 0.12 },
    'fixed round trip with a view taken, on Node 20',
    'node-20',
  ),
  ...NPM_PEERS.flatMap((peer) =>
    sizes('round-trip', 'fixed', peer, { 0: 0.8, 64: 0.8, 256: 0.8, 1024: 0.8, 4096: 0.8 }, 'fixed round trip'),
  ),
  ...sizes(
    'round-trip',
    'fixed',
    'netty-pooled',
    { 256: 1, 1024: 1, 4096: 1, 16384: 1 },
    'fixed round trip against pooled direct buffers',
  ),
  collector(8, 'fixed', 'one clone each'),
  collector(1000, 'fixed', 'one clone each'),
  collector(1000, 'fixed-one-handle', 'one handle, readers counted by the program'),
  tail('99.9th percentile of fixed allocations, against their median', 'latency/fixed/fixed'),
  tail('99.9th percentile of buddy allocations, against their median', 'latency/buddy/buddy'),
];
