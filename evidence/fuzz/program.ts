import { environment } from '#internal/base/environment';
import type { Operation } from './arena-ops.js';
import * as arenas from './arena-ops.js';
import { addArena } from './arenas.js';
import * as buffers from './buffer-ops.js';
import { buildAnything, useGeometry } from './build-ops.js';
import * as bytes from './bytes-ops.js';
import { checkAll, releaseAll } from './checks.js';
import { useDead } from './dead-ops.js';
import { Dice } from './dice.js';
import { reentry } from './hostile.js';
import * as listLooks from './list-look-ops.js';
import * as lists from './list-ops.js';
import * as looks from './look-ops.js';
import { World } from './model.js';
import * as rareWrites from './rare-write-ops.js';
import * as raws from './raw-ops.js';
import * as reads from './read-ops.js';
import * as searches from './search-ops.js';
import { SHARED_OPERATIONS, SharedWorld } from './shared-ops.js';
import { WAIT_OPERATIONS, WaitWorld } from './wait-ops.js';

/** The first number of a program makes the arenas. Each other number stands for one operation and its arguments. */
export type Program = readonly number[];

export interface Profile {
  readonly name: string;
  /** How many numbers a program has. */
  readonly length: number;
  run(program: Program): void | Promise<void>;
}

type Weighted = readonly (readonly [weight: number, operation: Operation])[];

const SYNC: Weighted = [
  [8, arenas.allocate],
  [3, arenas.rawAllocate],
  [1, arenas.lookAtArena],
  [1, arenas.closeArena],
  [6, buffers.putScalar],
  [4, buffers.putSlice],
  [2, buffers.putOwnMemory],
  [3, buffers.putBytes],
  [3, buffers.putUtf8],
  [2, buffers.writeInPlace],
  [2, buffers.lookAtBuffer],
  [7, buffers.freeze],
  [2, buffers.abandon],
  [2, buffers.useBytesMut],
  [2, rareWrites.putSized],
  [3, rareWrites.putVarint],
  [2, rareWrites.overwrite],
  [2, rareWrites.putPieces],
  [3, bytes.clone],
  [4, bytes.slice],
  [3, bytes.split],
  [2, bytes.shorten],
  [4, reads.getScalar],
  [2, reads.getSized],
  [3, reads.getVarint],
  [2, reads.getUtf8],
  [4, reads.peek],
  [3, looks.lookAtBytes],
  [2, looks.copyTo],
  [2, searches.compare],
  [4, searches.search],
  [9, bytes.release],
  [3, bytes.thaw],
  [1, bytes.own],
  [2, bytes.makeHeapBytes],
  [2, raws.useRaw],
  [1, raws.releaseRaw],
  [3, lists.makeList],
  [3, lists.extend],
  [3, lists.splitList],
  [2, lists.sliceList],
  [2, lists.readPieces],
  [3, lists.releaseList],
  [2, listLooks.lookAtList],
  [2, listLooks.searchList],
  [1, listLooks.copyFromList],
  [3, listLooks.joinList],
  [3, useDead],
];
const HOSTILE: Weighted = [...SYNC, [2, arenas.disturbMemory], [1, arenas.callOnStranger]];
const BUILD: Weighted = [
  [4, buildAnything],
  [1, useGeometry],
];

/** A table of the operations, by the low byte of a number. */
function decoder(operations: Weighted): readonly Operation[] {
  const table = operations.flatMap(([weight, operation]) => new Array<Operation>(weight).fill(operation));
  return Array.from({ length: 256 }, (_, byte) => table[Math.floor((byte * table.length) / 256)] as Operation);
}

const dice = new Dice();
// Programs release handles twice on purpose. A guarded arena would warn each time.
environment.warn = () => undefined;

function begin(world: World, program: Program, options: readonly string[], count: number): void {
  reentry.run = () => undefined;
  dice.reseed(program[0] ?? 0);
  for (let arena = 0; arena < count; arena++) addArena(world, dice, options);
}

function synchronous(name: string, operations: Weighted, options: readonly string[], isHostile: boolean): Profile {
  const table = decoder(operations);
  return {
    name,
    length: 400,
    run(program) {
      const world = new World(isHostile);
      begin(world, program, options, 2);
      for (let at = 1; at < program.length; at++) {
        const number = program[at] as number;
        (table[number & 0xff] as Operation)(world, dice.reseed(number));
      }
      checkAll(world);
      releaseAll(world);
    },
  };
}

/** A profile whose operations start calls that end later. After each operation, everything that is ready runs. */
function waiting<Kind extends World & { finish(): Promise<void>; settle(): void | Promise<void> }>(
  name: string,
  operations: Weighted,
  makeWorld: (program: Program) => Kind,
): Profile {
  const table = decoder(operations);
  return {
    name,
    length: 200,
    async run(program) {
      const world = makeWorld(program);
      for (let at = 1; at < program.length; at++) {
        const number = program[at] as number;
        (table[number & 0xff] as Operation)(world, dice.reseed(number));
        await world.settle();
      }
      await world.finish();
    },
  };
}

export const PROFILES: readonly Profile[] = [
  synchronous('sync', SYNC, [], false),
  synchronous('hostile', HOSTILE, [], true),
  synchronous('build', BUILD, [], true),
  synchronous('isolated', SYNC, ['isolated', 'leakDetection', 'onLeak'], false),
  synchronous('guarded', HOSTILE, ['guarded', 'onLeak'], true),
  waiting('wait', [...HOSTILE, ...WAIT_OPERATIONS], (program) => new WaitWorld(dice.reseed(program[0] ?? 0))),
  waiting('shared', [...HOSTILE, ...SHARED_OPERATIONS], (program) => new SharedWorld(dice.reseed(program[0] ?? 0), [])),
  waiting(
    'guarded shared',
    [...HOSTILE, ...SHARED_OPERATIONS],
    (program) => new SharedWorld(dice.reseed(program[0] ?? 0), ['guarded']),
  ),
];

export function profileOf(name: string): Profile {
  const profile = PROFILES.find((candidate) => candidate.name === name);
  if (profile === undefined) throw new RangeError(`no profile is named ${name}`);
  return profile;
}

/** A program of random numbers, the same for the same seed. */
export function randomProgram(seed: number, length: number): Program {
  const numbers = new Dice().reseed(seed);
  return Array.from({ length }, () => numbers.next());
}
