import { describe } from '../base/check.js';
import type { BuilderMode } from '../base/modes.js';
import { isShared, Memory } from '../memory/memory.js';
import { Control, FIXED, invalid, type SharedPlan } from './control.js';

export type ArenaKindName = 'fixed' | 'buddy';

/** Accepts handles of kind `Wanted`, and handles whose kind is not known to the compiler, such as `workerData`. */
export type HandleOf<Wanted extends ArenaKindName, Kind extends ArenaKindName> = Wanted extends Kind ? unknown : never;

/**
 * What another thread needs to attach to a shared arena. Send it with `postMessage` or as `workerData`. Code that has
 * the handle can read and write all memory of the arena.
 */
export interface ArenaHandle<Kind extends ArenaKindName = ArenaKindName, Mode extends BuilderMode = BuilderMode> {
  readonly type: 'arena-alligator/arena';
  readonly kind: Kind;
  readonly memory: SharedArrayBuffer;
  /** The part of `memory` that belongs to the arena, in bytes. */
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly control: SharedArrayBuffer;
  /** Tells the type checker how the arena was built. Never set at run time. */
  readonly mode?: Mode;
}

export function handleOf(control: Control, memory: Memory): ArenaHandle {
  return Object.freeze({
    type: 'arena-alligator/arena',
    kind: kindOf(control.plan),
    memory: memory.bytes.buffer as SharedArrayBuffer,
    byteOffset: memory.byteOffset,
    byteLength: memory.byteLength,
    control: control.buffer,
  });
}

/**
 * Opens the memory that a handle refers to.
 * @throws TypeError when `handle` is not an object; BuildError INVALID_HANDLE when it is not a handle of an arena of
 *   this kind, or is damaged
 */
export function openHandle(handle: unknown, kind: ArenaKindName): { control: Control; memory: Memory } {
  if (typeof handle !== 'object' || handle === null)
    throw new TypeError(`handle must be an object, got ${describe(handle)}`);
  const { type, memory, byteOffset, byteLength, control: buffer } = handle as Partial<ArenaHandle>;
  if (type !== 'arena-alligator/arena') throw invalid('it is not an arena handle');
  if (!isSharedBuffer(memory) || !isSharedBuffer(buffer))
    throw invalid('its memory or its control memory is not a SharedArrayBuffer');
  const control = Control.open(buffer);
  const { plan } = control;
  if (kindOf(plan) !== kind) throw invalid(`it belongs to a ${kindOf(plan)} arena, not to a ${kind} arena`);
  const fits =
    Number.isSafeInteger(byteOffset) &&
    Number.isSafeInteger(byteLength) &&
    Number(byteOffset) >= 0 &&
    Number(byteOffset) + Number(byteLength) <= memory.byteLength &&
    plan.base + plan.unit * plan.units <= Number(byteLength);
  if (!fits) throw invalid('its byteOffset and byteLength do not fit the payload memory or the arena');
  return { control, memory: new Memory(new Uint8Array(memory, byteOffset, byteLength), true) };
}

function kindOf(plan: SharedPlan): ArenaKindName {
  return plan.kind === FIXED ? 'fixed' : 'buddy';
}

function isSharedBuffer(value: unknown): value is SharedArrayBuffer {
  return (
    typeof value === 'object' &&
    value !== null &&
    isShared(value as ArrayBufferLike) &&
    value instanceof SharedArrayBuffer
  );
}
