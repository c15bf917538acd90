import { add, load, notify } from '../base/atomics.js';
import { BuildError, reserved } from '../base/errors.js';
import type { LeakDetection } from '../engine/leaks.js';
import { isActive, LANE_COUNTERS, type Lane, laneAt, laneWords, STATE, WAKE } from './lane.js';
import { buddyShape, freeAll, slotShape, type TreeShape } from './tree.js';

// The header: indices in 32-bit words from the start of the control memory.
const MAGIC_AT = 0;
const VERSION_AT = 1;
const KIND_AT = 2;
const UNITS_AT = 3;
const MAX_ORDER_AT = 4;
const THREADS_AT = 5;
const FLAGS_AT = 6;
const STALL_AT = 7;
/** Four random words, which identify the arena. */
const ID_AT = 8;
/** This index and the two after it count 64-bit floats. */
const UNIT_AT = 6;
const BASE_AT = 7;
const ALIGNMENT_AT = 8;
/** Not zero once the arena is closed. */
export const CLOSED: number = 32;
/** Not zero while a thread may be waiting for memory to be handed over. */
export const WAITING: number = 33;
/** Number of requests posted so far: the source of arrival numbers. */
export const ARRIVALS: number = 48;
/** Number of lanes ever used: lanes with this number or a higher one were never used. */
export const LANES_USED: number = 49;
const HEADER = 64;

const MAGIC = 0x416c_6c69; // 'Alli' in ASCII
const VERSION = 2;

/** The most messages and tickets that can be on their way in one arena at the same time. */
export const MAX_MESSAGES = 65_536;
/** Size of a message, in words. */
export const MESSAGE_WORDS = 8;

export const FIXED = 1;
export const BUDDY = 2;
export type ArenaKind = typeof FIXED | typeof BUDDY;

/** How a shared arena was built. It is the same in all threads. */
export interface SharedPlan {
  readonly kind: ArenaKind;
  readonly units: number;
  /** Order of the largest block; 0 for slots. */
  readonly maxOrder: number;
  /** Size of a unit, and offset of the first unit in the memory, in bytes. */
  readonly unit: number;
  readonly base: number;
  readonly alignment: number;
  readonly maxThreads: number;
  readonly zeroes: boolean;
  /** Whether a unit must be zeroed when it is allocated for the first time. */
  readonly warms: boolean;
  readonly spills: boolean;
  readonly raw: boolean;
  readonly capsCapacity: boolean;
  /** The safety nets that every thread turns on. */
  readonly guarded: boolean;
  readonly leakDetection: LeakDetection;
  /** After how many ms a stall is reported; 0 for never. */
  readonly stallAfter: number;
}

const ZEROES = 1;
const WARMS = 2;
const SPILLS = 4;
const RAW = 8;
const CAPS = 16;
const GUARDED = 32;
const SAMPLED = 64;
const FULL = 128;

