import assert from 'node:assert/strict';
import { type ArenaBuffer, FixedArena, TieredArena } from 'arena-alligator';
import { type Case, operationCase } from '../case.js';

/** Slots of these sizes in bytes, as in a program with four size classes. */
const CLASSES = [256, 1024, 4096, 16_384];
const SLOTS = 64;

interface Arena {
  allocate(length: number): ArenaBuffer;
  metrics(): { readonly bytesLive: number };
}

/** Takes a slot for `length` bytes and gives it back. Nothing is written, so the choice of the class shows. */
function choice(length: number, name: string, make: () => Arena): Case {
  return operationCase(`choice/${length}/${name}`, () => {
    const arena = make();
    using first = arena.allocate(length);
    assert.ok(first.capacity >= length);
    const turn = (): unknown => {
      const buffer = arena.allocate(length);
      buffer.abandon();
      return buffer;
    };
    return { turn, end: () => assert.equal(arena.metrics().bytesLive, 0) };
  });
}

const fixed = (size: number): FixedArena => FixedArena.withSlotCapacity(SLOTS, size).build();

/** A tiered arena beside a fixed arena of the size class that it chooses. */
export const choiceRows: readonly Case[] = CLASSES.flatMap((size) => [
  choice(size, 'fixed', () => fixed(size)),
  choice(size, 'tiered', () => new TieredArena(CLASSES.map(fixed))),
]);
