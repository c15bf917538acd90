import { abortReason, addAbortCallback, removeAbortCallback } from '../base/abort-signals.js';
import { environment, type Timer } from '../base/environment.js';
import { StopSignal } from '../base/stop-signal.js';
import { contentOf } from '../handles/content.js';
import { AllocError, type ArenaBuffer, AsyncBuddyArena, AsyncFixedArena, Bytes, BytesMut } from '../index.js';
import { BytesList } from '../streams/bytes-list.js';
import type { ChunkArena } from '../streams/chunk-arena.js';
import { PendingCall } from '../waiting/pending-call.js';
import { timeoutError, type WaitOptions } from '../waiting/wait-options.js';

/**
 * How long a body of several slots may hold some of them while it waits for the rest, in ms. It then gives them back,
 * pauses, and begins anew with twice the hold.
 */
const SHORTEST_HOLD = 10;
const LONGEST_HOLD = 160;

/**
 * The longest pause, in holds. Threads do not see each other's bodies. So each pauses for a random time, as stations do
 * that collide on Ethernet, until one of them is alone. Four threads that each needed every slot of an arena on two
 * cores got 1 in 10 bodies within 5 s with pauses of 10 ms, and all of them with these, after 1.2 s at most.
 */
const LONGEST_PAUSE = 4;

/** The reason of the requests that a body gives up to begin anew. */
const GAVE_UP: Error = new Error('the other slots did not come free in time');

/**
 * By arena: settles when the bodies before have their memory. Two that gathered pieces at once could stop each other.
 */
const turns = new WeakMap<ChunkArena, Promise<void>>();

/** The memory of one body: pieces in an arena, or a copy on the heap. */
export class BodyMemory {
  /** Bytes appended so far. */
  length = 0;
  private readonly arena: ChunkArena;
  private readonly chunkSize: number;
  private readonly spills: boolean;
  private readonly signal: WaitOptions['signal'];
  private readonly timeout: number | undefined;
  private deadline: number = Number.POSITIVE_INFINITY;
  private readonly buffers: ArenaBuffer[] = [];
  /** How many of the buffers are full. */
  private full = 0;
  private copy: BytesMut | undefined;

  constructor(arena: ChunkArena, chunkSize: number, spills: boolean, { signal, timeout }: WaitOptions) {
    this.arena = arena;
    this.chunkSize = chunkSize;
    this.spills = spills;
    this.signal = signal;
    this.timeout = timeout;
  }

  /**
   * Takes memory for `length` bytes.
   * @returns a promise if it has to wait for it
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; the promise also a TimeoutError or the signal's reason
   */
  reserve(length: number): Promise<void> | undefined {
    if (length === 0) return undefined;
    const size = this.pieceFor(length);
    const buffer = size === undefined ? undefined : this.arena.allocateNow(size);
    if (buffer === undefined) return this.waitFor(length, size);
    this.buffers.push(buffer);
    return undefined;
  }

  /**
   * Adds a copy of `data`. Waits for memory only while it holds none.
   * @returns a promise if it has to ask for memory, which rejects as that of {@link reserve}, and with AllocError
   *   ARENA_FULL
   */
  append(data: Uint8Array): Promise<void> | undefined {
    const end = this.fill(data, 0);
    this.length += data.length;
    return end < data.length ? this.appendRest(data, end) : undefined;
  }

  /** The body. */
  take(): BytesList {
    const { copy, buffers } = this;
    if (copy !== undefined) return new BytesList([copy.freeze()]);
    return new BytesList(buffers.splice(0).map((buffer) => buffer.freeze()));
  }

  /** Gives all memory back. */
  abandon(): void {
    for (const buffer of this.buffers.splice(0)) buffer.abandon();
    this.full = 0;
  }

  /** Size of the one piece that holds `length` bytes, or undefined where that takes several slots. */
  private pieceFor(length: number): number | undefined {
    if (this.arena instanceof AsyncBuddyArena) return length;
    return length <= this.chunkSize ? this.chunkSize : undefined;
  }

  private async waitFor(length: number, size: number | undefined): Promise<void> {
    const { arena, chunkSize } = this;
    this.deadline = environment.now() + (this.timeout ?? Number.POSITIVE_INFINITY);
    if (size !== undefined) {
      this.buffers.push(await arena.allocateAsync(size, this.limits()));
      return;
    }
    const count = Math.ceil(length / chunkSize);
    if (arena instanceof AsyncFixedArena && count > arena.slotCount) throw new AllocError('REQUEST_TOO_LARGE');
    await this.inTurn(() => this.gather(count));
  }