/** The control memory of a shared arena, and where each part of it lies (docs/threads.md). */
export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly plan: SharedPlan;
  readonly tree: TreeShape;
  readonly messageTree: TreeShape;
  /** Index of the holders word of unit 0. */
  readonly holders: number;
  /** Index of message 0. */
  readonly messages: number;
  /** For each unit: 1 when it has been zeroed. */
  readonly warmed: Uint8Array | undefined;
  private readonly lanes: number;

  private constructor(buffer: SharedArrayBuffer, plan: SharedPlan, places: Places) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.plan = plan;
    this.tree = places.tree;
    this.messageTree = places.messageTree;
    this.holders = places.holders;
    this.messages = places.messages;
    this.lanes = places.lanes;
    this.warmed = plan.warms ? new Uint8Array(buffer, places.warmed * 4, plan.units) : undefined;
  }

  /**
   * Makes the control memory of an arena in which everything is free.
   * @throws BuildError SIZE_OVERFLOW when the runtime refuses the memory; BuildError INCOMPATIBLE_OPTIONS when it has
   *   no shared memory
   */
  static create(plan: SharedPlan): Control {
    const places = placesOf(plan);
    const buffer = sharedBuffer(places.end * 4);
    // Throws when the runtime can make the buffer but no view of that length.
    const words = reserved(() => new Int32Array(buffer));
    const floats = new Float64Array(buffer, 0, HEADER / 2);
    words[MAGIC_AT] = MAGIC;
    words[VERSION_AT] = VERSION;
    words[KIND_AT] = plan.kind;
    words[UNITS_AT] = plan.units;
    words[MAX_ORDER_AT] = plan.maxOrder;
    words[THREADS_AT] = plan.maxThreads;
    words[FLAGS_AT] = flagsOf(plan);
    words[STALL_AT] = plan.stallAfter;
    for (let word = 0; word < 4; word++) words[ID_AT + word] = Math.floor(Math.random() * 2 ** 32);
    floats[UNIT_AT] = plan.unit;
    floats[BASE_AT] = plan.base;
    floats[ALIGNMENT_AT] = plan.alignment;
    words.fill(1, places.holders, places.holders + plan.units);
    freeAll(words, places.tree);
    freeAll(words, places.messageTree);
    return new Control(buffer, plan, places);
  }

  /**
   * Opens control memory that another thread made.
   * @throws BuildError INVALID_HANDLE when the buffer is not control memory of this version, or its parts do not fit
   *   together
   */
  static open(buffer: SharedArrayBuffer): Control {
    if (buffer.byteLength < HEADER * 4) throw invalid('its control memory is truncated');
    const words = new Int32Array(buffer, 0, HEADER);
    const floats = new Float64Array(buffer, 0, HEADER / 2);
    if (words[MAGIC_AT] !== MAGIC) throw invalid('its control memory does not belong to a shared arena');
    if (words[VERSION_AT] !== VERSION) {
      throw invalid(
        `its memory layout has version ${words[VERSION_AT]}, but this copy of the library needs version ${VERSION}`,
      );
    }
    const flags = words[FLAGS_AT] as number;
    const plan: SharedPlan = {
      kind: words[KIND_AT] === BUDDY ? BUDDY : FIXED,
      units: words[UNITS_AT] as number,
      maxOrder: words[MAX_ORDER_AT] as number,
      unit: floats[UNIT_AT] as number,
      base: floats[BASE_AT] as number,
      alignment: floats[ALIGNMENT_AT] as number,
      maxThreads: words[THREADS_AT] as number,
      zeroes: (flags & ZEROES) !== 0,
      warms: (flags & WARMS) !== 0,
      spills: (flags & SPILLS) !== 0,
      raw: (flags & RAW) !== 0,
      capsCapacity: (flags & CAPS) !== 0,
      guarded: (flags & GUARDED) !== 0,
      stallAfter: Math.max(0, words[STALL_AT] as number),
      leakDetection: (flags & FULL) !== 0 ? 'full' : (flags & SAMPLED) !== 0 ? 'sampled' : 'off',
    };
    const sane =
      (words[KIND_AT] === FIXED || words[KIND_AT] === BUDDY) &&
      plan.units >= 1 &&
      plan.units <= 2 ** 30 &&
      (plan.kind === FIXED ? plan.maxOrder === 0 : plan.units === 2 ** plan.maxOrder) &&
      Number.isSafeInteger(plan.unit * plan.units) &&
      plan.unit >= 1 &&
      Number.isSafeInteger(plan.base) &&
      plan.base >= 0 &&
      plan.maxThreads >= 1 &&
      plan.maxThreads <= MAX_THREADS;
    if (!sane) throw invalid('its geometry is not valid');
    const places = placesOf(plan);
    if (buffer.byteLength !== places.end * 4)
      throw invalid('its control memory does not have the size that its geometry needs');
    return new Control(buffer, plan, places);
  }

  /** Identifies this arena, in every thread. */
  get id(): string {
    return Array.from(this.words.subarray(ID_AT, ID_AT + 4), (word) => (word >>> 0).toString(16).padStart(8, '0')).join(
      '',
    );
  }

  lane(number: number): Lane {
    return laneAt(this.words, this.lanes, number, this.plan.units, LANE_COUNTERS);
  }

  /** Index in the control memory of a word of a lane. */
  laneWord(number: number, word: number): number {
    return this.lanes + number * laneWords(this.plan.units) + word;
  }

  /** Number of the lane that contains the word at `at`. */
  laneOf(at: number): number {
    return Math.floor((at - this.lanes) / laneWords(this.plan.units));
  }

  get lanesUsed(): number {
    return load(this.words, LANES_USED);
  }

  /** Wakes a lane's thread, so that it looks again. */
  wake(number: number): void {
    const at = this.laneWord(number, WAKE);
    add(this.words, at, 1);
    notify(this.words, at);
  }

  wakeAll(): void {
    for (let number = 0; number < this.lanesUsed; number++) {
      if (isActive(load(this.words, this.laneWord(number, STATE)))) this.wake(number);
    }
  }
}

