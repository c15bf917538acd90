import {
  type ArenaBuffer,
  AsyncBuddyArena,
  AsyncFixedArena,
  FixedArena,
  NotifyWaiters,
  type WaitOptions,
} from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import * as arenaOps from './arena-ops.js';
import { addArena } from './arenas.js';
import * as bufferOps from './buffer-ops.js';
import * as bytesOps from './bytes-ops.js';
import { checkAll, releaseAll } from './checks.js';
import { Dice } from './dice.js';
import { anything, hostileOptions, hostileSignal, integerUpTo, reentry } from './hostile.js';
import { type ArenaModel, World } from './model.js';
import { expectSame, Fails, Finding, failureOf, Marker, REFUSALS, refusalOfInteger, unexpected } from './outcome.js';

/** A request whose promise is not settled yet. */
interface Pending {
  readonly model: ArenaModel;
  readonly size: number;
}

const TICKS = 8;
const MOST_ENTRIES = 4;

/** A world whose programs wait for memory. */
export class WaitWorld extends World {
  readonly pending: Pending[] = [];
  readonly controllers: AbortController[] = [];
  /** The number of asynchronous calls of any kind that are not settled. */
  unsettled = 0;
  /** Whether timers may run before the next operation. */
  yields = false;
  /**
   * How often hostile code may still call back in. The limit ends a loop: the memory it frees wakes the strategy again.
   */
  private entries = MOST_ENTRIES;
  private finding: unknown;

  constructor(dice: Dice, options: readonly string[] = ['async'], count = 2) {
    super(true);
    const chance = new Dice().reseed(dice.next());
    reentry.run = () => this.reenter(chance);
    for (let arena = 0; arena < count; arena++) addArena(this, dice, options, this.strategy(dice));
  }

  private strategy(dice: Dice): object | undefined {
    return dice.oneIn(3) ? new Meddler(() => reentry.run()) : undefined;
  }

  /** What hostile code does in the middle of a call: it allocates memory and returns it. */
  private reenter(chance: Dice): void {
    if (this.entries-- <= 0) return;
    try {
      const model = chance.from(this.arenas);
      // The model learns of a close() only when that returns.
      if (model === undefined || model.isClosed || model.arena.isClosed) return;
      const buffer = model.arena.tryAllocate(1);
      if (buffer === undefined) {
        model.allocationsFailed++;
        return;
      }
      model.allocationsOk++;
      model.frees++;
      buffer.abandon();
    } catch (error) {
      this.failed(error);
    }
  }

  /** Fails the program. For code from which a thrown error would be lost. */
  failed(error: unknown): void {
    this.finding ??= error;
  }

  /** Follows a promise until it settles. */
  follow<Result>(
    what: string,
    promise: Promise<Result>,
    may: number,
    done: (result: Result) => void,
    vain: (failure: number) => void,
  ): void {
    this.unsettled++;
    promise
      .then(done, (error: unknown) => {
        const failure = failureOf(error);
        if ((failure & may) === 0) throw unexpected(what, may, error);
        vain(failure);
      })
      .catch((error: unknown) => this.failed(error))
      .finally(() => this.unsettled--);
  }

  async settle(): Promise<void> {
    if (this.yields) await new Promise((resolve) => setTimeout(resolve, 1));
    this.yields = false;
    this.entries = MOST_ENTRIES;
    if (this.unsettled > 0) for (let tick = 0; tick < TICKS; tick++) await undefined;
    if (this.finding !== undefined) throw this.finding;
    if (this.pending.length > 0) for (const model of this.arenas) this.checkWaits(model);
  }

  /** Checks that no request waits for memory that is free. */
  private checkWaits(model: ArenaModel): void {
    const { arena } = model;
    const waits = this.pending.filter((pending) => pending.model === model);
    if (waits.length === 0 || !(arena instanceof AsyncFixedArena || arena instanceof AsyncBuddyArena)) return;
    const metrics = arena.metrics();
    expectSame(metrics.waiting, waits.length, 'waiting');
    const smallest = Math.min(...waits.map(({ size }) => size));
    const largest =
      arena instanceof AsyncBuddyArena ? arena.metrics().largestFreeBlock : model.total - metrics.bytesLive;
    if (largest >= smallest) throw new Finding(`a request for ${smallest} bytes waits, although ${largest} are free`);
  }

  async finish(): Promise<void> {
    checkAll(this);
    for (const model of this.arenas) {
      model.arena.close();
      model.isClosed = true;
    }
    await this.settle();
    expectSame(this.pending.length, 0, 'requests that still wait after close()');
    await this.settle();
    releaseAll(this);
  }
}

/** The default strategy, which also runs hostile code whenever it is called. */
class Meddler extends NotifyWaiters {
  private readonly meddle: () => void;

  constructor(meddle: () => void) {
    super();
    this.meddle = meddle;
  }

  override register(order?: number): ReturnType<NotifyWaiters['register']> {
    this.meddle();
    return super.register(order);
  }

  override wake(freedOrder?: number): void {
    this.meddle();
    super.wake(freedOrder);
    this.meddle();
  }
}

