import { checkFunction } from '../base/check.js';
import { BuildError, reserved } from '../base/errors.js';
import type { BlockSource } from '../blocks/block-source.js';
import type { EngineOptions } from '../engine/engine.js';
import type { LeakListener } from '../engine/leaks.js';
import type { Memory } from '../memory/memory.js';
import { Control, type SharedPlan } from '../shared/control.js';
import { SharedThread } from '../shared/thread.js';

/** Where an arena's units lie. */
export interface Layout {
  readonly memory: Memory;
  /** Offset of the first unit in the memory, in bytes. */
  readonly base: number;
  /** Bytes of a unit: the slot, or the smallest block. */
  readonly unit: number;
  readonly units: number;
  /** Whether the memory is the arena's own: fresh, zero, and free to be touched. */
  readonly owned: boolean;
  readonly dealloc: (() => void) | undefined;
}

/** What an engine needs to hand out the units of `layout` as `blocks` says; the memory is taken then. */
export function engineOptions(layout: Layout, blocks: BlockSource, zeroes: boolean, spills: boolean): EngineOptions {
  const { memory, base, unit, units, owned, dealloc } = layout;
  const warmed = zeroes && !owned ? reserved(() => new Uint8Array(units)) : undefined;
  taken.add(memory);
  return { memory, blocks, unit, units, base, zeroes, warmed, spills, dealloc };
}

/** The part of a shared arena's plan that is not in its layout. */
export type SharedTraits = Omit<SharedPlan, 'units' | 'unit' | 'base' | 'warms'>;

/** The part of it that depends on the kind of the arena. */
export type UnitTraits = Pick<SharedPlan, 'kind' | 'maxOrder' | 'alignment' | 'capsCapacity'>;

/**
 * This thread in a new arena that others can attach to.
 * @throws BuildError INCOMPATIBLE_OPTIONS over memory that is not shared, or with a `dealloc`: no thread knows when the last one is
 *   done with it
 */
export function shareLayout(layout: Layout, traits: SharedTraits, onLeak: LeakListener | undefined): SharedThread {
  const { memory, base, unit, units, owned, dealloc } = layout;
  if (!memory.shared) throw new BuildError('INCOMPATIBLE_OPTIONS', 'shared() needs memory in a SharedArrayBuffer');
  if (dealloc !== undefined)
    throw new BuildError('INCOMPATIBLE_OPTIONS', 'shared() and a dealloc callback exclude each other');
  const control = Control.create({ ...traits, units, unit, base, warms: traits.zeroes && !owned });
  taken.add(memory);
  return SharedThread.join(control, memory, onLeak);
}

/**
 * A `dealloc` callback bound to its memory; undefined where there is none.
 * @throws TypeError when it is no function
 */
export function boundDealloc<Source>(
  source: Source,
  dealloc: ((memory: Source) => void) | undefined,
): (() => void) | undefined {
  if (dealloc === undefined) return undefined;
  checkFunction(dealloc, 'dealloc');
  return () => dealloc(source);
}

/** What arenas were built over. */
const taken = new WeakSet<Memory>();

/** Makes a layout over the caller's memory that can be built over once: two arenas over it would overlap. */
export function takenOnce<Plan>(memory: Memory, plan: (alignment: number) => Plan): (alignment: number) => Plan {
  return (alignment) => {
    if (taken.has(memory)) throw new BuildError('INVALID_BACKING', 'an arena was already built over this memory');
    return plan(alignment);
  };
}