/** The largest `maxThreads`. More threads than a machine has cores are of no use, and each thread needs a lane. */
export const MAX_THREADS = 1024;

interface Places {
  readonly tree: TreeShape;
  readonly messageTree: TreeShape;
  readonly holders: number;
  readonly messages: number;
  readonly warmed: number;
  readonly lanes: number;
  readonly end: number;
}

function placesOf({ kind, units, maxOrder, maxThreads, warms }: SharedPlan): Places {
  const tree = kind === FIXED ? slotShape(units, HEADER) : buddyShape(maxOrder, HEADER);
  const holders = wholeLines(tree.end);
  const messageTree = slotShape(MAX_MESSAGES, wholeLines(holders + units));
  const messages = wholeLines(messageTree.end);
  const warmed = messages + MAX_MESSAGES * MESSAGE_WORDS;
  const lanes = wholeLines(warmed + (warms ? Math.ceil(units / 4) : 0));
  return { tree, messageTree, holders, messages, warmed, lanes, end: lanes + maxThreads * laneWords(units) };
}

/** Rounds up to a multiple of 64 words. */
function wholeLines(words: number): number {
  return Math.ceil(words / 64) * 64;
}

function flagsOf(plan: SharedPlan): number {
  return (
    (plan.zeroes ? ZEROES : 0) |
    (plan.warms ? WARMS : 0) |
    (plan.spills ? SPILLS : 0) |
    (plan.raw ? RAW : 0) |
    (plan.capsCapacity ? CAPS : 0) |
    (plan.guarded ? GUARDED : 0) |
    (plan.leakDetection === 'sampled' ? SAMPLED : 0) |
    (plan.leakDetection === 'full' ? FULL : 0)
  );
}

/**
 * Makes a SharedArrayBuffer.
 * @throws BuildError SIZE_OVERFLOW when the runtime refuses that many bytes; BuildError INCOMPATIBLE_OPTIONS when it
 *   has no shared memory
 */
export function sharedBuffer(byteLength: number): SharedArrayBuffer {
  if (typeof SharedArrayBuffer !== 'function') {
    throw new BuildError(
      'INCOMPATIBLE_OPTIONS',
      'SharedArrayBuffer is not available here: a page needs cross-origin isolation',
    );
  }
  try {
    return new SharedArrayBuffer(byteLength);
  } catch (cause) {
    throw new BuildError('SIZE_OVERFLOW', `the runtime refuses to allocate ${byteLength} bytes of shared memory`, {
      cause,
    });
  }
}

export function invalid(why: string): BuildError {
  return new BuildError('INVALID_HANDLE', `the handle cannot be attached: ${why}`);
}

// The holders word of a block in use: its order above, the number of its holders below (docs/threads.md).

const ORDER_SHIFT = 24;
const COUNT: number = (1 << ORDER_SHIFT) - 1;

export function holdersWord(order: number, count: number): number {
  return (order << ORDER_SHIFT) | count;
}

export function holderCount(word: number): number {
  return word & COUNT;
}

export function blockOrder(word: number): number {
  return word >>> ORDER_SHIFT;
}
