// The memory by which the scheduler and the threads it steps talk: words of each thread.

/** Threads of a scenario at most. */
export const THREADS = 4;
export const THREAD_WORDS = 32;

/** How many operations the thread may do, or KILL. */
export const BUDGET = 0;
/** What the thread is doing; it is changed by the thread. */
export const STATUS = 1;
/** How many operations it did. */
export const STEPS = 2;
/** What it sleeps on, or -1; and whether that was notified since. */
export const ADDRESS = 3;
export const WOKEN = 4;
/** What it has to say about its run. */
export const RESULT = 5;
/** Which of the runs it is to do; the thread sleeps on it. */
export const ROUND = 6;
/** Its thread id. */
export const ID = 7;

export const KILL = -1;

export const RUNNING = 0;
/** Before an operation. */
export const PARKED = 1;
/** Asleep until it is woken. */
export const BLOCKED = 2;
export const DONE = 3;
/** Ready to begin, after its preparations. */
export const READY = 4;
/** It threw what it should not have. */
export const FAILED = 5;

/** What a thread that waits for the death of another sleeps on. */
export const DEATH = -2;
