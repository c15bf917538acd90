// The shared memory through which the scheduler and the stepped threads talk: some words for each thread.

/** The most threads that a scenario can have. */
export const THREADS = 4;
export const THREAD_WORDS = 32;

/** How many operations the thread may do, or KILL. */
export const BUDGET = 0;
/** What the thread is doing. The thread sets it when it stops; the scheduler sets RUNNING. */
export const STATUS = 1;
/** How many operations the thread has done in this run. */
export const STEPS = 2;
/** The address that the thread sleeps on, or -1; and whether that address was notified since. */
export const ADDRESS = 3;
export const WOKEN = 4;
/** The points that the thread counted in its run. */
export const RESULT = 5;
/** The number of the run that the thread must do. The thread sleeps on this word. */
export const ROUND = 6;
/** The thread's id. */
export const ID = 7;

export const KILL = -1;

export const RUNNING = 0;
/** Stopped before an operation. */
export const PARKED = 1;
/** Asleep until it is woken. */
export const BLOCKED = 2;
export const DONE = 3;
/** Ready to begin: the preparations are done. */
export const READY = 4;
/** The thread threw an error that the scenario does not expect. */
export const FAILED = 5;

/** The ADDRESS of a thread that waits for the death of another thread. */
export const DEATH = -2;
