import assert from 'node:assert/strict';
import { type ArenaBuffer, FixedArena, type FixedArenaBuilder } from 'arena-alligator';
import type { Case } from './cases.js';

const SLOT = 4096;

/** A round trip through an arena of 4 KiB slots; `view` is taken in between or not, and all of it filled or one byte written. */
function roundTrip(arena: () => FixedArena, length: number, takesView: boolean): () => () => unknown {
  return () => {
    const allocator = arena();
    const write = (buffer: ArenaBuffer): ArenaBuffer => (length === 1 ? buffer.putU8(1) : buffer.putBytes(1, length));
    return takesView
      ? () => {
          const bytes = write(allocator.allocate()).freeze();
          const seen = bytes.view.length;
          bytes.release();
          return seen;
        }
      : () => {
          const bytes = write(allocator.allocate()).freeze();
          const seen = bytes.length;
          bytes.release();
          return seen;
        };
  };
}

const builder = (): FixedArenaBuilder => FixedArena.withSlotCapacity(1024, SLOT);

/** An arena that no collector watches over, as a measure of what that costs: it is no part of the library. */
function withoutCollector(): FixedArena {
  const { FinalizationRegistry: real } = globalThis;
  Object.assign(globalThis, {
    FinalizationRegistry: class {
      register(): void {}
      unregister(): void {}
    },
  });
  try {
    const arena = builder().build();
    arena.allocate().abandon(); // makes the one record that is used
    return arena;
  } finally {
    Object.assign(globalThis, { FinalizationRegistry: real });
  }
}

const nets: readonly [name: string, arena: () => FixedArena, beside: string | undefined][] = [
  ['no collector', withoutCollector, undefined],
  ['plain', () => builder().build(), 'no collector'],
  ['leakDetection off', () => builder().leakDetection('off').build(), 'plain'],
  ['leakDetection sampled', () => builder().leakDetection('sampled').build(), 'plain'],
  ['leakDetection full', () => builder().leakDetection('full').build(), 'plain'],
  ['isolated', () => builder().isolated().build(), 'plain'],
  ['guarded', () => builder().guarded().build(), 'plain'],
];

const works: readonly [name: string, length: number, takesView: boolean][] = [
  ['1 B', 1, false],
  ['4 KiB', SLOT, false],
  ['4 KiB, viewed', SLOT, true],
];

/** What each safety net costs, a round trip at a time. */
export const netCases: readonly Case[] = works.flatMap(([work, length, takesView]) =>
  nets.map(([net, arena, beside]) => ({
    name: `net: ${net}, ${work}`,
    ...(beside === undefined ? {} : { beside: `net: ${beside}, ${work}` }),
    prepare: roundTrip(arena, length, takesView),
    check: (result: unknown) => assert.equal(result, length),
  })),
);
