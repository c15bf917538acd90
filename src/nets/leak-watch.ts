import { environment } from '../base/environment.js';
import { callSite, type Opening, type Site } from '../base/site.js';
import type { HandleFactory } from '../engine/handle-factory.js';
import type { OpenAllocation } from '../engine/leaks.js';
import type { Allocation, AllocationOwner, Trace } from '../handles/allocation.js';
import { ArenaBuffer, Bytes } from '../handles/handles.js';
import { RawRegion } from '../handles/raw-region.js';
import { PassingOwner } from './passing-owner.js';

/**
 * `sampled` watches one allocation in this many, on average. Recording a stack takes 10 to 15 us, so that costs 1 to
 * 2 ns an allocation. The distance between two samples is random, so that every site of a program that allocates in a
 * regular rhythm gets watched.
 */
export const SAMPLED_ONE_IN = 8192;

/** The number of the newest opening in this thread. Openings are counted from 1. */
let lastNumber = 0;

/**
 * The watched allocations that were forgotten last, for test suites. They may outlive their arena. No more are kept
 * than a test needs to fail.
 */
const lost: Opening[] = [];
const MOST_LOST = 1000;

/** Returns the number of the newest opening in this thread. */
export function newestOpening(): number {
  return lastNumber;
}

/** Returns the allocations that were opened after opening `number` and that the collector found forgotten. */
export function lostSince(number: number): OpenAllocation[] {
  return lost.filter((opening) => opening.number > number).map(asSeen);
}

/**
 * Watches with an open allocation that may still be forgotten. They are kept alive here: otherwise an arena that is
 * forgotten together with its handles would be collected together with its registry, and no leak would be reported.
 */
const watching = new Set<LeakWatch>();

/** The open allocations of an arena in this thread that are watched. */
export class LeakWatch {
  private readonly openings = new Set<Opening>();
  private readonly pinned = new Set<Opening>();
  private readonly engine: WatchedOwner;

  constructor(engine: AllocationOwner) {
    this.engine = new WatchedOwner(engine, this);
  }

  /** Watches an allocation until it comes back or leaves the thread. */
  open(record: Allocation, site: Site): void {
    const bytes = record.limit - record.offset;
    const number = ++lastNumber;
    const opening = { number, site, openedAt: environment.now(), bytes, isLent: false, isPinned: false };
    this.openings.add(opening);
    watching.add(this);
    record.trace.opening = opening;
    record.owner = this.engine;
  }

  /** Ends watching the allocation of `trace`, whose record the collector found. */
  lose(trace: Trace): Opening | undefined {
    const opening = this.close(trace);
    if (opening !== undefined && lost.push(opening) > MOST_LOST) lost.shift();
    return opening;
  }

  /** Ends watching the allocation of `trace`. A pinned allocation stays open for ever. */
  close(trace: Trace): Opening | undefined {
    const { opening } = trace;
    trace.opening = undefined;
    if (opening === undefined) return undefined;
    opening.isPinned = trace.lent;
    opening.isLent ||= trace.lent;
    if (trace.lent) this.pinned.add(opening);
    this.openings.delete(opening);
    if (this.openings.size === 0) watching.delete(this);
    return opening;
  }

  /** Returns the open allocations, the oldest first. @param after only allocations with a higher opening number */
  openAllocations(after = 0): OpenAllocation[] {
    return [...this.pinned, ...this.openings]
      .filter(({ number }) => number > after)
      .sort((one, other) => one.number - other.number)
      .map(asSeen);
  }
}

function asSeen({ site, openedAt, bytes, isPinned }: Opening): OpenAllocation {
  const age = environment.now() - openedAt;
  return Object.freeze({ site: site.place, stack: site.stack, age, bytes, pinned: isPinned });
}

/** The owner of watched records. It notices when a record comes back or leaves the thread. */
class WatchedOwner extends PassingOwner {
  private readonly watch: LeakWatch;

  constructor(engine: AllocationOwner, watch: LeakWatch) {
    super(engine);
    this.watch = watch;
  }

  override release(record: Allocation): void {
    this.end(record);
    super.release(record);
  }

  override departed(record: Allocation): void {
    this.end(record);
    super.departed(record);
  }

  private end(record: Allocation): void {
    record.owner = this.engine;
    record.trace.lent = false; // the allocation came back, so its lent views are no longer in use
    this.watch.close(record.trace);
  }
}

/** Makes plain handles, and watches every allocation that has a site. */
export class WatchedHandles implements HandleFactory {
  readonly violations: readonly string[] = [];
  private readonly watch: LeakWatch;
  private readonly samples: boolean;
  /** Number of allocations until the next watched one, that one included. */
  private untilSample = distance();

  constructor(watch: LeakWatch, samples: boolean) {
    this.watch = watch;
    this.samples = samples;
  }

  site(): Site | undefined {
    if (this.samples) {
      if (--this.untilSample > 0) return undefined;
      this.untilSample = distance();
    }
    return callSite();
  }

  buffer(record: Allocation, site: Site | undefined): ArenaBuffer {
    if (site !== undefined) this.watch.open(record, site);
    return ArenaBuffer.over(record);
  }

  region(record: Allocation, site: Site | undefined): RawRegion {
    if (site !== undefined) this.watch.open(record, site);
    return RawRegion.over(record);
  }

  bytes(record: Allocation, offset: number, length: number, site: Site | undefined): Bytes {
    if (site !== undefined) this.watch.open(record, site);
    return Bytes.over(record, offset, length);
  }

  lost(trace: Trace): Opening | undefined {
    return this.watch.lose(trace);
  }

  openAllocations(after?: number): OpenAllocation[] {
    return this.watch.openAllocations(after);
  }

  inspect(): void {}
}

function distance(): number {
  return 1 + Math.floor(Math.random() * (2 * SAMPLED_ONE_IN - 1));
}
