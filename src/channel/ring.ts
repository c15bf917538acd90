import { compareExchange, load } from '../base/atomics.js';
import { MAX_MESSAGES } from '../shared/control.js';
import { COUNTED, MESSAGE } from '../shared/lane.js';

// A cell: the turn of its position, and above nothing, 1 + a message, or the end.
const HELD_BITS = 17;
const HELD = 2 ** HELD_BITS - 1;
const NOTHING = 0;
const END = HELD;

// Positions count up to here and begin at 0 again. Half as far apart at least, one is behind the other.
const POSITIONS = 2 ** 31 - 1;
const FAR = 2 ** 30;

/**
 * Cells are many more than messages fit in, as a cell has room for few turns: a thread would have to stop in the middle of an
 * operation for exactly 2^31 messages to take an old cell for a new one.
 */
function cellBits(capacity: number): number {
  return capacity < MAX_MESSAGES ? 16 : 17;
}

/** Words of a ring for `capacity` messages. */
export function ringWords(capacity: number): number {
  return CELLS_AT + 2 ** cellBits(capacity);
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
 * each cell carries its position; but a cell's position and content are one word, so that one compare-and-swap sends, one
 * receives, and a thread that dies leaves nothing half done (docs/threads.md, T8).
 *
 *     head            tail
 *      v                v
 *     [ 4: m7 | 5: m2 | 6: - | 3: - ]        position: message
 *
 * Head and tail are where to begin to look: never ahead, mostly right. Whoever sends or receives moves them by a plain store, which
 * may undo another's; whoever finds one behind walks on. The end is a cell too, at which no tail ever passes.
 *
 * What a plain read says is tried by a compare-and-swap; that there is nothing, or no room, is said by atomic reads only. With
 * a 64-bit word for each cell, read and swapped as BigInt, to clone, send, receive and release in one thread took 320 to 350 ns
 * where this takes 220 (Node 20, 24; the least of three runs on a busy machine).
 */
export class Ring {
  private readonly words: Int32Array;
  private readonly cells: Int32Array;
  private readonly capacity: number;
  private readonly bits: number;
  private readonly mask: number;
  private readonly journal: Int32Array;
  /** A head of a while ago. Senders look at the head only when this one is too far back: receivers write there all the time. */
  private oldHead = 0;

  /** @param journal the own lane, where a message is noted that came out, and one that went in is forgotten */
  constructor(buffer: SharedArrayBuffer, start: number, capacity: number, journal: Int32Array) {
    this.words = new Int32Array(buffer, start * 4, CELLS_AT);
    this.bits = cellBits(capacity);
    this.mask = 2 ** this.bits - 1;
    this.cells = new Int32Array(buffer, (start + CELLS_AT) * 4, 2 ** this.bits);
    this.capacity = capacity;
    this.journal = journal;
  }

  /**
   * Sends the message that this thread owns.
   * @returns whether there was room
   */
  send(message: number): boolean {
    const { words, cells, journal, bits, mask } = this;
    let tail = words[TAIL] as number;
    for (;;) {
      const index = tail & mask;
      const free = (tail >>> bits) << HELD_BITS;
      let cell = cells[index] as number;
      if (cell === free) {
        if (this.isFull(tail)) return false;
        cell = compareExchange(cells, index, free, free | (message + 1));
        if (cell === free) {
          // Straight line.
          journal[MESSAGE] = 0;
          journal[COUNTED] = 0;
          words[TAIL] = (tail + 1) & POSITIONS;
          return true;
        }
      }
      if (cell === (free | END)) return false;
      tail = this.tailFrom(tail);
      // The head known may be so old that positions went all around since.
      this.oldHead = this.headFrom(load(words, HEAD));
      if (this.isFull(tail)) return false;
    }
  }

  /** The first message, which this thread then owns; RING_EMPTY, or RING_ENDED when none will ever come. */
  receive(): number {
    const { words, cells, journal, bits, mask } = this;
    let head = words[HEAD] as number;
    for (;;) {
      const index = head & mask;
      const free = (head >>> bits) << HELD_BITS;
      let cell = cells[index] as number;
      let held = cell ^ free;
      if (held <= NOTHING || held >= END) {
        cell = load(cells, index);
        held = cell ^ free;
        if (held === NOTHING) return RING_EMPTY;
        if (held === END) return RING_ENDED;
      }
      if (held > NOTHING && held < END) {
        const freed = (((head + mask + 1) & POSITIONS) >>> bits) << HELD_BITS;
        if (compareExchange(cells, index, cell, freed) === cell) {
          // Straight line.
          journal[MESSAGE] = held;
          journal[COUNTED] = 1;
          words[HEAD] = (head + 1) & POSITIONS;
          return held - 1;
        }
      }
      head = this.headFrom(head);
    }
  }

  /** Lets nothing in any more. */
  end(): void {
    const { cells, bits, mask } = this;
    for (let tail = load(this.words, TAIL); ; ) {
      tail = this.tailFrom(tail);
      const free = (tail >>> bits) << HELD_BITS;
      const seen = compareExchange(cells, tail & mask, free, free | END);
      if (seen === free || seen === (free | END)) return;
    }
  }

  get isEnded(): boolean {
    const tail = this.tailFrom(load(this.words, TAIL));
    return load(this.cells, tail & this.mask) === (((tail >>> this.bits) << HELD_BITS) | END);
  }

  /** Messages in it: at some moment of the call, if nobody sends or receives meanwhile. */
  get length(): number {
    const head = this.headFrom(load(this.words, HEAD));
    return (this.tailFrom(load(this.words, TAIL)) - head) & POSITIONS;
  }

  get hasRoom(): boolean {
    return !this.isFull(this.words[TAIL] as number);
  }

  private isFull(tail: number): boolean {
    if (((tail - this.oldHead) & POSITIONS) < this.capacity) return false;
    const head = this.headFrom(load(this.words, HEAD));
    this.oldHead = head;
    const length = (tail - head) & POSITIONS;
    // Where the head is ahead the tail is old, as the compare-and-swap will say.
    return length >= this.capacity && length < FAR;
  }

  /** The first position from `position` on that was not sent to. */
  private tailFrom(position: number): number {
    const { cells, mask } = this;
    for (;;) {
      const cell = load(cells, position & mask);
      const there = this.positionOf(cell, position);
      const held = cell & HELD;
      if (there === position && (held === NOTHING || held === END)) return position;
      // A cell is empty for the position a turn after the last one that was sent to it.
      const next = held === NOTHING || held === END ? there - mask : there + 1;
      if (((next - position) & POSITIONS) >= FAR) return position; // the ring is full
      position = next & POSITIONS;
    }
  }

  /** The first position from `position` on that was not received from. */
  private headFrom(position: number): number {
    const { cells, mask } = this;
    for (;;) {
      const there = this.positionOf(load(cells, position & mask), position);
      if (there === position) return position;
      if (((there - position) & POSITIONS) < FAR) position = (there - mask) & POSITIONS;
    }
  }

  private positionOf(cell: number, position: number): number {
    return (((cell >>> HELD_BITS) << this.bits) | (position & this.mask)) & POSITIONS;
  }
}
