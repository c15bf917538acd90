import { type Figures, measureOperation } from './measure.js';

/** One thing that is measured, in a process of its own. */
export interface Case {
  /** `row/subject`: a row is work, and all subjects of a row do the same. */
  readonly id: string;
  /**
   * Sets up, checks the result once, warms up, measures for about `ms` milliseconds, and checks that all came back.
   * @throws when anything is not as it should be
   */
  readonly run: (ms: number) => Figures | Promise<Figures>;
  /** Whether it needs Node's own modules or workers as Node has them. */
  readonly nodeOnly?: boolean;
}

/** What is done again and again, set up. */
export interface Operation {
  /** Its result is what keeps a compiler from leaving the work out. */
  readonly turn: () => unknown;
  /** What one turn counts for; 1 unless said. */
  readonly count?: number;
  /** Called once it is over. @throws unless everything came back */
  readonly end?: (() => void) | undefined;
  /** Times as long as the others are measured: for what shows in the collector only. */
  readonly effort?: number;
}

/** A case that is one operation. `prepare` looks at its result once, before the clock runs. */
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
