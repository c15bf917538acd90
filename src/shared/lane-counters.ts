import { COUNTERS } from '../base/counters.js';

// Counters of a lane behind those that every engine has. They count what cannot be told from one thread's view.

/** Units of all blocks that this thread claimed, and that it gave back. */
export const UNITS_CLAIMED: number = COUNTERS;
export const UNITS_FREED: number = COUNTERS + 1;
export const SPLITS: number = COUNTERS + 2;
export const COALESCES: number = COUNTERS + 3;
/** What message numbers split and merge: always 0, they are all of one order. */
export const NONE: number = COUNTERS + 4;
/** Counters of a lane. */
export const LANE_COUNTERS: number = COUNTERS + 5;
