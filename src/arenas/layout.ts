import { checkFunction } from '../base/check.js';
import { BuildError, reserved } from '../base/errors.js';
import type { BlockSource } from '../blocks/block-source.js';
import type { EngineOptions } from '../engine/engine.js';
import type { LeakListener } from '../engine/leaks.js';
import type { Memory } from '../memory/memory.js';
import { Control, type SharedPlan } from '../shared/control.js';
import { SharedThread } from '../shared/thread.js';

/** The place of an arena's units in memory. */
export interface Layout {
  readonly memory: Memory;
  /** Offset of the first unit in the memory, in bytes. */
  readonly base: number;
  /** Bytes of a unit: the slot, or the smallest block. */
  readonly unit: number;
  readonly units: number;
  /** Whether the arena owns the memory: it is fresh and zero then, and the arena may touch it. */
  readonly owned: boolean;
  readonly dealloc: (() => void) | undefined;
}

/** The options of an engine that hands out the units of `layout` by `blocks`. Marks the memory as taken. */
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
 * This thread in a new arena that other threads can attach to.
 * @throws BuildError INCOMPATIBLE_OPTIONS for memory that is not shared, and with a `dealloc`: no thread knows when the
 *   last thread has finished with the memory
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
 * The `dealloc` callback bound to its memory; undefined when there is none.
 * @throws TypeError when it is not a function
 */
export function boundDealloc<Source>(
  source: Source,
  dealloc: ((memory: Source) => void) | undefined,
): (() => void) | undefined {
  if (dealloc === undefined) return undefined;
  checkFunction(dealloc, 'dealloc');
  return () => dealloc(source);
}

/** Memory that an arena was built over. */
const taken = new WeakSet<Memory>();

/** Makes a layout over the caller's memory that can be built once. Two arenas over the same memory would overlap. */
export function takenOnce<Plan>(memory: Memory, plan: (alignment: number) => Plan): (alignment: number) => Plan {
  return (alignment) => {
    if (taken.has(memory)) throw new BuildError('INVALID_BACKING', 'an arena was already built over this memory');
    return plan(alignment);
  };
}
