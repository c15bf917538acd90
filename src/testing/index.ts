import { checkInteger, describe } from '../base/check.js';
import { ArenaError } from '../base/errors.js';
import type { HandleFactory } from '../engine/handle-factory.js';
import { BuddyArena, FixedArena, type OpenAllocation, openSites } from '../index.js';
import { lostSince, newestOpening } from '../nets/leak-watch.js';
import { watchedHandles } from '../nets/nets.js';

/** Memory was not released, was forgotten, or was used wrongly after its release. */
export class UnreleasedError extends ArenaError {
  override readonly name: string = 'UnreleasedError';
  declare readonly code: 'UNRELEASED';

  constructor(problems: readonly string[]) {
    super('UNRELEASED', problems.join('\n\n'));
  }
}

/**
 * Asserts that everything that was ever allocated from `arena` was released, and that the collector released none of
 * it. Also asserts that a guarded arena has no misuse to report that was not thrown as an error. It checks the whole
 * life of the arena, so make a new arena for each test. With `guarded()` or `leakDetection('full')` the message says
 * where the memory was allocated.
 * @throws UnreleasedError UNRELEASED when any of this does not hold; TypeError unless `arena` is an arena
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

/** The hooks of a test runner, such as `node:test`, vitest or Jest. */
export interface TestHooks {
  beforeEach(hook: () => void): unknown;
  afterEach(hook: () => Promise<void>): unknown;
}

export interface LeakyTestOptions {
  /**
   * How long the memory of a test may take to come back after the test has ended, in ms, 0 to 2^31 - 1. Default 100.
   */
  readonly patience?: number;
}

const PATIENCE = 100;
const PAUSE = 5;
const NOT_RELEASED = 'allocations that were not released';
const FORGOTTEN = 'allocations that were forgotten, and found by the collector';

// The original function: tests may replace the global one.
const { setTimeout } = globalThis;

/**
 * Fails every test that leaks or misuses memory: an allocation of the test was not released, was found forgotten by the
 * collector, or was used wrongly. It watches all arenas of this thread that are `guarded()` or have
 * `leakDetection('full')`. Memory that was allocated before the test (in a fixture) may stay. Tests must run one after
 * the other.
 *
 * If a test releases memory in an `afterEach` hook, that hook must run before the hook of this function. With
 * `node:test`, call this function after those hooks were registered. With vitest, which runs hooks in reverse order,
 * call it before. Memory that is released in `context.after` comes back too late.
 *
 *     import { afterEach, beforeEach } from 'node:test';
 *     failLeakyTests({ beforeEach, afterEach });
 *
 * @throws TypeError, RangeError unless `patience` is an integer from 0 to 2^31 - 1
 */
export function failLeakyTests(hooks: TestHooks, { patience = PATIENCE }: LeakyTestOptions = {}): void {
  checkInteger(patience, 'patience', 0, 2 ** 31 - 1);
  // A stack, because a subtest runs inside its parent.
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

/** What happened in all watched arenas since this object was made. */
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
  return `${what}\n${sites.length > 0 ? sites.join('\n') : "use leakDetection('full') or guarded() to see where"}`;
}
