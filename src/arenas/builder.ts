import type { BuilderMode, Placement, Sharing } from '../base/modes.js';
import type { Engine } from '../engine/engine.js';
import { fasten } from '../nets/nets.js';
import type { SharedThread } from '../shared/thread.js';
import { NotifyWaiters } from '../waiting/notify-waiters.js';
import { type Reserve, WaitLine } from '../waiting/wait-line.js';
import { type BuddyWaiter, checkStrategy, type Waiter } from '../waiting/wait-strategy.js';
import type { Arena } from './arena.js';
import { type Layout, shareLayout, type UnitTraits } from './layout.js';
import { ArenaOptions, PageSize } from './options.js';
import { type Allocator, Unfaulted } from './unfaulted.js';

/**
 * Builds arenas of one kind. A kind says how its units lie in memory, and which classes its arenas have; the order of
 * the steps is the same for all.
 *
 * `Built` is what `build()` gives, and `Waitable` what `buildAsync()` gives.
 */
export abstract class ArenaBuilder<
  Mode extends BuilderMode,
  Shared extends Sharing,
  Plan extends Layout,
  Strategy extends Waiter | BuddyWaiter,
  Built extends Arena & Allocator,
  Waitable extends Arena,
> extends ArenaOptions<Mode, Shared> {
  /** @internal Where the units lie, for an alignment in bytes. @throws BuildError */
  protected readonly plan: (alignment: number, placement: Placement) => Plan;

  protected constructor(plan: (alignment: number, placement: Placement) => Plan) {
    super();
    this.plan = plan;
  }

  /** @internal An arena of this thread alone. */
  protected abstract plainArena(plan: Plan): Arena;
  /** @internal One whose memory can be waited for. */
  protected abstract waitingArena(plan: Plan, waiters: Strategy, listensAlways: boolean): Arena;
  /** @internal One that several threads share. */
  protected abstract sharedArena(plan: Plan, waiters: Strategy | NotifyWaiters, listensAlways: boolean): Arena;

  /**
   * Builds the arena and touches its pages.
   * @throws BuildError SIZE_OVERFLOW; INVALID_GEOMETRY when the alignment exceeds the blocks of an `exact` buddy shape;
   *   INCOMPATIBLE_OPTIONS. Over memory that you provide also SLOT_SIZE_EXCEEDS_BACKING, ZERO_USABLE_SLOTS, and
   *   INVALID_BACKING when an arena was built over it before
   */
  build(): Built {
    const plan = this.resolve();
    return this.prefaulted(this.arenaOver(plan), plan);
  }

  /** Builds the arena without touching its pages. @throws BuildError as {@link build} */
  buildUnfaulted(): Unfaulted<Built> {
    const plan = this.resolve();
    const stride = this.pageStride(plan.owned ? PageSize.Auto : PageSize.Unknown);
    const arena = this.arenaOver(plan);
    return Unfaulted.over(arena, () => arena.touchPages(stride));
  }

  /**
   * Builds an arena with `allocateAsync()`, which waits for memory. It excludes raw access.
   * @throws BuildError as {@link build}
   */
  buildAsync(this: ArenaBuilder<'standard' | 'spill', Shared, Plan, Strategy, Built, Waitable>): Waitable {
    return this.asyncArena(new NotifyWaiters(), false);
  }

  /**
   * As {@link buildAsync}, with a strategy of your own: `waiters` decides who is served next. Every release that leaves
   * a free block calls its `wake`.
   * @throws TypeError unless it has `register` and `wake`; BuildError as {@link build}
   */
  buildAsyncWith(
    this: ArenaBuilder<'standard' | 'spill', Shared, Plan, Strategy, Built, Waitable>,
    waiters: Strategy,
  ): Waitable {
    return this.asyncArena(checkStrategy(waiters), true);
  }

  /** @internal This thread in a new shared arena. @throws BuildError */
  protected share(layout: Layout, traits: UnitTraits): SharedThread {
    const { zeroes, spills, raw, maxThreads, stallAfter } = this;
    const { onLeak, leakDetection, guarded } = this.nets;
    return shareLayout(
      layout,
      { ...traits, maxThreads, zeroes, spills, raw, leakDetection, guarded, stallAfter },
      onLeak,
    );
  }

  /** @internal */
  protected withNets<E extends Engine>(engine: E): E {
    fasten(engine, this.nets);
    return engine;
  }

  /** @internal */
  protected lineFor(engine: Engine, waiters: BuddyWaiter, listensAlways: boolean, reserve?: Reserve): WaitLine {
    return new WaitLine(engine, waiters, { listensAlways, stallAfter: this.stallAfter, reserve });
  }

  private resolve(): Plan {
    const plan = this.plan(this.alignmentBytes, this.placement);
    this.checkPlacement(plan);
    return plan;
  }

  private arenaOver(plan: Plan): Built {
    const arena = this.maxThreads > 0 ? this.sharedArena(plan, new NotifyWaiters(), false) : this.plainArena(plan);
    return arena as Built;
  }

  private asyncArena(waiters: Strategy | NotifyWaiters, listensAlways: boolean): Waitable {
    this.checkWaitable();
    const plan = this.resolve();
    const build = this.maxThreads > 0 ? this.sharedArena : this.waitingArena;
    return this.prefaulted(build.call(this, plan, waiters as Strategy, listensAlways) as Waitable, plan);
  }
}
