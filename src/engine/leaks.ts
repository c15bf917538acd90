import { environment, throwLater } from '../base/environment.js';
import type { Opening } from '../base/site.js';

/** For which allocations the site is recorded: for none, for one in 8,192 on average, or for all. */
export type LeakDetection = 'off' | 'sampled' | 'full';
export const LeakDetection = { Off: 'off', Sampled: 'sampled', Full: 'full' } as const;

/** An allocation that leaked: the collector found that all its handles were forgotten. */
export interface Leak {
  /** Where it was allocated: the first stack frame outside the library. Undefined if it was not recorded. */
  readonly site: string | undefined;
  /** The stack of the allocation. Undefined if it was not recorded. */
  readonly stack: string | undefined;
  /** Ms from the allocation until the collector found it. Undefined if the allocation was not recorded. */
  readonly age: number | undefined;
  /** Size of its slot or block in bytes. */
  readonly bytes: number;
  /** Whether its memory stays in use for ever, because a view of it had been lent. */
  readonly pinned: boolean;
  /**
   * Whether a view of it had been lent. In an arena that is neither isolated nor guarded, it is pinned then. Isolated
   * arenas do not know, and always report false.
   */
  readonly lent: boolean;
}

/** An allocation that has not come back. */
export interface OpenAllocation {
  /** Where it was allocated: the first stack frame outside the library. */
  readonly site: string;
  readonly stack: string;
  /** Ms since it was allocated. */
  readonly age: number;
  /** Visible bytes. */
  readonly bytes: number;
  /** Whether it never comes back, because it was forgotten after a view of it had been lent. */
  readonly pinned: boolean;
}

/** The allocations of one site that have not come back. */
export interface OpenSite {
  readonly site: string;
  /** The stack of the oldest allocation. */
  readonly stack: string;
  readonly count: number;
  readonly bytes: number;
  /** Age of the oldest allocation, in ms. */
  readonly oldest: number;
}

/** Groups open allocations by their sites. The site that holds the most bytes comes first. */
export function openSites(open: readonly OpenAllocation[]): OpenSite[] {
  const sites = new Map<string, OpenSite>();
  for (const { site, stack, age, bytes } of open) {
    const known = sites.get(site);
    sites.set(site, {
      site,
      stack: known === undefined || age > known.oldest ? stack : known.stack,
      count: (known?.count ?? 0) + 1,
      bytes: (known?.bytes ?? 0) + bytes,
      oldest: Math.max(known?.oldest ?? 0, age),
    });
  }
  return [...sites.values()].sort((one, other) => other.bytes - one.bytes);
}

export type LeakListener = (leak: Leak) => void;

/** The sites of leaks that the program was warned of, and whether the leak pinned memory. */
const warned = new Set<string>();

/** Reports the leaks that the collector finds: each one to `onLeak`, or without it one process warning per site. */
export class LeakReporter {
  private readonly onLeak: LeakListener | undefined;
  private hasWarnedOfUnknown = false;

  constructor(onLeak: LeakListener | undefined) {
    this.onLeak = onLeak;
  }

  /** @param tell is told of the leak, too */
  report(opening: Opening | undefined, bytes: number, pinned: boolean, tell: LeakListener): void {
    const age = opening && environment.now() - opening.openedAt;
    const { place: site, stack } = opening?.site ?? {};
    const leak = Object.freeze({ site, stack, age, bytes, pinned, lent: opening?.isLent ?? pinned });
    tell(leak);
    if (this.onLeak === undefined) {
      this.warn(opening, bytes, pinned);
      return;
    }
    try {
      this.onLeak(leak);
    } catch (error) {
      throwLater(error);
    }
  }

  private warn(opening: Opening | undefined, bytes: number, pinned: boolean): void {
    if (opening === undefined) {
      if (!pinned || this.hasWarnedOfUnknown) return;
      this.hasWarnedOfUnknown = true;
      environment.warn(
        `${PINNED} (metrics().leaksPinned counts these leaks; leakDetection() shows where they were allocated)`,
        PINNED_CODE,
      );
      return;
    }
    const { site, openedAt, isLent } = opening;
    // A leak that pins memory gets its own warning, even after a warning of a harmless leak of the same site.
    const what = `${pinned} ${site.place}`;
    if (warned.has(what) || warned.size === MOST_WARNINGS) return;
    warned.add(what);
    const age = Math.round(environment.now() - openedAt);
    const happened = pinned
      ? PINNED
      : isLent
        ? `${FORGOTTEN}; a view had been lent: in an arena that is neither guarded nor isolated, it would stay pinned`
        : FORGOTTEN;
    environment.warn(
      `${happened}. It held ${bytes} bytes for ${age} ms, and was allocated\n${site.stack}`,
      pinned ? PINNED_CODE : 'ARENA_LEAK',
    );
  }
}

/** A program that makes up code at run time has new sites all the time: without a limit they would fill the memory. */
const MOST_WARNINGS = 1000;

const FORGOTTEN = 'a handle was forgotten without release(); the collector gave its memory back';
const PINNED_CODE = 'ARENA_LEAK_PINNED';
const PINNED =
  'a handle was forgotten without release() while a view of its memory had been lent; the memory stays pinned';
