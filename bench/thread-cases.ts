const KIB = 1024;

// What workers tell each other while they run, in shared words.
export const READY = 0;
export const STOP = 1;
export const FLAGS = 2;

/** Round trips in one or more threads at once, each on its own. */
export interface RoundTrips {
  readonly kind: 'round trips';
  readonly name: string;
  readonly arena: 'fixed' | 'buddy';
  readonly threads: number;
}

/** Messages from one worker to another. */
export interface HandOver {
  readonly kind: 'hand-over';
  readonly name: string;
  /** A channel; or a MessagePort, with a copy of each message, with its memory moved, or with it moved there and back. */
  readonly way: 'channel' | 'copy' | 'fresh' | 'returned';
  readonly size: number;
  /** Whether each message is written; else they are all the same. */
  readonly writes: boolean;
  /** Messages on their way at most. */
  readonly window: number;
  /** Messages in one postMessage. */
  readonly batch: number;
}

export type ThreadCase = RoundTrips | HandOver;

export const roundTrips: readonly RoundTrips[] = (['fixed', 'buddy'] as const).flatMap((arena) =>
  [1, 2].map((threads): RoundTrips => ({ kind: 'round trips', name: `${arena}-${threads}`, arena, threads })),
);

// The batches did best, or close to it, in one or two short runs of a few sizes each on a busy machine, on Node 20; those of fresh memory
// above 4 KiB are the copies' and were not tried otherwise. On Node 24, 1 MiB there and back did better by 16. Memory that is moved
// is made for each message, with what it is to say; or it comes back and is sent again.
export const handOvers: readonly HandOver[] = (
  [
    ['4 KiB', 4 * KIB, true, 256, 32, 64],
    ['64 KiB', 64 * KIB, false, 256, 8, 32],
    ['1 MiB', KIB * KIB, false, 64, 1, 4],
  ] as const
).flatMap(([name, size, writes, window, batch, returned]) =>
  (
    [
      ['channel', 1],
      ['copy', batch],
      ['fresh', batch],
      ['returned', returned],
    ] as const
  ).map(([way, batch]): HandOver => ({ kind: 'hand-over', name: `${name}, ${way}`, way, size, writes, window, batch })),
);
