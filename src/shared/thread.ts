import { compareExchange, load } from '../base/atomics.js';
import { checkInteger, describe } from '../base/check.js';
import { environment } from '../base/environment.js';
import { AllocError, BuildError, ReleasedError } from '../base/errors.js';
import type { Site } from '../base/site.js';
import type { LeakListener } from '../engine/leaks.js';
import type { Delivery } from '../handles/allocation.js';
import { Bytes } from '../handles/handles.js';
import { checkTicket, type Ticket } from '../handles/tickets.js';
import type { Memory } from '../memory/memory.js';
import { fasten } from '../nets/nets.js';
import { AllLanes } from './all-lanes.js';
import { type ArenaHandle, handleOf } from './arena-handle.js';
import { SharedBlocks } from './blocks.js';
import { type Control, LANES_USED, WAITING } from './control.js';
import { SharedEngine } from './engine.js';
import { Holdings } from './holdings.js';
import {
  AT,
  activeState,
  COALESCES,
  CURRENT,
  LANE_FREE,
  type Lane,
  MESSAGE,
  MESSAGE_AT,
  MESSAGE_CURRENT,
  MESSAGE_ORDER,
  NONE,
  ORDER,
  OWNED,
  SPLITS,
  STATE,
} from './lane.js';
import { Messages } from './messages.js';
import { reclaimThread, type Tools } from './recovery.js';
import { Requests } from './requests.js';
import { Sleeper } from './sleeper.js';

/** The part of a worker that {@link SharedThread.watch} uses. Workers of Node and Bun have it. */
export interface WatchedWorker {
  readonly threadId: number;
  once(event: 'exit', listener: () => void): unknown;
}

/** An id must fit into a lane's STATE beside two bits. */
const LARGEST_THREAD_ID = 2 ** 30 - 1;

const TREE_JOURNAL = { owned: OWNED, order: ORDER, at: AT, current: CURRENT };
const TREE_COUNTERS = { splits: SPLITS, coalesces: COALESCES };
const MESSAGE_JOURNAL = { owned: MESSAGE, order: MESSAGE_ORDER, at: MESSAGE_AT, current: MESSAGE_CURRENT };
const MESSAGE_COUNTERS = { splits: NONE, coalesces: NONE };

/** The arenas that this thread has attached, by id. Attaching an arena again returns the same object. */
const attached = new Map<string, WeakRef<object>>();

/** This thread's part in a shared arena: its lane, and everything that it does there. */
export class SharedThread {
  readonly engine: SharedEngine;
  readonly sleeper: Sleeper;
  /** The id by which another thread can {@link reclaim} this one. */
  readonly threadId: number;
  /** Called when this thread detaches. */
  readonly leaving: Set<() => void> = new Set();
  private readonly control: Control;
  private readonly memory: Memory;
  private isDetached = false;

  private constructor(control: Control, memory: Memory, threadId: number, tools: Tools) {
    this.control = control;
    this.memory = memory;
    this.threadId = threadId;
    this.engine = new SharedEngine(tools, memory);
    this.sleeper = new Sleeper(control, tools.lane);
  }

  /** Attaches this thread: takes a lane. @throws BuildError TOO_MANY_THREADS when every lane is taken */
  static join(control: Control, memory: Memory, onLeak?: LeakListener): SharedThread {
    const threadId = environment.threadId() ?? 2 ** 29 + Math.floor(Math.random() * 2 ** 29);
    const lane = takeLane(control, threadId);
    const { words, plan } = control;
    const lanes = new AllLanes(control, lane.number);
    const share = lane.number / plan.maxThreads;
    const blocks = new SharedBlocks(words, control.tree, lane, TREE_JOURNAL, TREE_COUNTERS, lanes, WAITING, share);
    const numbers = new SharedBlocks(
      words,
      control.messageTree,
      lane,
      MESSAGE_JOURNAL,
      MESSAGE_COUNTERS,
      lanes,
      WAITING,
      share,
    );
    const requests = new Requests(control, lane, blocks);
    const holdings = new Holdings(control, lane, blocks, requests, memory);
    const messages = new Messages(control, lane, numbers, holdings);
    const tools = { control, lane, blocks, numbers, holdings, messages, requests };
    const thread = new SharedThread(control, memory, threadId, tools);
    fasten(thread.engine, { ...plan, onLeak });
    control.wakeAll(); // a thread that waited alone must now be kept running
    return thread;
  }

  /** The arena object that this thread already has for this control memory, if any. */
  static arenaOf(control: Control): object | undefined {
    return attached.get(control.id)?.deref();
  }

  /** From now on, attaching in this thread returns `arena`. */
  register(arena: object): void {
    attached.set(this.control.id, new WeakRef(arena));
  }

