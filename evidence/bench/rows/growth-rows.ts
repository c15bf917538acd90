import assert from 'node:assert/strict';
import { type ArenaBuffer, BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { type Case, type Operation, operationCase } from '../case.js';
import { MIB } from '../work.js';

function claimAndRelease(allocate: () => ArenaBuffer): Operation {
  const looked = allocate().putU8(1).freeze();
  assert.deepEqual([...looked], [1]);
  looked.release();
  const turn = (): unknown => {
    const buffer = allocate();
    buffer.abandon();
    return buffer;
  };
  return { turn };
}

interface Claims {
  readonly engine: { readonly blocks: { claim(order: number): number; release(block: number, order: number): number } };
}

/**
 * The block source of an arena, to claim blocks directly. Four million handles would instead give the garbage collector
 * four million objects to trace: a cost of handles, not of claims.
 */
function blocksOf(arena: FixedArena | BuddyArena): Claims['engine']['blocks'] {
  return (arena as unknown as Claims).engine.blocks;
}

const slots = (count: number, percent: number): Case =>
  operationCase(`slots/${count}/${percent}/fixed`, () => {
    const arena = FixedArena.withSlotCapacity(count, 16).pageSize('unknown').build();
    const taken = Math.min(count - 1, Math.floor((count * percent) / 100));
    const blocks = blocksOf(arena);
    for (let index = 0; index < taken; index++) assert.equal(blocks.claim(0), index);
    return claimAndRelease(() => arena.allocate());
  });

const UNIT = 256;

/** Which blocks are released, by the percentage that stays taken: all, every second, every tenth. */
const STEPS = { 0: 1, 50: 2, 90: 10 } as const;

const fragmented = (percent: keyof typeof STEPS): Case =>
  operationCase(`fragmented/${percent}/buddy`, () => {
    const arena = BuddyArena.builder(BuddyGeometry.exact(64 * MIB, UNIT)).build();
    const units = (64 * MIB) / UNIT;
    const step = STEPS[percent];
    const blocks = blocksOf(arena);
    for (let unit = 0; unit < units; unit++) assert.equal(blocks.claim(0), unit);
    for (let unit = step - 1; unit < units; unit += step) blocks.release(unit, 0);
    return claimAndRelease(() => arena.allocate(UNIT));
  });

const full = (count: number): Case =>
  operationCase(`refused/${count}/fixed`, () => {
    const arena = FixedArena.withSlotCapacity(count, 16).pageSize('unknown').build();
    const blocks = blocksOf(arena);
    for (let index = 0; index < count; index++) assert.equal(blocks.claim(0), index);
    assert.equal(arena.tryAllocate(), undefined);
    return { turn: () => arena.tryAllocate() };
  });

const COUNTS = [64, 4096, 262_144, 4_194_304] as const;

export const growthRows: readonly Case[] = [
  ...COUNTS.flatMap((count) => [slots(count, 0), slots(count, 99.9)]),
  ...([0, 50, 90] as const).map(fragmented),
  full(64),
  full(4_194_304),
];
