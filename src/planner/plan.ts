import { BuildError } from '../index.js';
import { candidatesFor } from './candidates.js';
import { type Outcome, replay } from './replay.js';
import type { Trace } from './trace.js';

export interface Plan {
  readonly trace: Trace;
  /** All arenas that were tried, the best first: those without failures before the others, by memory, then by time. */
  readonly outcomes: readonly Outcome[];
  readonly best: Outcome;
  /** The best single fixed arena. */
  readonly fixed: Outcome | undefined;
}

/** An arena may need this much more memory than another one and still be better, when it is faster or has no spills. */
const CLOSE = 1.05;

/** Tries arenas with a trace, and ranks them. */
export function planFor(trace: Trace): Plan {
  const outcomes: Outcome[] = [];
  for (const candidate of candidatesFor(trace)) {
    try {
      outcomes.push(replay(trace, candidate));
    } catch (error) {
      if (!(error instanceof BuildError)) throw error; // else this machine does not have that much memory
    }
  }
  outcomes.sort((a, b) => a.failures - b.failures || a.memory - b.memory);
  const [least] = outcomes;
  if (least === undefined) throw new RangeError('no arena of up to 4 GiB holds this trace');
  const close = outcomes.filter(
    ({ failures, memory }) => failures === least.failures && memory <= least.memory * CLOSE,
  );
  const best = close.reduce((one, other) => (isSimpler(other, one) ? other : one));
  const ranked = [best, ...outcomes.filter((outcome) => outcome !== best)];
  return { trace, outcomes: ranked, best, fixed: outcomes.find(({ name }) => name.startsWith('fixed')) };
}

/** Fewer spills, and then less code: fewer size classes. */
function isSimpler(one: Outcome, other: Outcome): boolean {
  return one.spills === other.spills ? one.code.length < other.code.length : one.spills < other.spills;
}
