import { type AbortSignalLike, abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { LONGEST_WAIT, WAIT_COUNTERS, WAITING_NOW, WAITS_CANCELLED, WAITS_SERVED } from '../base/counters.js';
import { environment, type Timer, throwLater } from '../base/environment.js';
import { shortLived } from '../base/short-lived.js';
import type { Site } from '../base/site.js';
import type { Reservation } from '../blocks/reservation.js';
import type { Engine, ReleaseListener } from '../engine/engine.js';
import type { ArenaBuffer } from '../handles/handles.js';
import type { MemoryPressure } from '../handles/memory-pressure.js';
import { StallWatch } from './stall-watch.js';
import { checkWaitOptions, timeoutError, type WaitOptions } from './wait-options.js';
import type { BuddyWaiter, WaitingRequest, WaitRegistration } from './wait-strategy.js';

/** Counters of the requests that waited for an arena's memory. */
export interface WaitMetrics {
  /** Requests that wait now. */
  readonly waiting: number;
  /** Requests that had to wait and got their memory. */
  readonly waitsServed: number;
  /** Requests that waited and got no memory: aborted, timed out, ended by `close()`, or failed with another error. */
  readonly waitsCancelled: number;
  /** The longest wait so far in ms. Requests that still wait count too. */
  readonly longestWait: number;
}

/**
 * How long a region may take to become whole, in ms: the first one for a request, and the longest one. The time doubles
 * after each region that did not become whole.
 */
const SHORTEST_RESERVATION = 100;
const LONGEST_RESERVATION = 10_000;

/**
 * Lines with a waiting request. The set keeps them and their arenas alive: if handles of an arena were forgotten, the
 * requests wait for the collector to find those handles (W10).
 */
const awaited = new Set<WaitLine>();

/** Tells other threads that this thread waits for memory. */
export interface OtherThreads {
  /**
   * Asks other threads to hand over a block of order `oldest` and one of order `smallest`; -1 asks for none.
   * @returns whether this request is new: then memory may have come free before the other threads saw it
   */
  ask(oldest: number, smallest: number): boolean;
  /** The counters of waits, summed over all threads that ever were; the longest wait of any. */
  waitCounts(): Float64Array;
}

/** How a line of waits is set up. */
export interface LineOptions {
  /** Whether every release wakes the strategy, and not only releases while a request waits. */
  readonly listensAlways: boolean;
  /** After how many ms a stall is reported; 0 for never. */
  readonly stallAfter: number;
  readonly reserve?: Reserve | undefined;
  /** Where this thread counts its waits. Default: in an array of its own. */
  readonly counts?: Float64Array | undefined;
}

/** Sets a region of an order aside. Returns undefined if no region of that order can ever become whole. */
export type Reserve = (order: number) => Reservation | undefined;

/**
 * The requests that wait for an engine's memory. The strategy decides which request is next. This class makes sure
 * that each request is settled once, and that a wait holds nothing when it ends (docs/waiting.md, W1 to W11).
 */
export class WaitLine {
  private readonly engine: Engine;
  private readonly strategy: BuddyWaiter;
  private readonly reserve: Reserve | undefined;
  private otherThreads: OtherThreads | undefined;
  /** In order of arrival. */
  private readonly waits = new Set<Wait>();
  private readonly listensAlways: boolean;
  private reserved: { readonly reservation: Reservation; readonly wait: Wait; readonly timer: Timer } | undefined;
  /** Orders of blocks that came free and that the strategy was not told about yet. */
  private readonly untold: number[] = [];
  private isWaking = false;
  private readonly counts: Float64Array;
  private readonly stalls: StallWatch;
  private readonly onRelease: ReleaseListener = shortLived((freedOrder) => this.released(freedOrder));

  constructor(engine: Engine, strategy: BuddyWaiter, options: LineOptions) {
    const { listensAlways, stallAfter, reserve, counts = new Float64Array(WAIT_COUNTERS) } = options;
    this.engine = engine;
    this.strategy = strategy;
    this.listensAlways = listensAlways;
    this.reserve = reserve;
    this.counts = counts;
    this.stalls = new StallWatch(engine, stallAfter, () => this.oldestWait());
    this.otherThreads = undefined;
    if (listensAlways) engine.onRelease(this.onRelease);
  }

  /**
   * Returns a buffer of `capacity` bytes over a block of `order`, as soon as there is one.
   * @throws AllocError ARENA_CLOSED after the arena was closed; TypeError, RangeError for invalid options; the reason
   *   of a signal that is already aborted
   */
  allocate(order: number, capacity: number, options: WaitOptions | undefined): Promise<ArenaBuffer> {
    const { signal, timeout } = checkWaitOptions(options);
    if (signal?.aborted) throw abortReason(signal);
    const record = this.engine.claimOrWait(order, capacity);
    const { handles } = this.engine;
    const site = handles.site();
    if (record !== undefined) return Promise.resolve(handles.buffer(record, site));
    return new Promise((resolve, reject) => {
      const wait = new Wait(this, order, capacity, site, resolve, reject);
      this.waits.add(wait);
      this.count(WAITING_NOW, 1);
      this.engine.pressure.waiting++;
      awaited.add(this);
      this.engine.onRelease(this.onRelease);
      this.tellParked(capacity);
      try {
        wait.limit(signal, timeout);
        if (!this.waits.has(wait)) wait.unlimit(); // a signal that is not a real AbortSignal may have closed the arena
        this.enlist(wait);
        this.askOthers();
        this.stalls.start();
        this.engine.pressure.relieve(() => !this.waits.has(wait));
      } catch (error) {
        this.cancel(wait, error);
      }
    });
  }

  /** Lets this line ask other threads for the memory that its requests wait for. */
  askOf(otherThreads: OtherThreads): void {
    this.otherThreads = otherThreads;
  }

  /** Serves the requests of this line, after another thread handed a block of `order` over or may have freed one. */
  offered(order: number): void {
    this.wake(order);
  }

  private askOthers(): void {
    if (this.otherThreads === undefined) return;
    let oldest = -1;
    let smallest = -1;
    for (const { order } of this.waits) {
      if (oldest < 0) oldest = order;
      if (smallest < 0 || order < smallest) smallest = order;
      if (smallest === 0) break;
    }
    if (this.otherThreads.ask(oldest, smallest)) this.offered(this.engine.largestFreeOrder());
  }

  /** Ends all waits. The engine was closed before. */
  close(): void {
    this.endReservation();
    for (const wait of this.waits) this.cancel(wait, this.engine.refusal('ARENA_CLOSED'));
  }

  metrics(): WaitMetrics {
    const counts = this.otherThreads?.waitCounts() ?? this.counts;
    let longestWait = counts[LONGEST_WAIT] as number;
    for (const { since } of this.waits) {
      longestWait = Math.max(longestWait, environment.now() - since);
      break; // the first one has waited longest
    }
    return {
      waiting: counts[WAITING_NOW] as number,
      waitsServed: counts[WAITS_SERVED] as number,
      waitsCancelled: counts[WAITS_CANCELLED] as number,
      longestWait,
    };
  }

  /** Holders of spare memory are asked for it whenever a request has to wait (W11). */
  get pressure(): MemoryPressure {
    return this.engine.pressure;
  }

  /** Number of units that are set aside. They are neither live nor free. */
  get reservedUnits(): number {
    return this.reserved?.reservation.units ?? 0;
  }

  /** Gives `wait` its memory if that is free now. @returns whether it did */
  claimFor(wait: Wait): boolean {
    if (!this.waits.has(wait) || this.engine.closed) return false;
    let buffer: ArenaBuffer;
    try {
      // The signal is aborted, but another wait with that signal was cancelled first, and its memory is handed out now.
      if (wait.signal?.aborted) throw abortReason(wait.signal);
      // A signal that is not a real AbortSignal may have run any code when `aborted` was read.
      if (!this.waits.has(wait)) return false;
      const record = this.engine.claimOrWait(wait.order, wait.capacity);
      if (record === undefined) return false;
      buffer = this.engine.handles.buffer(record, wait.site);
    } catch (error) {
      this.cancel(wait, error); // aborted, or another thread just closed the arena, or the runtime has no memory
      return false;
    }
    this.forget(wait);
    this.count(WAITS_SERVED, 1);
    wait.resolve(buffer);
    this.tellWoken(wait, true);
    this.wakeAll(this.leave(wait));
    return true;
  }

  /**
   * Sets a region aside for `wait`, if there is no other region and the pause after its last one is over.
   * @returns whether `wait` has a region now, or was served at once
   */
  reserveFor(wait: Wait): boolean {
    if (this.reserved !== undefined) return this.reserved.wait === wait;
    if (wait.order === 0 || !this.waits.has(wait) || environment.now() < wait.mayReserveAt) return false;
    if (this.engine.largestFreeOrder() >= wait.order) return this.claimFor(wait);
    const reservation = this.reserve?.(wait.order);
    if (reservation === undefined) return false;
    const lifetime = wait.nextReservation;
    const timer = environment.startTimer(() => this.expire(wait, lifetime), lifetime);
    this.reserved = { reservation, wait, timer };
    this.engine.useBlocks(reservation);
    return true;
  }

  /**
   * Ends the region of `wait` because a block in it has been held for too long, and lets the other requests go on. The
   * holder of that block may be waiting for the very memory that the region kept.
   */
  private expire(wait: Wait, lifetime: number): void {
    wait.mayReserveAt = environment.now() + lifetime;
    wait.nextReservation = Math.min(2 * lifetime, LONGEST_RESERVATION);
    this.wakeAll(this.endReservation());
  }

  /** Rejects `wait` with `reason`, if it still waits. */
  cancel(wait: Wait, reason: unknown): void {
    if (!this.waits.has(wait)) return;
    this.forget(wait);
    this.count(WAITS_CANCELLED, 1);
    wait.reject(reason);
    this.tellWoken(wait, false);
    this.wakeAll(this.leave(wait));
  }

  private forget(wait: Wait): void {
    this.waits.delete(wait);
    this.count(WAITING_NOW, -1);
    this.engine.pressure.waiting--;
  }

  private tellParked(bytes: number): void {
    const { events } = this.engine;
    if (events.areHeard('park')) events.tell({ type: 'park', bytes, waiting: this.waits.size });
  }

  private tellWoken({ since }: Wait, served: boolean): void {
    const { events } = this.engine;
    if (!events.areHeard('wake')) return;
    events.tell({ type: 'wake', served, waited: environment.now() - since, waiting: this.waits.size });
  }

  private count(counter: number, change: number): void {
    this.counts[counter] = (this.counts[counter] as number) + change;
  }

  private oldestWait(): { since: number; count: number } | undefined {
    for (const { since } of this.waits) return { since, count: this.waits.size };
    return undefined;
  }

  /** Adds `wait` to the strategy's line, unless there is memory for it after all. */
  private enlist(wait: Wait): void {
    const registration = this.strategy.register(wait.order);
    wait.registration = registration;
    registration.prepare(wait);
    // While it registers, a strategy may release memory or close the arena.
    if (this.waits.has(wait)) this.claimFor(wait);
    if (!this.waits.has(wait)) attempt(() => registration.revoke());
    else registration.woken.then(() => this.hinted(wait)).catch((error: unknown) => this.cancel(wait, error));
  }

  /**
   * Tries again for `wait`, because the strategy resolved its `woken`. If the strategy already claimed the memory,
   * there is nothing left to do. If `wait` was cancelled, the hint is passed on (W8).
   */
  private hinted(wait: Wait): void {
    if (wait.wasGranted) return;
    if (!this.waits.has(wait)) this.wake(this.engine.largestFreeOrder());
    else if (!this.claimFor(wait) && this.waits.has(wait)) this.enlist(wait);
  }

  private released(freedOrder: number): void {
    const { reserved } = this;
    if (reserved?.reservation.isWhole) {
      const freed = this.endReservation();
      this.claimFor(reserved.wait);
      this.wakeAll([freedOrder, ...freed]);
    } else if (freedOrder >= 0) {
      this.wake(freedOrder);
    } else if (this.engine.pinnedBlocks.some(({ block, order }) => reserved?.reservation.overlaps(block, order))) {
      // Pinned memory never comes back, so this region cannot become whole. Another one has to be found.
      this.wakeAll(this.endReservation());
    }
  }

  private wakeAll(freedOrders: readonly number[]): void {
    for (const order of freedOrders) this.wake(order);
  }

  /** Tells the strategy that a block of `freedOrder` came free; -1 for none. */
  private wake(freedOrder: number): void {
    if (freedOrder < 0 || this.engine.closed || (this.waits.size === 0 && !this.listensAlways)) return;
    this.untold.push(freedOrder);
    if (this.isWaking) return;
    this.isWaking = true;
    try {
      for (let order = this.untold.shift(); order !== undefined; order = this.untold.shift()) this.strategy.wake(order);
    } catch (error) {
      this.untold.length = 0;
      throwLater(error);
    } finally {
      this.isWaking = false;
    }
    this.askOthers();
  }

  /**
   * Ends the registration, the signal, the timer and the region of `wait`, which is settled.
   * @returns the orders of the blocks that this set free
   */
  private leave(wait: Wait): readonly number[] {
    if (this.waits.size === 0) {
      awaited.delete(this);
      if (!this.listensAlways) this.engine.onRelease(undefined);
    }
    this.counts[LONGEST_WAIT] = Math.max(this.counts[LONGEST_WAIT] as number, environment.now() - wait.since);
    attempt(() => wait.registration?.revoke());
    attempt(() => wait.unlimit());
    if (!this.isWaking) this.askOthers();
    return this.reserved?.wait === wait ? this.endReservation() : [];
  }

  /** Ends the region, if there is one. @returns the orders of the blocks that this set free */
  private endReservation(): readonly number[] {
    if (this.reserved === undefined) return [];
    const { reservation, timer } = this.reserved;
    this.reserved = undefined;
    environment.stopTimer(timer);
    this.engine.useBlocks(reservation.blocks);
    return reservation.end();
  }
}

/** Runs code of the program. If it throws, the error is thrown in a task of its own and the caller goes on. */
function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    throwLater(error);
  }
}

