// What one attached thread writes down about itself, in shared memory (docs/threads.md, "How it is laid out"). Indices are
// 32-bit words from the lane's start. Only the lane's thread writes here, but for STATE, WAKE and the cells; who reclaims
// the lane of a dead thread takes its place.

/** LANE_FREE, or the thread's id and whether the lane is in use or being reclaimed: one word, so that nobody takes one for the other. */
export const STATE = 0;
/** Odd while an operation may have memory in its hands, or hide some by a hint. */
export const EPOCH = 2;
/** Changes when the thread is to look again; it sleeps on this word. */
export const WAKE = 3;
/** 1 + first unit of the block that this thread owns: neither free nor in use. 0 for none. */
export const OWNED = 4;
/** Order of the block that is owned. */
export const ORDER = 5;
/** 1 + index in the control memory of the tree word that an operation is at. */
export const AT = 6;
/** 1 + number of the message that this thread owns. 0 for none. */
export const MESSAGE = 7;
/** Stays 0: messages are blocks of order 0 in a tree of their own. */
export const MESSAGE_ORDER = 8;
/** As {@link AT}, in the message tree. */
export const MESSAGE_AT = 9;
/** Whether the message that is owned counts as a holder of its block. */
export const COUNTED = 10;
/** 1 + the lane that this thread is reclaiming. */
export const RECLAIMING = 11;
/** Whether the thread ever issued a ticket. */
export const ISSUED = 12;
/** Requests for memory: {@link CELLS} cells of two words, the state and the number of arrival. */
export const CELL = 14;
export const CELLS = 3;
/** For the request that has waited longest in the thread, for its smallest one where that is smaller, and for one that blocks it. */
export const OLDEST_CELL = 0;
export const SMALLEST_CELL = 1;
export const BLOCKING_CELL = 2;

/** By level of the tree: the word that this thread claims from, and leaves open when all of it is free. */
export const CURRENT = 48;
/** As {@link CURRENT}, in the message tree, of one level. */
export const MESSAGE_CURRENT = 56;

/** Index of the first counter, in 64-bit floats from the lane's start. */
const COUNTERS = 12;
/** Words before the holds; 256 bytes, so that no two threads write to one cache line. */
export const LANE_HEADER = 64;

export const LANE_FREE = 0;

/** The STATE of a lane that the thread of this id uses. */
export function activeState(threadId: number): number {
  return (threadId << 2) | 1;
}

/** The STATE of a lane that somebody reclaims from the thread of this id. */
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
  /** By unit: how many holders of the block that begins there this thread is. */
  readonly holds: Int32Array;
}

/** The lane of `number` in `control`, where lanes begin at word `lanes`. */
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

/** Words of a lane, a multiple of 64. */
export function laneWords(units: number): number {
  return LANE_HEADER + Math.ceil(units / 64) * 64;
}

/** Marks the lane as under way. @returns what {@link leave} is to be given; one may be inside the other */
export function enter(lane: Int32Array): number {
  const before = lane[EPOCH] as number;
  lane[EPOCH] = before | 1;
  return before;
}

export function leave(lane: Int32Array, before: number): void {
  if ((before & 1) === 0) lane[EPOCH] = before + 2;
}
