import { checkInteger } from '../base/check.js';
import { environment } from '../base/environment.js';
import { MAX_ORDER } from '../blocks/buddy-blocks.js';
import type { BuddyWaiter, Waiter, WaitingRequest, WaitRegistration } from './wait-strategy.js';

/** After waiting for this many ms a request goes before all that waited less, and may have a region reserved. */
const PATIENCE = 10;

// How many ms older the head of a line counts, so that what is hard to satisfy and what presses comes earlier. The
// figures are the Rust crate's (arena-alligator 0.7, async_alloc.rs); the cap is not: without one a long line overtakes
// the oldest request for ever.
const ORDER_BONUS = 0.05;
const DEPTH_BONUS = 0.005;
const LARGEST_DEPTH_BONUS = 1;

/** How often one order may win in a row while another could be served (the Rust crate's figure). */
const LONGEST_STREAK = 10;

/**
 * The default strategy of both arenas: first in, first out in a fixed arena; in a buddy arena a line for each order,
 * served by age with bonuses for larger orders and longer lines, and a region reserved for who waits too long.
 * An instance serves one arena.
 */
export class NotifyWaiters implements Waiter, BuddyWaiter {
  /** By order. */
  private readonly lines: Line[] = [];
  private arrivals = 0;
  private lastWinner = -1;
  private streak = 0;

  /** @throws TypeError, RangeError for an order that no arena has */
  register(order = 0): WaitRegistration {
    checkInteger(order, 'order', 0, MAX_ORDER);
    const { lines } = this;
    while (lines.length <= order) lines.push(new Line(lines.length));
    return new NotifyRegistration(lines[order] as Line, this.arrivals++);
  }

  wake(freedOrder = 0): void {
    // Units that one more request may need. Hints use it up; a size that proved too large bounds it.
    let room = 2 ** freedOrder;
    for (let head = this.next(room); head !== undefined; head = this.next(room)) {
      const { line, request } = head;
      if (request !== undefined && !request.claim()) {
        // Still there: nothing as large can be had. Gone: it had been aborted.
        if (line.head === head) room = line.units - 1;
        continue;
      }
      if (request === undefined) room -= line.units;
      head.wake();
      this.countWin(line.order);
    }
    this.reserveForOldest();
  }

  /** Reserves a region for the one that has waited longest of those for whom it can be done. */
  private reserveForOldest(): void {
    // The smallest size has no use for a region, and a fixed arena no other line.
    if (this.lines.length < 2) return;
    const overdue = this.lines.flatMap(({ head }) => (head !== undefined && isOverdue(head) ? [head] : []));
    overdue.sort((one, other) => one.arrival - other.arrival).some(({ request }) => request?.reserve());
  }

  /** Who is served next of those that need at most `room` units. */
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

/** The requests of one order, first in, first out: a list, so that those who give up leave in constant time. */
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

  /** Since when the head waits, bonuses included, in ms: the least is served first. Infinity for an empty line. */
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
  /** Tells apart who came first where the clock does not. */
  readonly arrival: number;
  request: WaitingRequest | undefined;
  previous: NotifyRegistration | undefined;
  next: NotifyRegistration | undefined;
  private inLine = false;
  private resolve: () => void = () => undefined;

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