/** A call of `allocateAsync` that found no memory. */
class Wait implements WaitingRequest {
  readonly order: number;
  readonly capacity: number;
  readonly site: Site | undefined;
  readonly since: number = environment.now();
  signal: AbortSignalLike | undefined;
  registration: WaitRegistration | undefined;
  wasGranted = false;
  /** When the next region may be reserved, in ms on the environment's clock. */
  mayReserveAt = 0;
  /** How long the next region may last, in ms. */
  nextReservation: number = SHORTEST_RESERVATION;
  readonly reject: (reason: unknown) => void;
  private readonly line: WaitLine;
  private readonly grant: (buffer: ArenaBuffer) => void;
  private timer: Timer | undefined;
  private readonly onAbort = shortLived((): void => this.line.cancel(this, this.signal && abortReason(this.signal)));

  constructor(
    line: WaitLine,
    order: number,
    capacity: number,
    site: Site | undefined,
    resolve: (buffer: ArenaBuffer) => void,
    reject: (reason: unknown) => void,
  ) {
    this.line = line;
    this.order = order;
    this.capacity = capacity;
    this.site = site;
    this.grant = resolve;
    this.reject = reject;
  }

  claim(): boolean {
    return this.line.claimFor(this);
  }

  reserve(): boolean {
    return this.line.reserveFor(this);
  }

  resolve(buffer: ArenaBuffer): void {
    this.wasGranted = true;
    this.grant(buffer);
  }

  limit(signal: AbortSignalLike | undefined, timeout: number | undefined): void {
    if (signal !== undefined) {
      this.signal = signal;
      addAbortCallback(signal, this.onAbort);
    }
    if (timeout === undefined) return;
    this.timer = environment.startTimer(() => {
      this.line.cancel(this, timeoutError('no memory came free', timeout));
    }, timeout);
  }

  unlimit(): void {
    if (this.signal !== undefined) removeAbortCallback(this.signal, this.onAbort);
    if (this.timer !== undefined) environment.stopTimer(this.timer);
  }
}
