import { environment } from '../base/environment.js';
import { contentOf } from '../handles/content.js';
import { AllocError, type ArenaBuffer, AsyncBuddyArena, Bytes, BytesMut } from '../index.js';
import { PendingCall } from '../waiting/pending-call.js';
import { timeoutError, type WaitOptions } from '../waiting/wait-options.js';
import { BytesList } from './bytes-list.js';
import type { ChunkArena } from './chunk-arena.js';

/**
 * How long a body may hold memory while it waits for more, in ms. Whoever needs that memory gets it after this time.
 */
const LONGEST_HOLD = 10;

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
  private readonly deadline: number;
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
    this.deadline = environment.now() + (timeout ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Waits until there is memory for `length` bytes.
   * @throws AllocError REQUEST_TOO_LARGE or ARENA_CLOSED; a TimeoutError; the signal's reason
   */
  async reserve(length: number): Promise<void> {
    const { arena, chunkSize } = this;
    if (length === 0) return;
    if (arena instanceof AsyncBuddyArena) {
      this.buffers.push(await arena.allocateAsync(length, this.limits()));
      return;
    }
    const count = Math.ceil(length / chunkSize);
    if (count > arena.slotCount) throw new AllocError('REQUEST_TOO_LARGE');
    if (count === 1) this.buffers.push(await arena.allocateAsync(chunkSize, this.limits()));
    else await this.inTurn(() => this.gather(count));
  }

  /**
   * Adds a copy of `data`. Waits for memory only while it holds none.
   * @throws as {@link reserve}; AllocError ARENA_FULL
   */
  async append(data: Uint8Array): Promise<void> {
    let at = 0;
    while (this.copy === undefined && at < data.length) {
      const buffer = this.buffers[this.full] ?? (await this.more());
      if (buffer === undefined) break;
      const part = data.subarray(at, at + buffer.capacity - buffer.length);
      buffer.putSlice(part);
      at += part.length;
      if (buffer.length === buffer.capacity) this.full++;
    }
    this.copy?.putSlice(data.subarray(at));
    this.length += data.length;
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

  /** Another buffer, or undefined after the body has moved to the heap. */
  private async more(): Promise<ArenaBuffer | undefined> {
    const { arena, chunkSize, buffers } = this;
    let buffer = arena.tryAllocate(chunkSize);
    if (buffer === undefined && buffers.length === 0) buffer = await arena.allocateAsync(chunkSize, this.limits());
    if (buffer !== undefined) {
      buffers.push(buffer);
      return buffer;
    }
    if (!this.spills) throw new AllocError('ARENA_FULL');
    const copy = BytesMut.withCapacity(2 * this.held());
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

  /** Takes `count` slots. Gives back what it has when the next one takes long. */
  private async gather(count: number): Promise<void> {
    const { arena, chunkSize, buffers } = this;
    while (buffers.length < count) {
      const isHolding = buffers.length > 0;
      const limits = this.limits(isHolding ? LONGEST_HOLD : undefined);
      try {
        buffers.push(arena.tryAllocate(chunkSize) ?? (await arena.allocateAsync(chunkSize, limits)));
      } catch (error) {
        // The reason of AbortSignal.timeout() is a TimeoutError too: only the end of our own hold begins anew.
        if (!isHolding || this.signal?.aborted || !isTimeout(error)) throw error;
        this.abandon();
        this.limits(); // throws when the time is over
      }
    }
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

  /** What is left of the limits. @throws a TimeoutError when no time is left */
  private limits(most: number = Number.POSITIVE_INFINITY): WaitOptions {
    const { signal, timeout, deadline } = this;
    if (timeout === undefined) return { signal, timeout: most === Number.POSITIVE_INFINITY ? undefined : most };
    const left = deadline - environment.now();
    if (left < 0) throw timeoutError('no memory came free', timeout);
    return { signal, timeout: Math.min(Math.ceil(left), most) };
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
