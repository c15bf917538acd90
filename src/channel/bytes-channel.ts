import { BuddyArena, SharedBuddyArena } from '../arenas/buddy-arena.js';
import { FixedArena, SharedFixedArena } from '../arenas/fixed-arena.js';
import { abortReason } from '../base/abort-signals.js';
import { checkInteger, describe } from '../base/check.js';
import { environment } from '../base/environment.js';
import { ChannelClosedError } from '../base/errors.js';
import { shortLived } from '../base/short-lived.js';
import type { Site } from '../base/site.js';
import type { Allocation, Parcel } from '../handles/allocation.js';
import { Bytes } from '../handles/handles.js';
import { inspectAs } from '../memory/inspect.js';
import type { ArenaHandle } from '../shared/arena-handle.js';
import { MAX_MESSAGES } from '../shared/control.js';
import type { SharedEngine } from '../shared/engine.js';
import type { SharedThread } from '../shared/thread.js';
import { checkMayBlock } from '../shared/waiting.js';
import { PendingCall } from '../waiting/pending-call.js';
import { checkTimeout, checkWaitOptions, timeoutError, type WaitOptions } from '../waiting/wait-options.js';
import {
  type ChannelHandle,
  type ChannelMemory,
  channelHandle,
  newChannelMemory,
  openChannelHandle,
} from './channel-memory.js';
import { LaneSet } from './lane-set.js';
import { Peers } from './peers.js';
import { RING_EMPTY, RING_ENDED, Ring } from './ring.js';

// A blocking call tries for this many ms before its thread sleeps, because waking a thread takes 17 to 60 us. Reading
// the clock costs as much as several tries, so it is read only once every SPIN_TURNS tries.
const SPIN = 0.05;
const SPIN_TURNS = 16;
/** The most rounds, whatever the clock says. */
const SPIN_ROUNDS = 1000;

export interface ChannelOptions {
  /** The most messages in the channel: 1 to 65,536. */
  readonly capacity: number;
  /**
   * What happens to a call that waits when all other threads that attached the channel are gone: they detached, or they died
   * and were reclaimed. `reject`, the default: a send fails with the code CHANNEL_ABANDONED. A receive fails so too if a
   * thread died, and gives undefined if all have detached. `wait`: both wait for a thread that attaches later.
   */
  readonly whenAbandoned?: 'reject' | 'wait' | undefined;
}

type SharedArena = SharedFixedArena | SharedBuddyArena;

/**
 * A bounded queue that moves {@link Bytes} between threads without copying them. It has any number of senders and
 * receivers, is first in, first out, and has no lock. Each attached thread has its own object.
 *
 * Senders wait while the channel is full. Closing ends the channel for senders at once, and for receivers when it is
 * empty.
 */
export class BytesChannel implements AsyncIterable<Bytes> {
  /** The arena that the bytes lie in. */
  readonly arena: SharedArena;
  /** The most messages that the channel holds at once. */
  readonly capacity: number;
  private readonly thread: SharedThread;
  private readonly memory: ChannelMemory;
  private readonly ring: Ring;
  private readonly receivers: LaneSet;
  private readonly senders: LaneSet;
  private readonly peers: Peers;
  /** Pending receives, each with the place in the program that asked for it. */
  private readonly receiving = new Map<PendingCall<Bytes | undefined>, Site | undefined>();
  private readonly sending = new Map<PendingCall<void>, Bytes>();
  private readonly look = shortLived((): void => this.lookAgain());

  static {
    inspectAs(BytesChannel.prototype, function () {
      return `BytesChannel(${this.length}/${this.capacity}${this.isClosed ? ', closed' : ''})`;
    });
  }

  private constructor(arena: SharedArena, memory: ChannelMemory) {
    const { thread } = arena;
    const { words, maskWords } = memory;
    this.arena = arena;
    this.capacity = memory.capacity;
    this.thread = thread;
    this.memory = memory;
    this.receivers = new LaneSet(words, memory.receivers, maskWords, thread);
    this.senders = new LaneSet(words, memory.senders, maskWords, thread);
    this.ring = new Ring(memory.buffer, memory.ring, memory.capacity, thread.tools.lane.words);
    this.peers = new Peers(words, memory.peers, thread);
  }

