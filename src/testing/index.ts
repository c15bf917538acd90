import { environment } from '../environment.js';
import { ArenaError } from '../errors.js';
import type { HandleFactory } from '../handle-factory.js';
import { type BuddyArena, type FixedArena, type OpenAllocation, openSites } from '../index.js';
import { watchedHandles } from '../nets.js';

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
 * nothing to report. With `guarded()` or `leakDetection('full')` the message says where it was allocated.
 * @throws UnreleasedError
 */
export function assertAllReleased(arena: FixedArena | BuddyArena): void {
  const { allocationsOk, frees, leaksReclaimed, leaksPinned } = arena.metrics();
  const problems = arena.violations();
  const open = allocationsOk - frees - leaksPinned;
  if (open > 0) problems.unshift(describeOpen(open, arena.openAllocations()));
  if (leaksReclaimed + leaksPinned > 0) problems.unshift(describeLost(leaksReclaimed + leaksPinned));
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

/**
 * Fails every test after which something that it allocated is not released, was found forgotten by the collector, or was used wrongly:
 * in all arenas of this thread that are `guarded()` or have `leakDetection('full')`. What was allocated before the test (in a fixture)
 * may stay. Tests must run one after the other.
 *
 *     import { afterEach, beforeEach } from 'node:test';
 *     failLeakyTests({ beforeEach, afterEach });
 */
export function failLeakyTests(hooks: TestHooks, { patience = PATIENCE }: LeakyTestOptions = {}): void {
  let watch = new TestWatch();
  hooks.beforeEach(() => {
    watch = new TestWatch();
  });
  hooks.afterEach(async () => {
    const deadline = environment.now() + patience;
    while (watch.hasOpen() && environment.now() < deadline) await pause(PAUSE);
    const problems = watch.problems();
    if (problems.length > 0) throw new UnreleasedError(problems);
  });
}

/** What happened in all watched arenas since a moment. */
class TestWatch {
  private readonly since = environment.now();
  private readonly before = new Map(
    watchedHandles().map((handles) => [handles, { lost: handles.lostCount, violations: handles.violations().length }]),
  );

  hasOpen(): boolean {
    return watchedHandles().some((handles) => this.openOf(handles).length > 0);
  }

  problems(): string[] {
    return watchedHandles().flatMap((handles) => {
      const { lost, violations } = this.before.get(handles) ?? { lost: 0, violations: 0 };
      const open = this.openOf(handles);
      const forgotten = handles.lostCount - lost;
      return [
        ...(open.length > 0 ? [describeOpen(open.length, open)] : []),
        ...(forgotten > 0 ? [describeLost(forgotten)] : []),
        ...handles.violations().slice(violations),
      ];
    });
  }

  private openOf(handles: HandleFactory): OpenAllocation[] {
    return handles.openAllocations(this.since).filter(({ pinned }) => !pinned);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => environment.startTimer(resolve, ms));
}

function describeOpen(count: number, open: readonly OpenAllocation[]): string {
  const sites = openSites(open).map(
    ({ count: times, bytes, stack }) => `${times} of ${bytes} bytes, allocated\n${stack}`,
  );
  const where = sites.length > 0 ? sites.join('\n') : "leakDetection('full') or guarded() tells where";
  return `${count} allocations were not released\n${where}`;
}

function describeLost(count: number): string {
  return `${count} allocations were forgotten: the collector found them`;
}
