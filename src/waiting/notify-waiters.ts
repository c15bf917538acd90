import { checkInteger } from '../base/check.js';
import { doNothing } from '../base/do-nothing.js';
import { environment } from '../base/environment.js';
import { MAX_ORDER } from '../blocks/buddy-blocks.js';
import type { BuddyWaiter, Waiter, WaitingRequest, WaitRegistration } from './wait-strategy.js';

/** A request that has waited this many ms goes before all that waited less, and may have a region reserved for it. */
const PATIENCE = 10;

// Bonuses in ms. The head of a line counts as older by ORDER_BONUS for each order and by DEPTH_BONUS for each request
// in its line, so that large requests and long lines are served earlier. Both figures come from the Rust crate
// (arena-alligator 0.7, async_alloc.rs). The cap on the bonus for a long line does not: without a cap a long line
// overtakes the oldest request for ever.
const ORDER_BONUS = 0.05;
const DEPTH_BONUS = 0.005;
const LARGEST_DEPTH_BONUS = 1;

/** How many times in a row one order may win while another could be served (the figure of the Rust crate). */
const LONGEST_STREAK = 10;

/**
 * The default strategy of both arenas. A fixed arena serves requests first in, first out. A buddy arena has a line for
 * each order. It serves the lines by age, with bonuses for larger orders and longer lines, and reserves a region for a
 * request that waits too long. An instance serves one arena.
 */
export class NotifyWaiters implements Waiter, BuddyWaiter {
  /** The lines, indexed by order. */
  private readonly lines: Line[] = [];
  private arrivals = 0;
  private lastWinner = -1;
  private streak = 0;

  /** @throws TypeError, RangeError for an order that no arena can have */
  register(order = 0): WaitRegistration {
    checkInteger(order, 'order', 0, MAX_ORDER);
    const { lines } = this;
    while (lines.length <= order) lines.push(new Line(lines.length));
    return new NotifyRegistration(lines[order] as Line, this.arrivals++);
  }

  wake(freedOrder = 0): void {
    // The most units that the next request may need. A hint uses units up. After a claim that failed, only smaller
    // requests are tried.
    let room = 2 ** freedOrder;
    for (let head = this.next(room); head !== undefined; head = this.next(room)) {
      const { line, request } = head;
      if (request !== undefined && !request.claim()) {
        // If the request is still the head, no block of its size is free. Otherwise it was aborted and left the line.
        if (line.head === head) room = line.units - 1;
        continue;
      }
      if (request === undefined) room -= line.units;
      head.wake();
      this.countWin(line.order);
    }
    this.reserveForOldest();
  }

  /** Reserves a region for the oldest overdue request that can have one. */
  private reserveForOldest(): void {
    // Requests of the smallest size do not need a region, and a fixed arena has no other line.
    if (this.lines.length < 2) return;
    const overdue = this.lines.flatMap(({ head }) => (head !== undefined && isOverdue(head) ? [head] : []));
    overdue.sort((one, other) => one.arrival - other.arrival).some(({ request }) => request?.reserve());
  }

  /** Returns the request to serve next, of those that need at most `room` units. */
  private next(room: number): NotifyRegistration | undefined {
    const oldest = this.oldest(room);
    return oldest === undefined || isOverdue(oldest) ? oldest : this.mostPressing(room);
  }

  private oldest(room: number): NotifyRegistration | undefined {
    let oldest: NotifyRegistration | undefined;
    for (const { head, units } of this.lines) {
      if (units > room) break;
      if (head !== undefined && (oldest === undefined || head.arrival < oldest.arrival)) oldest = head;
    }
    return oldest;
  }

  private mostPressing(room: number): NotifyRegistration | undefined {
    const banned = this.streak >= LONGEST_STREAK ? this.lastWinner : -1;
    let best: Line | undefined;
    for (const line of this.lines) {
      if (line.units > room) break;
      if (line.head === undefined) continue;
      if (best === undefined || best.order === banned || (line.order !== banned && line.pressure < best.pressure)) {
        best = line;
      }
    }
    return best?.head;
  }

  private countWin(order: number): void {
    this.streak = order === this.lastWinner ? this.streak + 1 : 1;
    this.lastWinner = order;
  }
}

/**
 * The requests of one order, first in, first out. It is a linked list, so that a request that gives up leaves in
 * constant time.
 */
class Line {
  readonly order: number;
  readonly units: number;
  head: NotifyRegistration | undefined;
  private tail: NotifyRegistration | undefined;
  private length = 0;

  constructor(order: number) {
    this.order = order;
    this.units = 2 ** order;
  }

  /**
   * The time in ms from which the head waits, less its bonuses. The line with the smallest value is served first.
   * Infinity for an empty line.
   */
  get pressure(): number {
    if (this.head === undefined) return Number.POSITIVE_INFINITY;
    const depthBonus = Math.min(this.length * DEPTH_BONUS, LARGEST_DEPTH_BONUS);
    return this.head.since - this.order * ORDER_BONUS - depthBonus;
  }

  append(entry: NotifyRegistration): void {
    entry.previous = this.tail;
    if (this.tail === undefined) this.head = entry;
    else this.tail.next = entry;
    this.tail = entry;
    this.length++;
  }

  remove(entry: NotifyRegistration): void {
    const { previous, next } = entry;
    if (previous === undefined) this.head = next;
    else previous.next = next;
    if (next === undefined) this.tail = previous;
    else next.previous = previous;
    entry.previous = undefined;
    entry.next = undefined;
    this.length--;
  }
}

class NotifyRegistration implements WaitRegistration {
  readonly line: Line;
  readonly woken: Promise<void>;
  readonly since: number = environment.now();
  /** Shows which of two requests came first when the clock does not. */
  readonly arrival: number;
  request: WaitingRequest | undefined;
  previous: NotifyRegistration | undefined;
  next: NotifyRegistration | undefined;
  private inLine = false;
  private resolve: () => void = doNothing;

  constructor(line: Line, arrival: number) {
    this.line = line;
    this.arrival = arrival;
    this.woken = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  prepare(request?: WaitingRequest): void {
    if (this.inLine) return;
    this.request = request;
    this.line.append(this);
    this.inLine = true;
  }

  revoke(): void {
    if (!this.inLine) return;
    this.line.remove(this);
    this.inLine = false;
  }

  wake(): void {
    this.revoke();
    this.resolve();
  }
}

function isOverdue(entry: NotifyRegistration): boolean {
  return environment.now() - entry.since >= PATIENCE;
}
