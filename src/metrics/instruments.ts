import { describe } from '../base/check.js';

/** An arena, or anything else with the counters of one. */
export interface Measured {
  metrics(): Readonly<Partial<Record<Counter, number>>>;
}

/** Arenas by the name under which their figures appear. */
export type NamedArenas = Readonly<Record<string, Measured>>;

type Counter =
  | 'allocationsOk'
  | 'allocationsFailed'
  | 'frees'
  | 'frozen'
  | 'spills'
  | 'bytesReserved'
  | 'bytesLive'
  | 'bytesSetAside'
  | 'largestFreeBlock'
  | 'leaksReclaimed'
  | 'leaksPinned'
  | 'splits'
  | 'coalesces'
  | 'waiting'
  | 'waitsServed'
  | 'waitsCancelled'
  | 'longestWait';

/** One figure of an arena, under the names of the two worlds. */
export interface Instrument {
  /** Name and unit after OpenTelemetry's semantic conventions: dots, UCUM units, no unit in the name. */
  readonly name: string;
  readonly unit: string;
  /** Name after Prometheus' conventions: underscores, the base unit and `_total` at the end. */
  readonly prometheus: string;
  /** A `sum` only grows. An `upDown` can be added up over arenas and processes. A `gauge` can not. */
  readonly kind: 'sum' | 'upDown' | 'gauge';
  readonly description: string;
  /** The figure, or undefined for an arena that does not have it. */
  readonly read: (arena: ReturnType<Measured['metrics']>) => number | undefined;
}

const SUMS: readonly (readonly [name: string, unit: string, description: string, counter: Counter])[] = [
  ['allocations', '{allocation}', 'Allocations that were granted.', 'allocationsOk'],
  ['allocation.failures', '{allocation}', 'Allocations that were refused.', 'allocationsFailed'],
  ['releases', '{allocation}', 'Slots or blocks that came back.', 'frees'],
  ['freezes', '{buffer}', 'Buffers that were frozen.', 'frozen'],
  ['spills', '{buffer}', 'Buffers that moved to the heap.', 'spills'],
  ['leaks.reclaimed', '{allocation}', 'Forgotten allocations that the collector brought back.', 'leaksReclaimed'],
  ['leaks.pinned', '{allocation}', 'Forgotten allocations that stay in use for ever.', 'leaksPinned'],
  ['requests.served', '{request}', 'Requests that waited and got memory.', 'waitsServed'],
  ['requests.cancelled', '{request}', 'Requests that waited and were cancelled.', 'waitsCancelled'],
  ['block.splits', '{split}', 'Blocks that were split into two.', 'splits'],
  ['block.coalesces', '{coalesce}', 'Pairs of free blocks that were joined.', 'coalesces'],
];

const BYTES: readonly (readonly [name: string, kind: 'upDown' | 'gauge', description: string, counter: Counter])[] = [
  ['memory.limit', 'upDown', 'Bytes that the arena manages.', 'bytesReserved'],
  ['memory.usage', 'upDown', 'Bytes of slots or blocks in use.', 'bytesLive'],
  ['memory.set_aside', 'upDown', 'Bytes of blocks that are set aside for a waiting request.', 'bytesSetAside'],
  ['memory.largest_free_block', 'gauge', 'Bytes of the largest free block.', 'largestFreeBlock'],
];

/** All figures. */
export const INSTRUMENTS: readonly Instrument[] = [
  ...BYTES.map(([name, kind, description, counter]): Instrument => {
    const prometheus = `${prometheusName(name)}_bytes`;
    return { name: fullName(name), unit: 'By', prometheus, kind, description, read: (metrics) => metrics[counter] };
  }),
  ...SUMS.map(([name, unit, description, counter]): Instrument => {
    const prometheus = `${prometheusName(name)}_total`;
    return { name: fullName(name), unit, prometheus, kind: 'sum', description, read: (metrics) => metrics[counter] };
  }),
  {
    name: fullName('requests.waiting'),
    unit: '{request}',
    prometheus: prometheusName('requests.waiting'),
    kind: 'upDown',
    description: 'Requests that wait for memory now.',
    read: ({ waiting }) => waiting,
  },
  {
    name: fullName('request.longest_wait'),
    unit: 's',
    prometheus: `${prometheusName('request.longest_wait')}_seconds`,
    kind: 'gauge',
    description: 'The longest time that a request has waited.',
    read: ({ longestWait }) => (longestWait === undefined ? undefined : longestWait / 1000),
  },
];

function fullName(name: string): string {
  return `arena_alligator.${name}`;
}

function prometheusName(name: string): string {
  return fullName(name).replaceAll('.', '_');
}

/** @throws TypeError unless every value is an arena */
export function checkArenas(arenas: NamedArenas): readonly (readonly [name: string, arena: Measured])[] {
  if (typeof arenas !== 'object' || arenas === null) {
    throw new TypeError(`arenas must be an object of arenas by name, got ${describe(arenas)}`);
  }
  const entries = Object.entries(arenas);
  for (const [name, arena] of entries) {
    if (typeof (arena as Partial<Measured> | null)?.metrics !== 'function') {
      throw new TypeError(`arenas.${name} must be an arena, got ${describe(arena)}`);
    }
  }
  return entries;
}