  get tools(): Tools {
    return this.engine.tools;
  }

  get arenaId(): string {
    return this.control.id;
  }

  /** What another thread needs to attach. @throws BuildError INVALID_HANDLE after {@link detach} */
  handle(): ArenaHandle {
    if (this.isDetached) throw new BuildError('INVALID_HANDLE', 'this thread has detached from the arena');
    return handleOf(this.control, this.memory);
  }

  /**
   * Detaches this thread.
   * @param endWaits ends all waits for memory in this thread, before another thread can take the lane
   */
  detach(endWaits: () => void): void {
    if (this.isDetached) return;
    this.isDetached = true;
    attached.delete(this.control.id);
    for (const leave of this.leaving) leave();
    // So that all waits in this thread end, and other threads see that it is gone.
    this.control.wakeAll();
    this.engine.closeHere();
    endWaits();
    this.engine.leave();
  }

  /** Whether the thread with this id has a lane. */
  private isAttached(threadId: number): boolean {
    const { words, lanesUsed } = this.control;
    for (let number = 0; number < lanesUsed; number++) {
      if (load(words, this.control.laneWord(number, STATE)) === activeState(threadId)) return true;
    }
    return false;
  }

  /** @throws AllocError ARENA_CLOSED after {@link detach} */
  checkAttached(): void {
    if (this.isDetached) throw new AllocError('ARENA_CLOSED');
  }

  reclaim(threadId: number): number {
    checkInteger(threadId, 'threadId', 0, LARGEST_THREAD_ID);
    if (threadId === this.threadId)
      throw new RangeError(`threadId must be that of another thread that has ended, ${threadId} is this thread`);
    this.checkAttached();
    const allocations = reclaimThread(this.tools, threadId);
    this.engine.events.tell({ type: 'reclaim', threadId, allocations });
    return allocations;
  }

  watch(worker: WatchedWorker): void {
    if (typeof worker !== 'object' || worker === null) {
      throw new TypeError(`worker must be a Worker, got ${describe(worker)}`);
    }
    if (typeof worker.once !== 'function') {
      throw new TypeError(
        'worker must have an exit event, as workers of Node and Bun do; for a Web Worker, call reclaim(threadId) when you know that it has ended',
      );
    }
    const { threadId } = worker; // -1 when the worker has ended
    checkInteger(threadId, 'worker.threadId', 0, LARGEST_THREAD_ID);
    this.checkAttached();
    worker.once('exit', () => {
      if (this.isDetached) return;
      if (environment.exitMeansDeath) this.reclaim(threadId);
      else if (this.isAttached(threadId)) {
        environment.warn(
          'a worker has exited without detach(), but on this runtime it may still be running, so watch() reclaims nothing; call reclaim(threadId) when you know that it has ended',
          'ARENA_WATCH_UNRELIABLE',
        );
      }
    });
  }

  /**
   * Redeems a ticket.
   * @throws TypeError when `ticket` is not a ticket of this arena; ReleasedError when it was redeemed or revoked
   *   before; AllocError ARENA_CLOSED after {@link detach}
   */
  redeem(ticket: Ticket): Bytes {
    const { arena, message, state } = checkTicket(ticket);
    this.checkAttached();
    if (arena === '') return Bytes.empty;
    if (arena !== this.control.id)
      throw new TypeError('the ticket belongs to another arena: redeem it with that arena');
    const { messages } = this.tools;
    if (!messages.redeem(message, state)) throw new ReleasedError('ticket');
    return this.receive(messages.read(message), this.engine.handles.site());
  }

  /** Makes a handle on the bytes that arrived. */
  receive(delivery: Delivery, site: Site | undefined): Bytes {
    if (delivery.block < 0) return Bytes.empty;
    const { engine } = this;
    const record = engine.arrived(delivery);
    record.start = record.offset + delivery.start;
    return engine.handles.bytes(record, record.start, delivery.length, site);
  }
}

function takeLane(control: Control, threadId: number): Lane {
  const { words, plan } = control;
  for (let number = 0; number < plan.maxThreads; number++) {
    const at = control.laneWord(number, STATE);
    if (load(words, at) !== LANE_FREE) continue;
    // Raise LANES_USED first, so that no thread ever overlooks a lane in use.
    for (let used = load(words, LANES_USED); used <= number; ) {
      used = compareExchange(words, LANES_USED, used, number + 1) === used ? number + 1 : load(words, LANES_USED);
    }
    if (compareExchange(words, at, LANE_FREE, activeState(threadId)) === LANE_FREE) return control.lane(number);
  }
  throw new BuildError(
    'TOO_MANY_THREADS',
    `all ${plan.maxThreads} threads of the arena are attached: detach one, or build with a larger maxThreads`,
  );
}
