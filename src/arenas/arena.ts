import { checkFunction } from '../base/check.js';
import { WAIT_COUNTERS } from '../base/counters.js';
import type { PinnedBlock } from '../blocks/block-source.js';
import type { ArenaMetrics, Engine, FreeVisitor, ThreadFigures } from '../engine/engine.js';
import type { ArenaListener } from '../engine/events.js';
import type { OpenAllocation } from '../engine/leaks.js';
import type { Bytes } from '../handles/handles.js';
import type { Ticket } from '../handles/tickets.js';
import { recordHandles } from '../nets/recorded-handles.js';
import { WAITS } from '../shared/lane.js';
import type { SharedThread, WatchedWorker } from '../shared/thread.js';
import { LineFeeder } from '../shared/waiting.js';
import { WaitLine } from '../waiting/wait-line.js';
import type { BuddyWaiter } from '../waiting/wait-strategy.js';

/**
 * What fixed and buddy arenas have in common.
 *
 * `allocate` stands in each arena. Its signature differs, and one method for both kinds would call `claim` on up to ten
 * classes from one place, where V8 remembers four: in a process that had used eight kinds of arena, a round trip took
 * 1.4 times as long in a fixed arena and 1.2 times in a buddy arena (Node 20).
 */
export abstract class Arena {
  /** @internal */
  protected readonly engine: Engine;

  /** @internal */
  protected constructor(engine: Engine) {
    if (engine?.handles === undefined)
      throw new TypeError(
        `${new.target.name} is made by a builder: see FixedArena.withSlotCapacity() and BuddyArena.builder()`,
      );
    this.engine = engine;
    engine.arena = this;
  }

  /** The counters now, as a frozen object. */
  abstract metrics(): Readonly<ArenaMetrics>;

  /**
   * The allocations that have not come back, the oldest first. Leak detection decides which are listed: `full` lists
   * all, `sampled` some, `off` none. In a shared arena the list has what this thread holds.
   */
  openAllocations(): OpenAllocation[] {
    return this.engine.handles.openAllocations();
  }

  /**
   * Calls `listener` for every {@link ArenaEvent}: an allocation is refused, a buffer spills, the collector finds a
   * leak, a request waits, wakes or stalls, a dead thread's memory is reclaimed, the arena is closed. In a shared arena
   * it hears what happens in this thread. An error of the listener becomes an uncaught exception.
   * @returns a function that ends the listening
   * @throws TypeError unless `listener` is a function
   */
  listen(listener: ArenaListener): () => void {
    checkFunction(listener, 'listener');
    return this.engine.listen(listener);
  }

  /** @internal As {@link Engine.visitFree}. */
  visitFree(visit: FreeVisitor): boolean {
    return this.engine.visitFree(visit);
  }

  /** @internal As {@link recordHandles}. */
  record(): ReturnType<typeof recordHandles> {
    return recordHandles(this.engine);
  }

  /** @internal As {@link Engine.threads}. */
  threads(): readonly ThreadFigures[] {
    return this.engine.threads();
  }

  /** @internal The blocks that never come back. */
  get pinnedBlocks(): readonly PinnedBlock[] {
    return this.engine.pinnedBlocks;
  }

  /** @internal What a guarded arena has to report. */
  violations(): readonly string[] {
    const { handles } = this.engine;
    handles.inspect();
    return handles.violations;
  }

  /** Refuses new allocations from now on. Live handles stay valid. A second call does nothing. */
  close(): void {
    this.engine.close();
  }

  /** Whether {@link close} was called. */
  get isClosed(): boolean {
    return this.engine.closed;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What JSON shows: the metrics, never the memory. */
  toJSON(): ReturnType<this['metrics']> {
    return this.metrics() as ReturnType<this['metrics']>;
  }

  /** @internal @param stride bytes between touches, or undefined for none */
  touchPages(stride: number | undefined): void {
    if (stride !== undefined) this.engine.touchPages(stride);
  }
}

/** What an arena adds when several threads share it. */
export interface ThreadMembers {
  /** The id of this thread, for {@link reclaim} in another one. It is the runtime's thread id where there is one. */
  readonly threadId: number;

  /**
   * The bytes of a ticket that `toTicket()` made in this or another thread. The ticket is used up.
   * @throws TypeError for what is no ticket of this arena; ReleasedError when the ticket was redeemed before, or
   *   revoked by {@link reclaim}; AllocError ARENA_CLOSED after {@link detach}
   */
  redeem(ticket: Ticket): Bytes;

  /**
   * Returns everything that a dead thread held: its allocations, the message it was about to send, and its open
   * tickets. The thread must have ended. To reclaim a running thread corrupts its data.
   * @returns the number of allocations that the thread held; 0 for a thread that was not attached
   * @throws TypeError, RangeError unless it is the id of another thread
   */
  reclaim(threadId: number): number;

  /**
   * Reclaims what `worker` holds when it exits, however it exits. Call it while the worker runs. On Deno an exit event
   * does not prove that the worker has ended, so there the method only warns.
   * @throws TypeError, RangeError unless it is a running worker
   */
  watch(worker: WatchedWorker): void;

  /**
   * Leaves the arena in this thread. From now on this thread cannot allocate, send, receive or redeem; its waits are
   * rejected with ARENA_CLOSED. Live handles stay valid. When the last one is released, another thread can take the
   * place.
   */
  detach(): void;
}

/** The arena of class `Shared` that this thread works with from now on. */
export function arenaInThread<Shared extends object>(
  Shared: new (thread: SharedThread, line: WaitLine) => Shared,
  thread: SharedThread,
  waiters: BuddyWaiter,
  listensAlways: boolean,
): Shared {
  const { stallAfter } = thread.tools.control.plan;
  const counts = thread.tools.lane.counters.subarray(WAITS, WAITS + WAIT_COUNTERS);
  const line = new WaitLine(thread.engine, waiters, { listensAlways, stallAfter, counts });
  line.askOf(new LineFeeder(thread.engine, line, thread.sleeper));
  const arena = new Shared(thread, line);
  thread.register(arena);
  return arena;
}
