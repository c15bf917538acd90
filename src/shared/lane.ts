import { COUNTERS as ENGINE_COUNTERS, WAIT_COUNTERS } from '../base/counters.js';

// A lane is what one attached thread records about itself in shared memory (docs/threads.md shows the layout). Indices
// are in 32-bit words from the lane's start. Only the lane's thread writes to it, except to STATE, WAKE and the cells.
// A thread that reclaims the lane of a dead thread takes the dead thread's place.

/**
 * LANE_FREE, or the thread's id and whether the lane is in use or being reclaimed. Both are in one word, so that no
 * thread mistakes one state for another.
 */
export const STATE = 0;
/** Odd while an operation may have memory in its hands, or may hide memory by a hint. */
export const EPOCH = 2;
/** Changes when the thread must look again. The thread sleeps on this word. */
export const WAKE = 3;
/** 1 + the first unit of the block that this thread owns; 0 for none. An owned block is neither free nor in use. */
export const OWNED = 4;
/** Order of the owned block. */
export const ORDER = 5;
/** 1 + the index in the control memory of the tree word that an operation is at. */
export const AT = 6;
/** 1 + the number of the message that this thread owns; 0 for none. */
export const MESSAGE = 7;
/** Always 0: messages are blocks of order 0 in a separate tree. */
export const MESSAGE_ORDER = 8;
/** As {@link AT}, for the message tree. */
export const MESSAGE_AT = 9;
/** Whether the owned message counts as a holder of its block. */
export const COUNTED = 10;
/** 1 + the number of the lane that this thread is reclaiming; 0 for none. */
export const RECLAIMING = 11;
/** Whether the thread has ever issued a ticket. */
export const ISSUED = 12;
/** The first of the requests for memory: {@link CELLS} cells of two words each, the state and the arrival number. */
export const CELL = 14;
export const CELLS = 3;
/**
 * The three cells: one for the request that has waited longest in the thread, one for the thread's smallest request if
 * that is smaller, and one for a request that blocks the thread.
 */
export const OLDEST_CELL = 0;
export const SMALLEST_CELL = 1;
export const BLOCKING_CELL = 2;

/** For each level of the tree: the word that this thread claims from, and leaves open when all of it is free. */
export const CURRENT = 48;
/** As {@link CURRENT}, for the message tree, which has one level. */
export const MESSAGE_CURRENT = 56;

/** Index of the first counter, in 64-bit floats from the lane's start. */
const COUNTERS = 32;
/** Number of words before the holds: 512 bytes, so that no two threads write to the same cache line. */
export const LANE_HEADER = 128;

export const LANE_FREE = 0;

/** The STATE of a lane that the thread with this id uses. */
export function activeState(threadId: number): number {
  return (threadId << 2) | 1;
}

/** The STATE of a lane that is being reclaimed from the thread with this id. */
export function reclaimedState(threadId: number): number {
  return (threadId << 2) | 2;
}

export function isActive(state: number): boolean {
  return (state & 3) === 1;
}

/** The lane of one thread. */
export interface Lane {
  readonly number: number;
  /** Index of the lane in the control memory, in words. */
  readonly start: number;
  /** The lane's words. */
  readonly words: Int32Array;
  /** The lane's counters. */
  readonly counters: Float64Array;
  /** For each unit: how many times this thread counts as a holder of the block that begins there. */
  readonly holds: Int32Array;
}

/** Lane `number` in `control`, where the lanes begin at word `lanes`. */
export function laneAt(control: Int32Array, lanes: number, number: number, units: number, counters: number): Lane {
  const start = lanes + number * laneWords(units);
  const { buffer } = control;
  const at = control.byteOffset + start * 4;
  return {
    number,
    start,
    words: new Int32Array(buffer, at, LANE_HEADER),
    counters: new Float64Array(buffer, at + COUNTERS * 8, counters),
    holds: new Int32Array(buffer, at + LANE_HEADER * 4, units),
  };
}

/** Size of a lane in words, a multiple of 64. */
export function laneWords(units: number): number {
  return LANE_HEADER + Math.ceil(units / 64) * 64;
}

/** Marks the lane as under way. Calls can be nested. @returns the value to give to {@link leave} */
export function enter(lane: Int32Array): number {
  const before = lane[EPOCH] as number;
  lane[EPOCH] = before | 1;
  return before;
}

export function leave(lane: Int32Array, before: number): void {
  if ((before & 1) === 0) lane[EPOCH] = before + 2;
}

// Counters of a lane behind those that every engine has. They count what cannot be told from one thread's view.

/** Units of all blocks that this thread claimed, and that it gave back. */
export const UNITS_CLAIMED: number = ENGINE_COUNTERS;
export const UNITS_FREED: number = ENGINE_COUNTERS + 1;
export const SPLITS: number = ENGINE_COUNTERS + 2;
export const COALESCES: number = ENGINE_COUNTERS + 3;
/** What message numbers split and merge: always 0, they are all of one order. */
export const NONE: number = ENGINE_COUNTERS + 4;
/** The first of the {@link WAIT_COUNTERS} counters of waits. */
export const WAITS: number = ENGINE_COUNTERS + 5;
/** Counters of a lane. */
export const LANE_COUNTERS: number = WAITS + WAIT_COUNTERS;