export function anyWaitOptions(world: WaitWorld, dice: Dice): { options: WaitOptions | undefined; invalid: number } {
  const choice = dice.below(12);
  if (choice < 4) return { options: undefined, invalid: 0 };
  if (choice < 6) {
    const timeout = dice.oneIn(3) ? anything(dice) : dice.below(3);
    const invalid = timeout === undefined ? 0 : refusalOfInteger(timeout, 0, 2 ** 31 - 1);
    return { options: { timeout: timeout as number }, invalid };
  }
  if (choice < 9) {
    const controller = new AbortController();
    if (dice.oneIn(4)) controller.abort(dice.oneIn(2) ? new Marker('aborted before') : undefined);
    world.controllers.push(controller);
    return { options: { signal: controller.signal }, invalid: 0 };
  }
  const fields = {
    signal: dice.oneIn(2) ? hostileSignal(dice) : new AbortController().signal,
    timeout: dice.below(1000),
  };
  if (choice < 11)
    return { options: (dice.oneIn(2) ? hostileOptions(dice, fields) : fields) as WaitOptions, invalid: 0 };
  return { options: anything(dice) as WaitOptions, invalid: ANY_OPTIONS };
}

/** Anything at all as options may be refused because of its type. Here that is not predicted. */
const ANY_OPTIONS = Fails.Type;
const ENDS: number = Fails.Wait | Fails.Marker | Fails.Closed | Fails.Type | Fails.Range;

const allocateAsync: Operation = (world, dice) => {
  const model = dice.from(world.arenas);
  if (!(world instanceof WaitWorld) || model === undefined) return;
  const { arena } = model;
  if (!(arena instanceof AsyncFixedArena || arena instanceof AsyncBuddyArena) || world.pending.length > 12) return;
  const isFixed = arena instanceof AsyncFixedArena;
  const length =
    isFixed && dice.oneIn(2) ? undefined : integerUpTo(dice, Math.max(1, model.total >> dice.below(5)), dice.oneIn(4));
  const { options } = anyWaitOptions(world, dice);
  // An object in place of a length is taken as the options.
  const noLength = isFixed && (length === undefined || typeof length === 'object');
  const invalid = noLength ? 0 : refusalOfInteger(length, 1);
  const size = invalid === 0 ? model.blockFor(noLength ? undefined : (length as number)) : undefined;
  const may = ENDS | (invalid === 0 && size === undefined ? Fails.TooLarge : 0);
  // Added before the call: hostile code that runs in the call may already serve the request.
  const entry = { model, size: size ?? 0 };
  world.pending.push(entry);
  const ended = (): void => void world.pending.splice(world.pending.indexOf(entry), 1);
  world.follow(
    'allocateAsync',
    arena.allocateAsync(length as number, options) as Promise<ArenaBuffer>,
    may,
    (handle) => {
      ended();
      if (size === undefined)
        throw new Finding(`a request of ${String(length)} bytes was served, although it is invalid or too large`);
      arenaOps.addBuffer(world, model, handle, size, length as number | undefined);
    },
    (failure) => {
      ended();
      if ((failure & REFUSALS) !== 0) model.allocationsFailed++;
    },
  );
};

const abort: Operation = (world, dice) => {
  if (!(world instanceof WaitWorld)) return;
  dice.from(world.controllers)?.abort(dice.oneIn(2) ? new Marker('aborted') : undefined);
};

const turn: Operation = (world, dice) => {
  if (world instanceof WaitWorld && dice.oneIn(16)) world.yields = true;
};

/** Writes to, freezes or abandons a buffer in the middle of its spill, when the strategy is told of the freed slot. */
const meddleWithSpill: Operation = (_world, dice) => {
  let act: () => void = () => undefined;
  const waiters = { register: () => new NotifyWaiters().register(), wake: () => act() };
  const arena = FixedArena.withSlotCapacity(1, 8).autoSpill().buildAsyncWith(waiters);
  const buffer = arena.allocate().putBytes(1, dice.below(9));
  const count = dice.below(120);
  const choice = dice.below(4);
  act = () => {
    act = () => undefined;
    if (choice === 0) buffer.putBytes(2, count);
    else if (choice === 1) buffer.freeze().release();
    else if (choice === 2) buffer.abandon();
    else buffer.putU32(7).putUtf8('meddled');
  };
  try {
    dice.pick([
      () => buffer.putBytes(3, 9 + dice.below(100)),
      () => buffer.putUtf8('more than a slot can hold'),
      () => buffer.putSlice(new Uint8Array(9 + dice.below(100))),
      () => buffer.putU64(1n).putU64(2n),
    ])();
  } catch (error) {
    if ((failureOf(error) & (Fails.Released | Fails.Marker)) === 0) throw unexpected('a write', Fails.Released, error);
    return;
  }
  if (choice === 1 || choice === 2) return;
  if (buffer.length > buffer.capacity) throw new Finding(`${buffer.length} bytes in a capacity of ${buffer.capacity}`);
  const { length } = buffer;
  expectSame(buffer.freeze().toUint8Array().length, length, 'length after a spill');
};

export const WAIT_OPERATIONS: readonly (readonly [number, Operation])[] = [
  [12, allocateAsync],
  [3, abort],
  [1, turn],
  [2, meddleWithSpill],
  [6, bufferOps.abandon],
  [6, bytesOps.release],
];
