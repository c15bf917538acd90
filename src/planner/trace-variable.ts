/** The environment variable with the path of the trace file, which tells the recorder to record. */
export const TRACE_VARIABLE = 'ARENA_ALLIGATOR_TRACE';
