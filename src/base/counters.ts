// Indices of the counters in a Float64Array. A float64 is exact up to 2^53 and never changes its representation. A
// field of an object would change it when the count outgrows a small integer.
export const ALLOCATIONS_OK = 0;
export const ALLOCATIONS_FAILED = 1;
export const FREES = 2;
export const FROZEN = 3;
export const SPILLS = 4;
export const LEAKS_RECLAIMED = 5;
export const LEAKS_PINNED = 6;
/** Number of counters. */
export const COUNTERS = 7;

// Counters of waits, in an array of their own.
/** Requests that wait now. */
export const WAITING_NOW = 0;
export const WAITS_SERVED = 1;
export const WAITS_CANCELLED = 2;
/** The longest wait that has ended, in ms. */
export const LONGEST_WAIT = 3;
/** How many there are. */
export const WAIT_COUNTERS = 4;
