import { environment, throwLater } from '../base/environment.js';
import type { Opening } from '../base/site.js';

/** Which allocations have their sites recorded: none, one in 8,192 on average, or all. */
export type LeakDetection = 'off' | 'sampled' | 'full';
export const LeakDetection = { Off: 'off', Sampled: 'sampled', Full: 'full' } as const;

/** An allocation whose handles were all forgotten, as the collector found out. */
export interface Leak {
  /** Where it was allocated: the first stack frame outside the library; undefined unless that was recorded. */
  readonly site: string | undefined;
  /** The stack of the allocation; undefined unless that was recorded. */
  readonly stack: string | undefined;
  /** Ms from the allocation until the collector found it; undefined unless that was recorded. */
  readonly age: number | undefined;
  /** Bytes of its slot or block. */
  readonly bytes: number;
  /** Whether its memory stays in use for ever, because a view of it had been lent. */
  readonly pinned: boolean;
  /** Whether a view of it had been lent: in an arena that is neither isolated nor guarded it is pinned then. Not known of isolated ones. */
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
  /** Whether it was forgotten while a view of it had been lent: it never comes back. */
  readonly pinned: boolean;
}

/** What of one place has not come back. */
export interface OpenSite {
  readonly site: string;
  /** The stack of the oldest one. */
  readonly stack: string;
  readonly count: number;
  readonly bytes: number;
  /** Age of the oldest one in ms. */
  readonly oldest: number;
}

/** Groups open allocations by where they were made, those that hold the most bytes first. */
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

/** Sites that this program was warned of. */
const warned = new Set<string>();

/** Tells of what the collector found: `onLeak` of every leak, or else a process warning once a site. */
export class LeakReporter {
  private readonly onLeak: LeakListener | undefined;
  private hasWarnedOfUnknown = false;

  constructor(onLeak: LeakListener | undefined) {
    this.onLeak = onLeak;
  }

  report(opening: Opening | undefined, bytes: number, pinned: boolean): void {
    if (this.onLeak === undefined) {
      this.warn(opening, bytes, pinned);
      return;
    }
    const age = opening && environment.now() - opening.openedAt;
    try {
      const { place: site, stack } = opening?.site ?? {};
      this.onLeak(Object.freeze({ site, stack, age, bytes, pinned, lent: opening?.isLent ?? pinned }));
    } catch (error) {
      throwLater(error);
    }
  }

  private warn(opening: Opening | undefined, bytes: number, pinned: boolean): void {
    if (opening === undefined) {
      if (!pinned || this.hasWarnedOfUnknown) return;
      this.hasWarnedOfUnknown = true;
      environment.warn(`${PINNED} (metrics().leaksPinned counts such leaks; leakDetection() tells where)`, PINNED_CODE);
      return;
    }
    const { site, openedAt, isLent } = opening;
    // One that pins memory is told although a harmless one of that site was.
    const what = `${pinned} ${site.place}`;
    if (warned.has(what) || warned.size === MOST_WARNINGS) return;
    warned.add(what);
    const age = Math.round(environment.now() - openedAt);
    const happened = pinned
      ? PINNED
      : isLent
        ? `${FORGOTTEN}; a view of it had been lent: elsewhere it would be pinned`
        : FORGOTTEN;
    environment.warn(
      `${happened}. It had ${bytes} bytes for ${age} ms, and was allocated\n${site.stack}`,
      pinned ? PINNED_CODE : 'ARENA_LEAK',
    );
  }
}

/** What a program that makes up code at run time could otherwise fill the memory with. */
const MOST_WARNINGS = 1000;

const FORGOTTEN = 'a handle was forgotten without release(); the collector gave its memory back';
const PINNED_CODE = 'ARENA_LEAK_PINNED';
const PINNED =
  'a handle was forgotten without release() while a view of its memory had been lent; the memory stays pinned';
