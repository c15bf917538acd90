import { type Figures, measureOperation } from './measure.js';

/** One measurement. It runs in its own process. */
export interface Case {
  /** `row/subject`. A row is a piece of work, and all its subjects do the same work. */
  readonly id: string;
  /**
   * Sets up, checks the result once, warms up, measures for about `ms` milliseconds, and checks that all memory was
   * returned.
   * @throws Error when a check fails
   */
  readonly run: (ms: number) => Figures | Promise<Figures>;
  /** Whether the case needs Node's own modules, or workers that behave as Node's do. */
  readonly nodeOnly?: boolean;
}

/** An operation that is set up and ready to be repeated. */
export interface Operation {
  /** Runs once. The loop stores the result, so that a compiler cannot remove the work. */
  readonly turn: () => unknown;
  /** How many operations one turn counts for. Default 1. */
  readonly count?: number;
  /** Called once at the end. @throws Error when some memory was not returned */
  readonly end?: (() => void) | undefined;
  /**
   * Factor for the measured time, default 1. Larger for an operation whose cost shows only in the garbage collector's
   * work.
   */
  readonly effort?: number;
}

/** A case that repeats one operation. `prepare` checks the result once, before the clock starts. */
export function operationCase(id: string, prepare: () => Operation | Promise<Operation>): Case {
  return {
    id,
    run: async (ms) => {
      const { turn, count = 1, end, effort = 1 } = await prepare();
      const figures = await measureOperation(turn, count, ms * effort);
      end?.();
      return figures;
    },
  };
}
