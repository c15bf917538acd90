import { compareExchange, store } from '../base/atomics.js';
import { AllocError } from '../base/errors.js';
import type { Delivery } from '../handles/allocation.js';
import type { SharedBlocks } from './blocks.js';
import { type Control, MAX_MESSAGES, MESSAGE_WORDS } from './control.js';
import type { Holdings } from './holdings.js';
import { COUNTED, ISSUED, type Lane, MESSAGE } from './lane.js';

// The layout of a message: indices in words from its start.
/** Odd while the message is an open ticket. The value itself says which ticket. */
const STATE = 0;
/** First unit of the block; -1 for bytes without a block. */
const BLOCK = 1;
/** 1 + the number of the lane that issued the message as a ticket; 0 for none. */
const ISSUER = 2;
/** Indices in 64-bit floats from the message's start: offset of the first byte in the block, and number of bytes. */
const START = 2;
const LENGTH = 3;

/**
 * Messages are bytes on their way from one thread to another (docs/threads.md, T8 and T9). The message that a thread
 * owns is in the thread's journal.
 */
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
   * Writes a message, which this thread then owns. The message takes over this thread's hold on the block, or counts as
   * one more holder.
   * @returns the message's number
   * @throws AllocError ARENA_FULL when 65,536 messages and tickets are on their way
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

  /** Undoes {@link write} for the message that this thread owns. */
  unwrite(number: number, { block }: Delivery, tookHold: boolean): void {
    this.unload(block);
    this.numbers.release(number, 0);
    if (block >= 0 && !tookHold) this.holdings.dropAll(block);
  }

  /** Takes the delivery out of the message that this thread owns, and frees the message's number. */
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

  /** Drops the message that this thread owns, without delivering it. */
  discard(number: number): void {
    const counted = this.lane.words[COUNTED] !== 0;
    const { block } = this.read(number);
    if (counted && block >= 0) this.holdings.dropAll(block);
  }

  /**
   * Turns the message that this thread owns into a ticket.
   * @returns the state, which {@link redeem} needs besides the number
   */
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

  /**
   * Redeems a ticket: this thread then owns the message.
   * @returns false when no open ticket has this number and state
   */
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

  /** Revokes all open tickets that a lane issued. */
  revoke(lane: number): void {
    for (let number = 0; number < MAX_MESSAGES; number++) {
      const at = this.at(number);
      if (this.words[at + ISSUER] !== lane + 1) continue;
      const state = this.words[at + STATE] as number;
      if ((state & 1) !== 0 && this.redeem(number, state)) this.discard(number);
    }
  }

  /** Clears the issuer of this thread's tickets, so that they stay good after the thread has left. */
  disown(): void {
    const { words: journal, number: own } = this.lane;
    if (journal[ISSUED] === 0) return;
    for (let number = 0; number < MAX_MESSAGES; number++) {
      compareExchange(this.words, this.at(number) + ISSUER, own + 1, 0);
    }
    journal[ISSUED] = 0;
  }

  /** If the owned message counts as a holder, turns that count into a hold of this thread. */
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
