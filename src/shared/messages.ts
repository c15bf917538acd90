import { compareExchange, store } from '../base/atomics.js';
import { AllocError } from '../base/errors.js';
import type { Delivery } from '../handles/allocation.js';
import type { SharedBlocks } from './blocks.js';
import { type Control, MAX_MESSAGES, MESSAGE_WORDS } from './control.js';
import type { Holdings } from './holdings.js';
import { COUNTED, ISSUED, type Lane, MESSAGE } from './lane.js';

// A message, in words from its start.
/** Odd while it is an open ticket; the number itself says which. */
const STATE = 0;
/** First unit of its block, or -1 for bytes without any. */
const BLOCK = 1;
/** 1 + the lane that issued it as a ticket, or 0. */
const ISSUER = 2;
/** In 64-bit floats from its start: offset of the first byte in the block, and number of bytes. */
const START = 2;
const LENGTH = 3;

/** Bytes on their way from one thread to another (docs/threads.md, T8 and T9). The message that a thread has in its hands is in its journal. */
export class Messages {
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly first: number;
  private readonly numbers: SharedBlocks;
  private readonly holdings: Holdings;
  private readonly lane: Lane;

  constructor(control: Control, lane: Lane, numbers: SharedBlocks, holdings: Holdings) {
    this.words = control.words;
    this.floats = new Float64Array(control.buffer, control.messages * 4, (MAX_MESSAGES * MESSAGE_WORDS) / 2);
    this.first = control.messages;
    this.numbers = numbers;
    this.holdings = holdings;
    this.lane = lane;
  }

  /**
   * Writes a message, which this thread then owns. It takes this thread's hold of the block over, or counts as a holder more.
   * @returns its number
   * @throws AllocError ARENA_FULL when 65,536 are on their way
   */
  write({ block, start, length }: Delivery, takesHold: boolean): number {
    const number = this.numbers.claim(0);
    if (number < 0) throw new AllocError('ARENA_FULL');
    const { words, lane } = this;
    const { words: journal, holds } = lane;
    words[this.at(number) + BLOCK] = block;
    words[this.at(number) + ISSUER] = 0;
    this.floats[number * (MESSAGE_WORDS / 2) + START] = start;
    this.floats[number * (MESSAGE_WORDS / 2) + LENGTH] = length;
    if (block < 0) return number;
    if (!takesHold) this.holdings.share(block);
    // Straight line.
    if (takesHold) holds[block] = (holds[block] as number) - 1;
    journal[COUNTED] = 1;
    return number;
  }

  /** Undoes {@link write} of the message that this thread owns. */
  unwrite(number: number, { block }: Delivery, tookHold: boolean): void {
    this.unload(block);
    this.numbers.release(number, 0);
    if (block >= 0 && !tookHold) this.holdings.dropAll(block);
  }

  /** Takes what the message that this thread owns brings, and frees its number. */
  read(number: number): Delivery {
    const delivery = {
      block: this.words[this.at(number) + BLOCK] as number,
      start: this.floats[number * (MESSAGE_WORDS / 2) + START] as number,
      length: this.floats[number * (MESSAGE_WORDS / 2) + LENGTH] as number,
    };
    this.unload(delivery.block);
    this.numbers.release(number, 0);
    return delivery;
  }

  /** Ends the message that this thread owns, undelivered. */
  discard(number: number): void {
    const counted = this.lane.words[COUNTED] !== 0;
    const { block } = this.read(number);
    if (counted && block >= 0) this.holdings.dropAll(block);
  }

  /** Makes the message that this thread owns a ticket. @returns what {@link redeem} needs besides the number */
  issue(number: number): number {
    const { words, lane } = this;
    const at = this.at(number);
    const state = (words[at + STATE] as number) + 1;
    const { words: journal } = lane;
    words[at + ISSUER] = lane.number + 1;
    journal[ISSUED] = 1;
    store(words, at + STATE, state);
    // Straight line.
    journal[MESSAGE] = 0;
    journal[COUNTED] = 0;
    return state;
  }

  /** Takes a ticket in; this thread then owns the message. @returns false when it was redeemed before */
  redeem(number: number, state: number): boolean {
    const { words: journal } = this.lane;
    if (number < 0 || number >= MAX_MESSAGES || (state & 1) === 0 || state !== (state | 0)) return false;
    const at = this.at(number) + STATE;
    if (compareExchange(this.words, at, state, (state + 1) | 0) !== state) return false;
    // Straight line.
    journal[MESSAGE] = number + 1;
    journal[COUNTED] = 1;
    return true;
  }

  /** Ends all tickets that are open and were issued by a lane. */
  revoke(lane: number): void {
    for (let number = 0; number < MAX_MESSAGES; number++) {
      const at = this.at(number);
      if (this.words[at + ISSUER] !== lane + 1) continue;
      const state = this.words[at + STATE] as number;
      if ((state & 1) !== 0 && this.redeem(number, state)) this.discard(number);
    }
  }

  /** Has the tickets of this thread outlive its leaving: they are nobody's now. */
  disown(): void {
    const { words: journal, number: own } = this.lane;
    if (journal[ISSUED] === 0) return;
    for (let number = 0; number < MAX_MESSAGES; number++) {
      compareExchange(this.words, this.at(number) + ISSUER, own + 1, 0);
    }
    journal[ISSUED] = 0;
  }

  /** Makes what the message counted a hold of this thread's. */
  private unload(block: number): void {
    const { words: journal, holds } = this.lane;
    // Straight line.
    if (block >= 0 && journal[COUNTED] !== 0) holds[block] = (holds[block] as number) + 1;
    journal[COUNTED] = 0;
  }

  private at(number: number): number {
    return this.first + number * MESSAGE_WORDS;
  }
}
