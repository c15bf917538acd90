import { environment } from '../base/environment.js';
import type { Engine } from '../engine/engine.js';
import { openSites } from '../engine/leaks.js';

/** After how many ms a stall is reported, unless the builder says otherwise. */
export const DEFAULT_STALL = 10_000;

/** How many sites the warning names. */
const MOST_SITES = 3;

/**
 * Warns, once for each arena, when requests have waited for long and no memory came back meanwhile. Often a task then holds
 * memory while it waits for more, and waits for ever. The timer does not keep the program running.
 */
export class StallWatch {
  private readonly engine: Engine;
  private readonly after: number;
  /** When the oldest request began to wait, and how many wait; undefined when none waits. */
  private readonly waits: () => { readonly since: number; readonly count: number } | undefined;
  private isWatching = false;
  private hasWarned = false;
  private freesBefore = 0;

  /** @param after ms, or 0 for no warning */
  constructor(engine: Engine, after: number, waits: StallWatch['waits']) {
    this.engine = engine;
    this.after = after;
    this.waits = waits;
  }

  /** A request begins to wait. */
  start(): void {
    if (this.isWatching || this.hasWarned || this.after === 0) return;
    this.isWatching = true;
    this.freesBefore = this.engine.metrics().frees;
    // Weak: an arena that nobody waits for any more can be collected before the timer runs.
    const self = new WeakRef(this);
    environment.startIdleTimer(() => self.deref()?.look(), this.after);
  }

  private look(): void {
    this.isWatching = false;
    const waits = this.waits();
    if (waits === undefined || this.engine.closed) return;
    const age = environment.now() - waits.since;
    // A request that began later than the timer has its full time too.
    if (this.engine.metrics().frees > this.freesBefore || age < this.after) this.start();
    else this.warn(waits.count, age);
  }

  private warn(count: number, age: number): void {
    this.hasWarned = true;
    const { bytesLive, bytesReserved } = this.engine.metrics();
    const requests = count === 1 ? '1 request has' : `${count} requests have`;
    const sites = openSites(this.engine.handles.openAllocations())
      .slice(0, MOST_SITES)
      .map(({ site, count: held, bytes }) => `\n  ${held} of ${bytes} bytes together, from ${site}`);
    const holders =
      sites.length > 0 ? `Open allocations:${sites.join('')}` : "Build with leakDetection('full') to see what holds it";
    this.engine.events.tell({ type: 'stall', waiting: count, age });
    environment.warn(
      `${requests} waited for memory for up to ${Math.round(age)} ms, and none came back meanwhile: ` +
        `${bytesLive} of ${bytesReserved} bytes are in use. ` +
        `Does a task that holds memory of this arena wait for more? ${holders}`,
      'ARENA_STALLED',
    );
  }
}
