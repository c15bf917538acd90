import { compareExchange, store } from '../base/atomics.js';
import { LEAKS_PINNED, WAITING_NOW } from '../base/counters.js';
import type { SharedBlocks } from './blocks.js';
import { type Control, WAITING } from './control.js';
import type { Holdings } from './holdings.js';
import {
  AT,
  activeState,
  CELLS,
  COUNTED,
  EPOCH,
  ISSUED,
  LANE_FREE,
  type Lane,
  MESSAGE,
  MESSAGE_AT,
  ORDER,
  OWNED,
  RECLAIMING,
  reclaimedState,
  STATE,
  WAITS,
} from './lane.js';
import type { Messages } from './messages.js';
import { Requests } from './requests.js';

/** The parts of a shared arena that a thread works with. */
export interface Tools {
  readonly control: Control;
  readonly lane: Lane;
  readonly blocks: SharedBlocks;
  readonly numbers: SharedBlocks;
  readonly holdings: Holdings;
  readonly messages: Messages;
  readonly requests: Requests;
}

/**
 * Returns everything that a dead thread had (docs/threads.md, T13). The thread must be dead, because its memory is used
 * again.
 * @returns how many allocations the thread held
 */
export function reclaimThread(tools: Tools, threadId: number): number {
  const { control, lane } = tools;
  let held = 0;
  for (let number = 0; number < control.lanesUsed; number++) {
    const at = control.laneWord(number, STATE);
    if (compareExchange(control.words, at, activeState(threadId), reclaimedState(threadId)) !== activeState(threadId))
      continue;
    // Straight line.
    lane.words[RECLAIMING] = number + 1;
    held += new Reclamation(tools).finish(lane);
  }
  return held;
}

/** Reclaims dead lanes. Only this thread touches the memory of a dead lane now, except for its cells. */
class Reclamation {
  private readonly tools: Tools;
  private held = 0;

  constructor(tools: Tools) {
    this.tools = tools;
  }

  /** Finishes the lane that `reclaimer` was reclaiming. The thread of `reclaimer` may have died while it did so. */
  finish(reclaimer: Lane): number {
    const { control, requests } = this.tools;
    const dead = control.lane((reclaimer.words[RECLAIMING] as number) - 1);
    if (dead.words[RECLAIMING] !== 0) this.finish(dead);
    this.returnOwned(dead);
    this.withdrawRequests(dead);
    this.returnMessage(dead);
    this.returnHolds(dead);
    this.revokeTickets(dead);
    this.mend(dead);
    store(control.words, WAITING, 1);
    requests.serve();
    control.wakeAll();
    store(control.words, dead.start + STATE, LANE_FREE);
    // Straight line.
    reclaimer.words[RECLAIMING] = 0;
    return this.held;
  }

  private returnOwned(dead: Lane): void {
    const { lane, blocks } = this.tools;
    const owned = dead.words[OWNED] as number;
    if (owned === 0) return;
    const order = dead.words[ORDER] as number;
    // Straight line.
    lane.words[OWNED] = owned;
    lane.words[ORDER] = order;
    dead.words[OWNED] = 0;
    blocks.release(owned - 1, order);
  }

  /** Withdraws the requests. A granted block becomes a hold of the dead lane, and is returned with its other holds. */
  private withdrawRequests(dead: Lane): void {
    const { control, blocks } = this.tools;
    const requests = new Requests(control, dead, blocks);
    for (let cell = 0; cell < CELLS; cell++) requests.withdraw(cell);
  }

  private returnMessage(dead: Lane): void {
    const { lane, messages } = this.tools;
    const message = dead.words[MESSAGE] as number;
    if (message === 0) return;
    const counted = dead.words[COUNTED] as number;
    // Straight line.
    lane.words[MESSAGE] = message;
    lane.words[COUNTED] = counted;
    dead.words[MESSAGE] = 0;
    dead.words[COUNTED] = 0;
    messages.discard(message - 1);
  }

  private returnHolds(dead: Lane): void {
    const { lane, holdings } = this.tools;
    const { holds } = dead;
    for (let block = 0; block < holds.length; block++) {
      while (holds[block] !== 0) {
        const theirs = (holds[block] as number) - 1;
        const ours = (lane.holds[block] as number) + 1;
        // Straight line.
        holds[block] = theirs;
        lane.holds[block] = ours;
        holdings.dropAll(block);
        this.held++;
      }
    }
    // Memory that the dead thread had pinned was returned too: nobody can use its views any more.
    dead.counters[LEAKS_PINNED] = 0;
  }

  private revokeTickets(dead: Lane): void {
    if (dead.words[ISSUED] === 0) return;
    this.tools.messages.revoke(dead.number);
    dead.words[ISSUED] = 0;
  }

  /** Repairs the hints of the words that the dead thread was at, closes resting words, and makes its EPOCH even. */
  private mend(dead: Lane): void {
    const { blocks, numbers } = this.tools;
    const at = dead.words[AT] as number;
    if (at !== 0) blocks.heal(at - 1);
    const messageAt = dead.words[MESSAGE_AT] as number;
    if (messageAt !== 0) numbers.heal(messageAt - 1);
    blocks.closeResting();
    dead.counters[WAITS + WAITING_NOW] = 0;
    dead.words[AT] = 0;
    dead.words[MESSAGE_AT] = 0;
    dead.words[EPOCH] = ((dead.words[EPOCH] as number) + 1) & ~1;
  }
}
