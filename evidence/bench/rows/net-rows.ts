import assert from 'node:assert/strict';
import { type ArenaBuffer, FixedArena, type FixedArenaBuilder } from 'arena-alligator';
import { type Case, operationCase } from '../case.js';

const SLOT = 4096;

const builder = (): FixedArenaBuilder => FixedArena.withSlotCapacity(1024, SLOT);

/**
 * An arena without the finalization registry that finds forgotten handles. It shows what that registry costs. The
 * library offers no such arena.
 */
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
    arena.allocate().abandon(); // makes the only record that is used
    return arena;
  } finally {
    Object.assign(globalThis, { FinalizationRegistry: real });
  }
}

const nets: readonly [name: string, arena: () => FixedArena][] = [
  ['no-collector', withoutCollector],
  ['plain', () => builder().build()],
  ['off', () => builder().leakDetection('off').build()],
  ['sampled', () => builder().leakDetection('sampled').build()],
  ['full', () => builder().leakDetection('full').build()],
  ['isolated', () => builder().isolated().build()],
  ['guarded', () => builder().guarded().build()],
  ['async', () => builder().buildAsync()],
];

const works: readonly [name: string, length: number, takesView: boolean][] = [
  ['1', 1, false],
  ['4096', SLOT, false],
  ['4096-viewed', SLOT, true],
];

/** A round trip through an arena with one safety net, with or without taking a view before the release. */
const roundTrip = (work: string, length: number, takesView: boolean, net: string, open: () => FixedArena): Case =>
  operationCase(`net/${work}/${net}`, () => {
    const arena = open();
    const write = (buffer: ArenaBuffer): ArenaBuffer => (length === 1 ? buffer.putU8(1) : buffer.putBytes(1, length));
    const turn = takesView
      ? () => {
          const bytes = write(arena.allocate()).freeze();
          const seen = bytes.view.length;
          bytes.release();
          return seen;
        }
      : () => {
          const bytes = write(arena.allocate()).freeze();
          const seen = bytes.length;
          bytes.release();
          return seen;
        };
    assert.equal(turn(), length);
    return { turn, end: () => assert.equal(arena.metrics().bytesLive, 0) };
  });

/** The cost of each safety net, and of an async arena on which no caller waits. */
export const netRows: readonly Case[] = works.flatMap(([work, length, takesView]) =>
  nets.map(([net, open]) => roundTrip(work, length, takesView, net, open)),
);
