// Counters are float64, at these indices: exact to 2^53 and never a change of representation, which a field that
// outgrows a small integer would be.
export const ALLOCATIONS_OK = 0;
export const ALLOCATIONS_FAILED = 1;
export const FREES = 2;
export const FROZEN = 3;
export const SPILLS = 4;
export const LEAKS_RECLAIMED = 5;
export const LEAKS_PINNED = 6;
/** How many there are. */
export const COUNTERS = 7;
