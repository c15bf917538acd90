import { checkInteger, describe } from '../base/check.js';
import { ArenaError } from '../base/errors.js';
import type { HandleFactory } from '../engine/handle-factory.js';
import { BuddyArena, FixedArena, type OpenAllocation, openSites } from '../index.js';
import { lostSince, newestOpening } from '../nets/leak-watch.js';
import { watchedHandles } from '../nets/nets.js';

/** Something was not released, was forgotten, or was used after it had been given up. */
export class UnreleasedError extends ArenaError {
  override readonly name: string = 'UnreleasedError';
  declare readonly code: 'UNRELEASED';

  constructor(problems: readonly string[]) {
    super('UNRELEASED', problems.join('\n\n'));
  }
}

/**
 * Asserts that everything that was ever allocated from `arena` was released, none of it by the collector, and that a guarded arena has
 * nothing to report that was thrown at nobody. It looks back on the arena's whole life: take an arena for each test. With `guarded()` or
 * `leakDetection('full')` the message says where things were allocated.
 * @throws UnreleasedError; TypeError unless it is an arena
 */
export function assertAllReleased(arena: FixedArena | BuddyArena): void {
  if (!(arena instanceof FixedArena || arena instanceof BuddyArena)) {
    throw new TypeError(`arena must be a FixedArena or a BuddyArena, got ${describe(arena)}`);
  }
  const { allocationsOk, frees, leaksReclaimed, leaksPinned } = arena.metrics();
  const problems: string[] = [];
  const forgotten = leaksReclaimed + leaksPinned;
  if (forgotten > 0) problems.push(`${FORGOTTEN}: ${forgotten}`);
  const open = allocationsOk - frees - leaksPinned;
  if (open > 0) problems.push(describeAll(`${NOT_RELEASED}: ${open}`, arena.openAllocations()));
  problems.push(...arena.violations());
  if (problems.length > 0) throw new UnreleasedError(problems);
}

/** The hooks of a test runner: those of `node:test`, vitest and Jest, among others. */
export interface TestHooks {
  beforeEach(hook: () => void): unknown;
  afterEach(hook: () => Promise<void>): unknown;
}

export interface LeakyTestOptions {
  /** How long what a test began may take to give its memory back after the test has ended, in ms, 0 to 2^31 - 1. Default 100. */
  readonly patience?: number;
}

const PATIENCE = 100;
const PAUSE = 5;
const NOT_RELEASED = 'allocations that were not released';
const FORGOTTEN = 'allocations that were forgotten, and found by the collector';

// Those of the start: tests put others in their place.
const { setTimeout } = globalThis;

/**
 * Fails every test after which something that it allocated is not released, was found forgotten by the collector, or was used wrongly:
 * in all arenas of this thread that are `guarded()` or have `leakDetection('full')`. What was allocated before the test (in a fixture)
 * may stay. Tests must run one after the other.
 *
 * What a test gives back in an `afterEach` hook must come before this one: with `node:test` call it after those hooks were registered, with
 * vitest (which runs them backwards) before. What it gives back in `context.after` comes too late.
 *
 *     import { afterEach, beforeEach } from 'node:test';
 *     failLeakyTests({ beforeEach, afterEach });
 *
 * @throws TypeError, RangeError unless `patience` is an integer from 0 to 2^31 - 1
 */
export function failLeakyTests(hooks: TestHooks, { patience = PATIENCE }: LeakyTestOptions = {}): void {
  checkInteger(patience, 'patience', 0, 2 ** 31 - 1);
  // A subtest runs within its parent.
  const watches: TestWatch[] = [];
  hooks.beforeEach(() => {
    watches.push(new TestWatch());
  });
  hooks.afterEach(async () => {
    const watch = watches.pop();
    if (watch === undefined) return;
    for (let waited = 0; waited < patience && watch.open().length > 0; waited += PAUSE) await pause(PAUSE);
    const problems = watch.problems();
    if (problems.length > 0) throw new UnreleasedError(problems);
  });
}

/** What happened in all watched arenas since a moment. */
class TestWatch {
  private readonly newest = newestOpening();
  private readonly violations = new Map<HandleFactory, number>();

  constructor() {
    for (const handles of watchedHandles()) this.violations.set(handles, handles.violations.length);
  }

  open(): OpenAllocation[] {
    return watchedHandles().flatMap((handles) => handles.openAllocations(this.newest).filter(({ pinned }) => !pinned));
  }

  problems(): string[] {
    const open = this.open();
    const lost = lostSince(this.newest);
    return [
      ...(open.length > 0 ? [describeAll(`${NOT_RELEASED}: ${open.length}`, open)] : []),
      ...(lost.length > 0 ? [describeAll(`${FORGOTTEN}: ${lost.length}`, lost)] : []),
      ...watchedHandles().flatMap((handles) => {
        handles.inspect();
        return handles.violations.slice(this.violations.get(handles) ?? 0);
      }),
    ];
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function describeAll(what: string, allocations: readonly OpenAllocation[]): string {
  const sites = openSites(allocations).map(
    ({ count, bytes, stack }) => `${count} of ${bytes} bytes, allocated\n${stack}`,
  );
  return `${what}\n${sites.length > 0 ? sites.join('\n') : "leakDetection('full') or guarded() tells where"}`;
}
