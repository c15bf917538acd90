import { describe } from '../base/check.js';
import type { BuilderMode } from '../base/modes.js';
import { isShared, Memory } from '../memory/memory.js';
import { Control, FIXED, invalid, type SharedPlan } from './control.js';

/**
 * What another thread needs to attach to a shared arena; send it by `postMessage` or as `workerData`. Whoever has it can read and
 * write all memory of the arena.
 */
export interface ArenaHandle<
  Kind extends 'fixed' | 'buddy' = 'fixed' | 'buddy',
  Mode extends BuilderMode = BuilderMode,
> {
  readonly type: 'arena-alligator/arena';
  readonly kind: Kind;
  readonly memory: SharedArrayBuffer;
  /** The window of the memory that is the arena's, in bytes. */
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly control: SharedArrayBuffer;
  /** Says to the type checker how the arena was built; never there. */
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
 * What a handle leads to.
 * @throws TypeError for what is no object; BuildError INVALID_HANDLE for what is no handle of such an arena, or is damaged
 */
export function openHandle(handle: unknown, kind: 'fixed' | 'buddy'): { control: Control; memory: Memory } {
  if (typeof handle !== 'object' || handle === null)
    throw new TypeError(`handle must be an object, got ${describe(handle)}`);
  const { type, memory, byteOffset, byteLength, control: buffer } = handle as Partial<ArenaHandle>;
  if (type !== 'arena-alligator/arena') throw invalid('it is not a handle of an arena');
  if (!isSharedBuffer(memory) || !isSharedBuffer(buffer)) throw invalid('its memory is not shared');
  const control = Control.open(buffer);
  const { plan } = control;
  if (kindOf(plan) !== kind) throw invalid(`it is of a ${kindOf(plan)} arena, not of a ${kind} one`);
  const fits =
    Number.isSafeInteger(byteOffset) &&
    Number.isSafeInteger(byteLength) &&
    Number(byteOffset) >= 0 &&
    Number(byteOffset) + Number(byteLength) <= memory.byteLength &&
    plan.base + plan.unit * plan.units <= Number(byteLength);
  if (!fits) throw invalid('its payload memory is truncated');
  return { control, memory: new Memory(new Uint8Array(memory, byteOffset, byteLength), true) };
}

function kindOf(plan: SharedPlan): 'fixed' | 'buddy' {
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
