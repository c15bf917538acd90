import { compareExchange, compareExchange64, load, load64 } from './atomics.js';
import { COUNTED, MESSAGE } from './lane.js';

/** What a cell holds besides its position: 1 + a message, nothing, or the end. */
const NOTHING = 0;
const END = -1;

// Two 32-bit words and the 64-bit one that they make: what a cell holds, and its position.
const pair: Int32Array = new Int32Array(2);
const whole: BigInt64Array = new BigInt64Array(pair.buffer);

function cellOf(position: number, held: number): bigint {
  pair[0] = held;
  pair[1] = position;
  return whole[0] as bigint;
}

/** Words of a ring for `capacity` messages. */
export function ringWords(capacity: number): number {
  return CELLS_AT + 2 * (capacity + 1);
}

// In words, each on a cache line of its own.
const HEAD = 0;
const TAIL = 32;
const CELLS_AT = 64;

/** What {@link Ring.receive} answers when there is nothing. */
export const RING_EMPTY = -1;
export const RING_ENDED = -2;

/**
 * A queue of message numbers for any number of senders and receivers, first in, first out. After Vyukov's bounded queue in that
 * each cell carries its position; but a cell's position and content are one 64-bit word, so that one compare-and-swap
 * sends, one receives, and a thread that dies leaves nothing half done (docs/threads.md, T8).
 *
 *     head            tail
 *      v                v
 *     [ 4: m7 | 5: m2 | 6: - | 3: - ]        position: message
 *
 * Head and tail only follow: whoever finds them behind moves them on. The end is a cell too, at which no tail ever passes;
 * there is one cell more than the capacity, so that there is always room for it.
 */
export class Ring {
  private readonly words: Int32Array;
  private readonly cells: BigInt64Array;
  private readonly capacity: number;
  private readonly size: number;
  /** Positions count up to here and begin at 0 again: a multiple of the size, so that no cell is skipped. */
  private readonly turn: number;
  private readonly journal: Int32Array;

  /** @param journal the own lane, where a message is noted that came out, and one that went in is forgotten */
  constructor(buffer: SharedArrayBuffer, start: number, capacity: number, journal: Int32Array) {
    this.words = new Int32Array(buffer, start * 4, CELLS_AT);
    this.size = capacity + 1;
    this.cells = new BigInt64Array(buffer, (start + CELLS_AT) * 4, this.size);
    this.capacity = capacity;
    this.turn = Math.floor((2 ** 31 - 1) / this.size) * this.size;
    this.journal = journal;
  }

  /** Writes an empty ring into fresh memory. */
  clear(): void {
    for (let position = 0; position < this.size; position++) this.cells[position] = cellOf(position, NOTHING);
  }

  /**
   * Sends the message that this thread owns.
   * @returns whether there was room
   */
  send(message: number): boolean {
    const { words, cells, journal } = this;
    for (;;) {
      const tail = load(words, TAIL);
      const index = tail % this.size;
      const cell = load64(cells, index);
      whole[0] = cell;
      const held = pair[0] as number;
      if (pair[1] === tail && held === NOTHING) {
        if (this.isFull(tail)) return false;
        const sent = cellOf(tail, message + 1);
        if (compareExchange64(cells, index, cell, sent) === cell) {
          // Straight line.
          journal[MESSAGE] = 0;
          journal[COUNTED] = 0;
          this.follow(TAIL, tail);
          return true;
        }
      } else if (held === END && pair[1] === tail) {
        return false;
      } else {
        this.follow(TAIL, tail);
      }
    }
  }

  /** The first message, which this thread then owns; RING_EMPTY, or RING_ENDED when none will ever come. */
  receive(): number {
    const { words, cells, journal } = this;
    for (;;) {
      const head = load(words, HEAD);
      const index = head % this.size;
      const cell = load64(cells, index);
      whole[0] = cell;
      const held = pair[0] as number;
      if (pair[1] !== head) {
        this.follow(HEAD, head);
      } else if (held === NOTHING || held === END) {
        if (load(words, HEAD) === head) return held === END ? RING_ENDED : RING_EMPTY;
      } else {
        const emptied = cellOf(this.after(head, this.size), NOTHING);
        if (compareExchange64(cells, index, cell, emptied) === cell) {
          // Straight line.
          journal[MESSAGE] = held;
          journal[COUNTED] = 1;
          this.follow(HEAD, head);
          return held - 1;
        }
      }
    }
  }

  /** Lets nothing in any more. */
  end(): void {
    const { words, cells } = this;
    for (;;) {
      const tail = load(words, TAIL);
      const index = tail % this.size;
      const cell = load64(cells, index);
      whole[0] = cell;
      const held = pair[0] as number;
      if (pair[1] === tail && held === END) return;
      if (pair[1] !== tail || held !== NOTHING) this.follow(TAIL, tail);
      else if (compareExchange64(cells, index, cell, cellOf(tail, END)) === cell) return;
    }
  }

  get isEnded(): boolean {
    for (;;) {
      const tail = load(this.words, TAIL);
      whole[0] = load64(this.cells, tail % this.size);
      const held = pair[0] as number;
      if (pair[1] === tail && held === END) return true;
      if (pair[1] === tail && held === NOTHING) return false;
      this.follow(TAIL, tail);
    }
  }

  /** Messages in it: at some moment of the call, if nobody sends or receives meanwhile. */
  get length(): number {
    const tail = load(this.words, TAIL);
    return this.distance(load(this.words, HEAD), tail);
  }

  get hasRoom(): boolean {
    return !this.isFull(load(this.words, TAIL));
  }

  private isFull(tail: number): boolean {
    const { words, cells } = this;
    for (;;) {
      const head = load(words, HEAD);
      // Head read after tail: it may be ahead, then the tail is old and the compare-and-swap will say so.
      if (this.distance(head, tail) !== this.capacity) return false;
      whole[0] = load64(cells, head % this.size);
      // Somebody received the first one and did not move on yet.
      if (pair[1] === head) {
        if (load(words, HEAD) === head) return true;
      } else {
        this.follow(HEAD, head);
      }
    }
  }

  private follow(end: number, position: number): void {
    compareExchange(this.words, end, position, this.after(position, 1));
  }

  private after(position: number, steps: number): number {
    const next = position + steps;
    return next >= this.turn ? next - this.turn : next;
  }

  private distance(from: number, to: number): number {
    return to >= from ? to - from : to + this.turn - from;
  }
}
