import { abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { environment, type Timer, throwLater } from '../base/environment.js';
import type { Site } from '../base/site.js';
import type { Reservation } from '../blocks/reservation.js';
import type { Engine, ReleaseListener } from '../engine/engine.js';
import type { ArenaBuffer } from '../handles/handles.js';
import type { MemoryPressure } from '../handles/memory-pressure.js';
import { checkWaitOptions, timeoutError, type WaitOptions } from './wait-options.js';
import type { BuddyWaiter, WaitingRequest, WaitRegistration } from './wait-strategy.js';

/** Who waits for an arena, and how it went. */
export interface WaitMetrics {
  /** Requests that wait now. */
  readonly waiting: number;
  /** Requests that had to wait and got their memory. */
  readonly waitsServed: number;
  /** Requests that waited in vain: aborted, timed out, or ended by `close()`. */
  readonly waitsCancelled: number;
  /** The longest wait so far in ms, of those that still wait too. */
  readonly longestWait: number;
}

/** How long a reservation may take to become whole, in ms: at first, and after it doubled each time it did not. */
const SHORTEST_RESERVATION = 100;
const LONGEST_RESERVATION = 10_000;

/**
 * Lines that somebody waits in. An arena that only they refer to must stay: the collector's word about its forgotten
 * handles is what they wait for.
 */
const awaited = new Set<WaitLine>();

/** How other threads come to know that this one waits. */
export interface OtherThreads {
  /**
   * Asks them to hand over a block of `oldest` order and one of `smallest`, -1 for none.
   * @returns whether that is news: then memory may have come free before they knew
   */
  ask(oldest: number, smallest: number): boolean;
}

/** Sets a region of an order aside; undefined where none can ever become whole. */
export type Reserve = (order: number) => Reservation | undefined;

/**
 * The requests that wait for an engine's memory. Who is next is the strategy's business; that each is settled once, and
 * that a wait holds nothing when it ends, is decided here (docs/waiting.md, W1 to W11).
 */
export class WaitLine {
  private readonly engine: Engine;
  private readonly strategy: BuddyWaiter;
  private readonly reserve: Reserve | undefined;
  private otherThreads: OtherThreads | undefined;
  /** In the order of their coming. */
  private readonly waits = new Set<Wait>();
  private readonly listensAlways: boolean;
  private reserved: { readonly reservation: Reservation; readonly wait: Wait; readonly timer: Timer } | undefined;
  /** Orders of what came free and the strategy was not told yet. */
  private readonly untold: number[] = [];
  private isWaking = false;
  private served = 0;
  private cancelled = 0;
  private longestWait = 0;
  private readonly onRelease: ReleaseListener = (freedOrder) => this.released(freedOrder);

  /** @param listensAlways whether the strategy is woken by every release, and not only while something waits */
  constructor(engine: Engine, strategy: BuddyWaiter, listensAlways: boolean, reserve?: Reserve) {
    this.engine = engine;
    this.strategy = strategy;
    this.listensAlways = listensAlways;
    this.reserve = reserve;
    this.otherThreads = undefined;
    if (listensAlways) engine.onRelease(this.onRelease);
  }

  /**
   * A buffer of `capacity` bytes over a block of `order`, as soon as there is one.
   * @throws AllocError ARENA_CLOSED; TypeError, RangeError for bad options; the reason of a signal that is aborted
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
      this.engine.pressure.waiting++;
      awaited.add(this);
      this.engine.onRelease(this.onRelease);
      try {
        wait.limit(signal, timeout);
        if (!this.waits.has(wait)) wait.unlimit(); // a signal that is no AbortSignal may have closed the arena
        this.enlist(wait);
        this.askOthers();
        this.engine.pressure.relieve(() => !this.waits.has(wait));
      } catch (error) {
        this.cancel(wait, error);
      }
    });
  }

  /** Has other threads asked for what is waited for here. */
  askOf(otherThreads: OtherThreads): void {
    this.otherThreads = otherThreads;
  }

  /** Another thread handed a block of `order` over, or may have freed one: serves those who wait here. */
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

  /** Ends all waits, after the engine was closed. */
  close(): void {
    this.endReservation();
    for (const wait of this.waits) this.cancel(wait, this.engine.refusal('ARENA_CLOSED'));
  }

  metrics(): WaitMetrics {
    let { longestWait } = this;
    for (const { since } of this.waits) {
      longestWait = Math.max(longestWait, environment.now() - since);
      break; // the first waits longest
    }
    return { waiting: this.waits.size, waitsServed: this.served, waitsCancelled: this.cancelled, longestWait };
  }

  /** Who can give memory back when somebody waits. */
  get pressure(): MemoryPressure {
    return this.engine.pressure;
  }

  /** Units that are set aside: neither live nor free. */
  get reservedUnits(): number {
    return this.reserved?.reservation.units ?? 0;
  }

  /** Gives `wait` its memory, if that can be had now. */
  claimFor(wait: Wait): boolean {
    if (!this.waits.has(wait) || this.engine.closed) return false;
    let buffer: ArenaBuffer;
    try {
      // Aborted, but another wait with that signal was told first, and what it left is being handed out.
      if (wait.signal?.aborted) throw abortReason(wait.signal);
      // A signal that is no AbortSignal may have done anything when asked.
      if (!this.waits.has(wait)) return false;
      const record = this.engine.claimOrWait(wait.order, wait.capacity);
      if (record === undefined) return false;
      buffer = this.engine.handles.buffer(record, wait.site);
    } catch (error) {
      this.cancel(wait, error); // or another thread closed the arena just now, or the runtime has no memory
      return false;
    }
    this.forget(wait);
    this.served++;
    wait.resolve(buffer);
    this.wakeAll(this.leave(wait));
    return true;
  }

  /** Sets a region aside for `wait`, if none is and its last one was not too lately. */
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

  /** Something in the region of `wait` is held for long, perhaps by who waits for what was kept: lets the others on. */
  private expire(wait: Wait, lifetime: number): void {
    wait.mayReserveAt = environment.now() + lifetime;
    wait.nextReservation = Math.min(2 * lifetime, LONGEST_RESERVATION);
    this.wakeAll(this.endReservation());
  }

  /** Ends `wait` with `reason`, if it still waits. */
  cancel(wait: Wait, reason: unknown): void {
    if (!this.waits.has(wait)) return;
    this.forget(wait);
    this.cancelled++;
    wait.reject(reason);
    this.wakeAll(this.leave(wait));
  }

  private forget(wait: Wait): void {
    this.waits.delete(wait);
    this.engine.pressure.waiting--;
  }

  /** Puts `wait` into the strategy's line, unless there is memory for it after all. */
  private enlist(wait: Wait): void {
    const registration = this.strategy.register(wait.order);
    wait.registration = registration;
    registration.prepare(wait);
    // A strategy may release memory meanwhile, or close the arena.
    if (this.waits.has(wait)) this.claimFor(wait);
    if (!this.waits.has(wait)) attempt(() => registration.revoke());
    else registration.woken.then(() => this.hinted(wait)).catch((error: unknown) => this.cancel(wait, error));
  }

  /** The strategy told `wait` to try again. Where it claimed the memory itself, nothing is left to do. */
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
      // What is pinned never comes back: another region will have to do.
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

  /** Lets go of everything that `wait`, which is settled, had. @returns the orders of what that set free */
  private leave(wait: Wait): readonly number[] {
    if (this.waits.size === 0) {
      awaited.delete(this);
      if (!this.listensAlways) this.engine.onRelease(undefined);
    }
    this.longestWait = Math.max(this.longestWait, environment.now() - wait.since);
    attempt(() => wait.registration?.revoke());
    attempt(() => wait.unlimit());
    if (!this.isWaking) this.askOthers();
    return this.reserved?.wait === wait ? this.endReservation() : [];
  }

  /** @returns the orders of what that set free */
  private endReservation(): readonly number[] {
    if (this.reserved === undefined) return [];
    const { reservation, timer } = this.reserved;
    this.reserved = undefined;
    environment.stopTimer(timer);
    this.engine.useBlocks(reservation.blocks);
    return reservation.end();
  }
}

/** Runs code of the program's, whose error harms nobody here. */
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
  signal: AbortSignal | undefined;
  registration: WaitRegistration | undefined;
  wasGranted = false;
  /** When a region may be reserved again, on the environment's clock, and for how many ms. */
  mayReserveAt = 0;
  nextReservation: number = SHORTEST_RESERVATION;
  readonly reject: (reason: unknown) => void;
  private readonly line: WaitLine;
  private readonly grant: (buffer: ArenaBuffer) => void;
  private timer: Timer | undefined;
  private readonly onAbort = (): void => this.line.cancel(this, this.signal && abortReason(this.signal));

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

  limit(signal: AbortSignal | undefined, timeout: number | undefined): void {
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