  /**
   * Makes a channel for bytes of a shared arena.
   * @throws TypeError unless `arena` is a shared arena; TypeError, RangeError for invalid options; AllocError ARENA_CLOSED
   *   after this thread has detached
   */
  static create(arena: SharedArena, options: ChannelOptions): BytesChannel {
    if (!(arena instanceof SharedFixedArena || arena instanceof SharedBuddyArena)) {
      throw new TypeError(`arena must be a shared arena, got ${describe(arena)}`);
    }
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`options must be an object, got ${describe(options)}`);
    }
    const capacity = checkInteger(options.capacity, 'capacity', 1, MAX_MESSAGES);
    const { whenAbandoned = 'reject' } = options;
    if (whenAbandoned !== 'reject' && whenAbandoned !== 'wait') {
      throw new TypeError(`whenAbandoned must be 'reject' or 'wait', got ${describe(whenAbandoned)}`);
    }
    arena.thread.checkAttached();
    const { maxThreads } = arena.thread.tools.control.plan;
    return new BytesChannel(arena, newChannelMemory(capacity, maxThreads, whenAbandoned === 'wait'));
  }

  /**
   * Attaches this thread to the channel of `handle`, and to its arena if the thread is not attached to that yet.
   * @throws BuildError INVALID_HANDLE when the handle is damaged or of another version, TOO_MANY_THREADS when the arena
   *   has no place for another thread; TypeError unless `handle` is an object
   */
  static attach(handle: ChannelHandle): BytesChannel {
    const { arena, memory } = openChannelHandle(handle);
    return new BytesChannel(attachArena(arena), memory);
  }

  /**
   * Returns a handle to post to another thread, which can attach with it.
   * @throws BuildError INVALID_HANDLE after this thread has detached from the arena
   */
  handle(): ChannelHandle {
    return channelHandle(this.arena.handle(), this.memory);
  }

  /** Number of messages in the channel. While other threads send and receive, it may already be out of date. */
  get length(): number {
    return this.ring.length;
  }

  /** Whether {@link close} was called, in any thread. Messages in the channel can still be received. */
  get isClosed(): boolean {
    return this.ring.isEnded;
  }

  /**
   * Sends `bytes` if there is room. Sending uses the handle up. If there is no room, the handle stays as it is.
   * @returns whether there was room
   * @throws ChannelClosedError CHANNEL_CLOSED when the channel is closed; ReleasedError RELEASED when the handle is
   *   used up; TypeError for bytes that do not belong to the channel's arena; AllocError ARENA_CLOSED after this thread
   *   has detached, ARENA_FULL when 65,536 messages and tickets are on their way in the arena
   */
  trySend(bytes: Bytes): boolean {
    if (!(bytes instanceof Bytes)) throw new TypeError(`bytes must be Bytes, got ${describe(bytes)}`);
    const { engine, tools } = this.thread;
    this.thread.checkAttached();
    const { allocation, offset, length } = Bytes.placeOf(bytes);
    const { owner } = allocation; // throws a TypeError for an object that only looks like Bytes and has no allocation
    const delivery = length > 0 ? owner.parcel(allocation, offset, length) : nothingOf(engine);
    if (delivery.engine !== engine) throw foreign(allocation);
    if (!this.ring.hasRoom) return this.refuseIfClosed();
    const takesHold = length > 0 && allocation.holders === 1;
    const message = tools.messages.write(delivery, takesHold);
    if (!this.ring.send(message)) {
      tools.messages.unwrite(message, delivery, takesHold);
      return this.refuseIfClosed();
    }
    if (length > 0) Bytes.depart(bytes);
    else Bytes.giveBack(bytes);
    this.receivers.wakeAll();
    return true;
  }

  /**
   * Sends `bytes` as soon as there is room. Sending uses the handle up. The calls of one thread send in their order. If
   * the wait ends without sending, the handle still belongs to the caller.
   *
   * Rejects with the errors that {@link trySend} throws, the reason of an aborted signal, or a DOMException named
   * TimeoutError.
   */
  send(bytes: Bytes, options?: WaitOptions): Promise<void> {
    try {
      const limits = checkWaitOptions(options);
      if (limits.signal?.aborted) throw abortReason(limits.signal);
      if (this.sending.size === 0 && this.trySend(bytes)) return Promise.resolve();
      Bytes.placeOf(bytes);
      const call = new PendingCall<void>('the channel had no room', limits, () => this.settled());
      this.sending.set(call, bytes);
      this.wait();
      return call.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Like {@link send}, but this thread sleeps until there is room. For workers.
   * @param timeout ms, 0 to 2^31 - 1; without a timeout it waits as long as it takes
   * @throws the errors that {@link trySend} throws; a DOMException named TimeoutError; TypeError in a thread that must
   *   not block
   */
  sendBlocking(bytes: Bytes, timeout?: number): void {
    checkTimeout(timeout);
    if (this.trySend(bytes)) return;
    this.block(timeout, 'the channel had no room', this.senders, () => this.trySend(bytes) || undefined);
  }

  /**
   * Receives the first message. Returns undefined when there is no message now.
   * @throws AllocError ARENA_CLOSED after this thread has detached
   */
  tryReceive(): Bytes | undefined {
    const message = this.next();
    return message < 0 ? undefined : this.open(message, this.callSite());
  }

  /**
   * Receives the first message, as soon as there is one. Resolves to undefined when the channel is closed and empty.
   * The calls of one thread receive in their order.
   *
   * Rejects with the reason of an aborted signal, a DOMException named TimeoutError, or AllocError ARENA_CLOSED after
   * this thread has detached. The promise keeps the thread running while another thread is attached to the arena.
   */
  receive(options?: WaitOptions): Promise<Bytes | undefined> {
    try {
      const limits = checkWaitOptions(options);
      if (limits.signal?.aborted) throw abortReason(limits.signal);
      this.thread.checkAttached();
      if (this.receiving.size === 0) {
        const message = this.ring.receive();
        if (message !== RING_EMPTY)
          return Promise.resolve(message === RING_ENDED ? undefined : this.open(message, this.callSite()));
      }
      const call = new PendingCall<Bytes | undefined>('no message came', limits, () => this.settled());
      this.receiving.set(call, this.callSite());
      this.wait();
      return call.promise;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Like {@link receive}, but this thread sleeps until there is a message. For workers.
   * @param timeout ms, 0 to 2^31 - 1; without a timeout it waits as long as it takes
   * @throws a DOMException named TimeoutError; TypeError in a thread that must not block; AllocError ARENA_CLOSED after
   *   this thread has detached
   */
  receiveBlocking(timeout?: number): Bytes | undefined {
    checkTimeout(timeout);
    let message = this.next();
    if (message === RING_EMPTY) {
      const attempt = (): number | undefined => {
        const received = this.next();
        return received === RING_EMPTY ? undefined : received;
      };
      message = this.block(timeout, 'no message came', this.receivers, attempt, RING_ENDED);
    }
    return message === RING_ENDED ? undefined : this.open(message, this.callSite());
  }

  /** Receives messages until the channel is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes, undefined, undefined> {
    for (let bytes = await this.receive(); bytes !== undefined; bytes = await this.receive()) yield bytes;
    return undefined;
  }

  /**
   * Closes the channel in all threads: nothing more can be sent. Messages in the channel can still be received. Closing
   * twice does nothing.
   */
  close(): void {
    this.ring.end();
    this.receivers.wakeAll();
    this.senders.wakeAll();
    this.lookAgain();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Returns what JSON shows, which never includes the memory. */
  toJSON(): { type: 'BytesChannel'; length: number; capacity: number } {
    return { type: 'BytesChannel', length: this.length, capacity: this.capacity };
  }

  /**
   * Receives the number of the first message; RING_EMPTY or RING_ENDED if there is none.
   * @throws AllocError ARENA_CLOSED after this thread has detached
   */
  private next(): number {
    this.thread.checkAttached();
    return this.ring.receive();
  }

  /** The place in the program that asks for a message, if the arena records it. */
  private callSite(): Site | undefined {
    return this.thread.engine.handles.site();
  }

  private open(message: number, site: Site | undefined): Bytes {
    const delivery = this.thread.tools.messages.read(message);
    // Wake senders only after the read, which frees the message's number: a sender needs a free number too.
    this.senders.wakeAll();
    return this.thread.receive(delivery, site);
  }

  private refuseIfClosed(): false {
    if (this.isClosed) throw new ChannelClosedError();
    return false;
  }

  private wait(): void {
    this.thread.sleeper.add(this.look);
    this.lookAgain();
  }

  private settled(): void {
    for (const call of this.receiving.keys()) if (call.isSettled) this.receiving.delete(call);
    for (const call of this.sending.keys()) if (call.isSettled) this.sending.delete(call);
    if (this.receiving.size === 0 && this.sending.size === 0) this.thread.sleeper.remove(this.look);
  }

  /** Completes the pending calls that can be completed now, and ends those that would wait for ever. */
  private lookAgain(): void {
    this.completeCalls();
    // Calls of both kinds complete each other.
    const waitsForOthers = this.sending.size > 0 !== this.receiving.size > 0;
    const presence = waitsForOthers ? this.presence : 'some';
    if (presence === 'some') return;
    this.completeCalls(); // the last thread may have sent or received just before it went
    for (const call of this.sending.keys()) call.reject(abandoned());
    for (const call of this.receiving.keys()) {
      if (presence === 'left') call.resolve(undefined);
      else call.reject(abandoned());
    }
  }

  /** Whether other threads can still send or receive, as far as that matters. */
  private get presence(): 'some' | 'left' | 'died' {
    return this.memory.waitsWhenAbandoned || this.isClosed ? 'some' : this.peers.presence;
  }

  private completeCalls(): void {
    // A thread that waits first adds itself to the set and then tries again (docs/threads.md, T12).
    if (this.sending.size > 0) this.senders.add();
    for (const [call, bytes] of this.sending) {
      try {
        if (!this.trySend(bytes)) break;
        call.resolve();
      } catch (error) {
        call.reject(error);
      }
    }
    if (this.receiving.size > 0) this.receivers.add();
    for (const [call, site] of this.receiving) {
      try {
        const message = this.next();
        if (message === RING_EMPTY) break;
        call.resolve(message === RING_ENDED ? undefined : this.open(message, site));
      } catch (error) {
        call.reject(error);
      }
    }
  }

  private block<Result>(
    timeout: number | undefined,
    what: string,
    waiting: LaneSet,
    attempt: () => Result | undefined,
    ended?: Result,
  ): Result {
    const { sleeper } = this.thread;
    checkMayBlock();
    const start = environment.now();
    const deadline = start + (timeout ?? Number.POSITIVE_INFINITY);
    for (let round = 0; round < SPIN_ROUNDS && environment.now() < Math.min(start + SPIN, deadline); round++) {
      for (let turn = 0; turn < SPIN_TURNS; turn++) {
        const result = attempt();
        if (result !== undefined) return result;
      }
    }
    for (;;) {
      const { wakes } = sleeper;
      waiting.add();
      const result = attempt();
      if (result !== undefined) return result;
      const { presence } = this;
      if (presence !== 'some') {
        const last = attempt();
        if (last !== undefined) return last;
        if (presence === 'left' && ended !== undefined) return ended;
        throw abandoned();
      }
      const left = deadline - environment.now();
      if (left <= 0) throw timeoutError(what, timeout ?? 0);
      sleeper.sleep(wakes, left);
    }
  }
}

function abandoned(): ChannelClosedError {
  return new ChannelClosedError('CHANNEL_ABANDONED');
}

function nothingOf(engine: SharedEngine): Parcel {
  return { engine, block: -1, start: 0, length: 0 };
}

function foreign({ trace }: Allocation): TypeError {
  const where = trace.opening === undefined ? '' : `; they were allocated\n${trace.opening.site.stack}`;
  return new TypeError(`only bytes of the channel's own arena can be sent; these belong to another one${where}`);
}

function attachArena(handle: ArenaHandle): SharedArena {
  return handle.kind === 'buddy'
    ? BuddyArena.attach(handle as ArenaHandle<'buddy'>)
    : FixedArena.attach(handle as ArenaHandle<'fixed'>);
}