  /** Copies `data`, from `start` on, into the memory at hand. @returns the index of what did not fit */
  private fill(data: Uint8Array, start: number): number {
    let at = start;
    while (at < data.length) {
      const buffer = this.buffers[this.full];
      if (buffer === undefined) break;
      const part = data.subarray(at, at + buffer.capacity - buffer.length);
      buffer.putSlice(part);
      at += part.length;
      if (buffer.length === buffer.capacity) this.full++;
    }
    return at;
  }

  private async appendRest(data: Uint8Array, start: number): Promise<void> {
    let at = start;
    while (this.copy === undefined && at < data.length) {
      if ((await this.more()) === undefined) break;
      at = this.fill(data, at);
    }
    this.copy?.putSlice(data.subarray(at));
  }

  /** Another buffer, or undefined after the body has moved to the heap. */
  private async more(): Promise<ArenaBuffer | undefined> {
    const { arena, chunkSize, buffers, signal, timeout } = this;
    let buffer = arena.tryAllocate(chunkSize);
    if (buffer === undefined && buffers.length === 0)
      buffer = await arena.allocateAsync(chunkSize, { signal, timeout });
    if (buffer !== undefined) {
      buffers.push(buffer);
      return buffer;
    }
    if (!this.spills) throw new AllocError('ARENA_FULL');
    const copy = BytesMut.withCapacity(this.held());
    for (const frozen of buffers.splice(0).map((held) => held.freeze())) {
      copy.putSlice(contentOf(frozen));
      Bytes.giveBack(frozen);
    }
    this.copy = copy;
    return undefined;
  }

  private held(): number {
    return this.buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  }

  /** Takes `count` slots: what is free at once, and the rest as it comes free. */
  private async gather(count: number): Promise<void> {
    const { arena, chunkSize, buffers } = this;
    for (let hold = SHORTEST_HOLD; ; hold = Math.min(2 * hold, LONGEST_HOLD)) {
      while (buffers.length < count) {
        const buffer = arena.tryAllocate(chunkSize);
        if (buffer === undefined) break;
        buffers.push(buffer);
      }
      if (buffers.length === count) return;
      if (await this.collect(count - buffers.length, hold)) return;
      await this.pause(LONGEST_PAUSE * hold * Math.random());
    }
  }

  /**
   * Waits for `missing` slots. All requests join the line at once: one after the other, each would wait for all that
   * came in between. Returns false, and gives all memory back, when they do not come within `hold` ms of the first slot.
   */
  private async collect(missing: number, hold: number): Promise<boolean> {
    const { arena, chunkSize, buffers, signal } = this;
    const limits = this.limits();
    const round = new StopSignal();
    const onAbort = (): void => round.abort(signal && abortReason(signal));
    if (signal !== undefined) addAbortCallback(signal, onAbort);
    let timer: Timer | undefined;
    const startHold = (): void => {
      timer ??= environment.startTimer(() => round.abort(GAVE_UP), hold);
    };
    if (buffers.length > 0) startHold();
    const requests = Array.from({ length: missing }, async () => {
      buffers.push(await arena.allocateAsync(chunkSize, { signal: round, timeout: limits.timeout }));
      startHold();
    });
    try {
      await Promise.all(requests);
      return true;
    } catch (error) {
      round.abort(GAVE_UP);
      await Promise.allSettled(requests);
      this.abandon();
      if (error !== GAVE_UP) throw error;
      return false;
    } finally {
      if (timer !== undefined) environment.stopTimer(timer);
      if (signal !== undefined) removeAbortCallback(signal, onAbort);
    }
  }

  /** Lets others take the memory that was given back. */
  private async pause(duration: number): Promise<void> {
    const pause = new PendingCall<void>('no memory came free', this.limits(), () => environment.stopTimer(timer));
    const timer = environment.startTimer(() => pause.resolve(), duration);
    await pause.promise;
  }

  /** Runs `work` after the bodies that came before have their memory. */
  private async inTurn(work: () => Promise<void>): Promise<void> {
    const { arena } = this;
    const before = turns.get(arena) ?? Promise.resolve();
    let done: () => void = () => undefined;
    const own = new Promise<void>((resolve) => {
      done = resolve;
    });
    turns.set(
      arena,
      before.then(() => own),
    );
    try {
      const turn = new PendingCall<void>('no memory came free', this.limits(), () => undefined);
      before.then(() => turn.resolve());
      await turn.promise;
      await work();
    } finally {
      done();
    }
  }

  /** What is left of the limits. @throws a TimeoutError when no time is left; the reason of an aborted signal */
  private limits(): WaitOptions {
    const { signal, timeout, deadline } = this;
    if (signal?.aborted) throw abortReason(signal);
    if (timeout === undefined) return { signal };
    const left = deadline - environment.now();
    if (left < 0) throw timeoutError('no memory came free', timeout);
    return { signal, timeout: Math.ceil(left) };
  }
}
