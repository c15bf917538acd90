import { Worker } from 'node:worker_threads';
import {
  BuddyArena,
  BuddyGeometry,
  type Bytes,
  BytesChannel,
  FixedArena,
  type SharedBuddyArena,
  type SharedFixedArena,
} from 'arena-alligator';
import { MESSAGE_WORDS, WAITING } from '#internal/shared/control';
import type { SharedThread } from '#internal/shared/thread';
import { auditArena } from '../../test/support/audit.js';
import {
  ADDRESS,
  BLOCKED,
  BUDGET,
  DEATH,
  DONE,
  FAILED,
  ID,
  KILL,
  PARKED,
  READY,
  RESULT,
  ROUND,
  RUNNING,
  STATUS,
  STEPS,
  THREAD_WORDS,
  THREADS,
  WOKEN,
} from './board.js';
import { type Scenario, scenarios } from './scenarios.js';

/** After `at` operations of all threads together, `thread` goes on instead of the thread that would go on otherwise. */
interface Switch {
  readonly at: number;
  readonly thread: number;
}

/** The outcome of a run. */
interface Outcome {
  readonly wrong: readonly string[];
  /** Operations of all threads together. */
  readonly length: number;
  /** Whether the victim was killed; false when it finished before that. */
  readonly reached: boolean;
}

export interface Found {
  readonly wrong: readonly string[];
  readonly switches: readonly Switch[];
  readonly death: number | undefined;
}

export interface Exploration {
  readonly schedules: number;
  readonly found: Found | undefined;
}

export interface Limits {
  /** How often a thread that could go on must wait for another thread. */
  readonly preemptions: number;
  /** How many random schedules to run after those. */
  readonly random: number;
  /** The time after which exploring ends, in ms. */
  readonly time: number;
}

/** No thread needs this many operations in a run. A thread that does more is in an endless loop. */
const LONGEST = 20_000;

/**
 * How many messages a scenario may touch at the place in the message memory where each thread begins. They are restored
 * between two runs.
 */
const MESSAGES_USED = 64;

/**
 * Runs a scenario under one schedule after another: first all schedules with up to a number of preemptions (Musuvathi
 * and Qadeer, "Iterative Context Bounding", PLDI 2007), then random ones. The scheduler lets one thread do operations
 * until the schedule preempts it.
 */
export class Explorer {
  private readonly scenario: Scenario;
  private readonly board = new Int32Array(new SharedArrayBuffer(THREADS * THREAD_WORDS * 4));
  private readonly workers: Worker[] = [];
  /** The bytes that the main thread holds. */
  private readonly taken: Bytes[] = [];
  private readonly arena: SharedFixedArena | SharedBuddyArena;
  private readonly channel: BytesChannel | undefined;
  private readonly library: string;
  private readonly isLoud: boolean;
  private restore: () => void = () => undefined;
  private round = 0;

  private constructor(scenario: Scenario, library: string, isLoud: boolean) {
    this.scenario = scenario;
    this.isLoud = isLoud;
    this.library = library;
    const threads = { maxThreads: THREADS + 1 };
    this.arena =
      scenario.slots === undefined
        ? BuddyArena.builder(BuddyGeometry.exact(2 ** (scenario.maxOrder ?? 0), 1))
            .shared(threads)
            .build()
        : FixedArena.withSlotCapacity(scenario.slots, 1).shared(threads).build();
    this.channel =
      scenario.capacity === undefined ? undefined : BytesChannel.create(this.arena, { capacity: scenario.capacity });
  }

  /**
   * Starts the threads of the scenario `name`.
   * @param library address of the folder with the stepped library
   * @param isLoud whether errors that threads throw are printed
   */
  static async over(name: string, library: string, isLoud: boolean): Promise<Explorer> {
    const scenario = scenarios.find((one) => one.name === name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    const explorer = new Explorer(scenario, library, isLoud);
    await explorer.start();
    return explorer;
  }

  async explore({ preemptions, random, time }: Limits): Promise<Exploration> {
    const end = performance.now() + time;
    let schedules = 0;
    let found: Found | undefined;
    const tryOne = (switches: readonly Switch[], death: number | undefined): Outcome => {
      schedules++;
      const outcome = this.run(switches, death);
      if (outcome.wrong.length > 0) found = { wrong: outcome.wrong, switches, death };
      return outcome;
    };
    const { victim, roles } = this.scenario;
    const extend = (switches: readonly Switch[], death: number | undefined, length: number, left: number): void => {
      if (left === 0) return;
      const first = (switches.at(-1)?.at ?? -1) + 1;
      for (let at = first; at < length; at++) {
        for (let thread = 0; thread < roles.length; thread++) {
          if (found !== undefined || performance.now() > end) return;
          const longer = [...switches, { at, thread }];
          const outcome = tryOne(longer, death);
          extend(longer, death, outcome.length, left - 1);
        }
      }
    };
    for (let bound = 0; bound <= preemptions && found === undefined; bound++) {
      for (let death = 0; found === undefined && performance.now() < end; death++) {
        const outcome = tryOne([], victim === undefined ? undefined : death);
        // The smallest number of preemptions comes first: its findings are the easiest to read.
        if (bound > 0) extend([], victim === undefined ? undefined : death, outcome.length, bound);
        if (victim === undefined || !outcome.reached) break;
      }
    }
    for (let count = 0; count < random && found === undefined && performance.now() < end; count++) {
      const switches = Array.from({ length: 4 + (count % 12) }, () => ({
        at: Math.floor(Math.random() * 120),
        thread: Math.floor(Math.random() * roles.length),
      })).sort((one, other) => one.at - other.at);
      tryOne(switches, victim === undefined ? undefined : Math.floor(Math.random() * 40));
    }
    return { schedules, found };
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private async start(): Promise<void> {
    const { scenario, arena, channel, board, library } = this;
    const isRedeemed = scenario.name.includes('redeem');
    const ticket = isRedeemed ? arena.allocate(1).putU8(7).freeze().toTicket() : undefined;
    for (let count = 0; count < (scenario.taken ?? 0); count++) this.taken.push(arena.allocate(1).putU8(7).freeze());
    const { words } = (arena as unknown as { readonly thread: SharedThread }).thread.tools.control;
    if (scenario.isFlagStale) words[WAITING] = 1;
    this.restore = this.snapshot();
    for (let thread = 0; thread < scenario.roles.length; thread++) {
      const worker = new Worker(new URL('./thread.js', import.meta.url), {
        workerData: {
          board,
          thread,
          library,
          scenario: scenario.name,
          arena: arena.handle(),
          channel: channel?.handle(),
          ticket,
          isLoud: this.isLoud,
        },
      });
      this.workers.push(worker);
      await new Promise((resolve, reject) => worker.once('online', resolve).once('error', reject));
    }
    this.workers.forEach((worker, thread) => {
      board[thread * THREAD_WORDS + ID] = worker.threadId;
    });
  }

  /**
   * Does one run. A thread goes on until a switch stops it, or until it ends or sleeps. After that, the first thread
   * that can go on does so.
   */
  private run(switches: readonly Switch[], death: number | undefined): Outcome {
    const { board, scenario } = this;
    const count = scenario.roles.length;
    this.restore();
    this.round++;
    for (let thread = 0; thread < count; thread++) {
      board[thread * THREAD_WORDS + ADDRESS] = -1;
      Atomics.store(board, thread * THREAD_WORDS + STATUS, RUNNING);
      Atomics.store(board, thread * THREAD_WORDS + ROUND, this.round);
      Atomics.notify(board, thread * THREAD_WORDS + ROUND);
      this.awaitStatus(thread);
    }
    const status = (thread: number): number => Atomics.load(board, thread * THREAD_WORDS + STATUS);
    const steps = (thread: number): number => board[thread * THREAD_WORDS + STEPS] as number;
    let total = 0;
    let isDead = false;
    const killed = new Set<number>(scenario.dead === undefined ? [] : [scenario.dead]);
    const canGoOn = (thread: number): boolean => {
      if (killed.has(thread) || status(thread) === DONE || status(thread) === FAILED) return false;
      if (status(thread) !== BLOCKED) return true;
      if (board[thread * THREAD_WORDS + ADDRESS] === DEATH) return isDead;
      return board[thread * THREAD_WORDS + WOKEN] === 1;
    };
    let current = 0;
    let next = 0;
    const wrong: string[] = [];
    for (;;) {
      // A victim that finished counts as dead too, as if its worker had ended.
      if (scenario.victim !== undefined && status(scenario.victim) === DONE) isDead = true;
      while (next < switches.length && (switches[next] as Switch).at <= total) {
        const { thread } = switches[next++] as Switch;
        if (canGoOn(thread)) current = thread;
      }
      if (!canGoOn(current)) {
        const other = Array.from({ length: count }, (_, thread) => thread).find(canGoOn);
        if (other === undefined) break;
        current = other;
      }
      const before = steps(current);
      let budget = next < switches.length ? (switches[next] as Switch).at - total : LONGEST;
      if (current === scenario.victim && death !== undefined) {
        const left = death - before;
        if (left <= 0) {
          this.go(current, KILL);
          killed.add(current);
          isDead = true;
          continue;
        }
        budget = Math.min(budget, left);
      }
      this.go(current, budget);
      total += steps(current) - before;
      if (steps(current) > LONGEST) wrong.push(`thread ${current} never finishes`);
      if (wrong.length > 0) break;
    }
    wrong.push(...this.judge(killed));
    this.endAll();
    return { wrong, length: total, reached: killed.size > (scenario.dead === undefined ? 0 : 1) };
  }

  private judge(killed: ReadonlySet<number>): string[] {
    const { board, scenario } = this;
    const wrong: string[] = [];
    let points = 0;
    for (let thread = 0; thread < scenario.roles.length; thread++) {
      const status = board[thread * THREAD_WORDS + STATUS];
      if (status === FAILED) wrong.push(`thread ${thread} threw`);
      else if (status !== DONE && !killed.has(thread)) wrong.push(`thread ${thread} sleeps and is never woken`);
      points += board[thread * THREAD_WORDS + RESULT] as number;
    }
    if (wrong.length > 0) return wrong;
    const { thread } = this.arena as unknown as { readonly thread: SharedThread };
    // Messages that no thread received are not lost: receive them here.
    for (let bytes = this.channel?.tryReceive(); bytes !== undefined; bytes = this.channel?.tryReceive())
      bytes.release();
    wrong.push(...auditArena(thread.tools));
    if (scenario.points !== undefined && killed.size === 0 && points !== scenario.points)
      wrong.push(`${points} points instead of ${scenario.points}`);
    const { allocationsOk, frees, bytesLive } = this.arena.metrics();
    const held = [...Array(thread.tools.control.lanesUsed).keys()]
      .flatMap((lane) => [...thread.tools.control.lane(lane).holds])
      .filter((hold) => hold > 0).length;
    const expected =
      scenario.victim === undefined && scenario.dead === undefined ? (scenario.kept ?? 0) + this.taken.length : held;
    if (held !== expected) wrong.push(`${held} blocks held instead of ${expected}`);
    if (allocationsOk - frees !== held) wrong.push(`${allocationsOk} allocations, ${frees} frees, ${held} held`);
    if (held === 0 && bytesLive !== 0) wrong.push(`${bytesLive} bytes live`);
    if (this.arena instanceof BuddyArena) {
      const { splits, coalesces } = this.arena.metrics();
      if (held === 0 && splits !== coalesces) wrong.push(`${splits} splits, ${coalesces} coalesces`);
      wrong.push(...auditArena(thread.tools, true));
    }
    return wrong;
  }

  /** Lets a thread go on and waits until it stops. */
  private go(thread: number, budget: number): void {
    const { board } = this;
    const at = thread * THREAD_WORDS;
    Atomics.store(board, at + STATUS, RUNNING);
    Atomics.store(board, at + BUDGET, budget);
    Atomics.notify(board, at + BUDGET);
    this.awaitStatus(thread);
  }

  private awaitStatus(thread: number): void {
    const at = thread * THREAD_WORDS + STATUS;
    for (let spins = 0; Atomics.load(this.board, at) === RUNNING; spins++) {
      if (spins > 200 && Atomics.wait(this.board, at, RUNNING, 5000) === 'timed-out')
        throw new Error(`thread ${thread} does not answer`);
    }
  }

  /** Ends the run of every thread that has not ended. */
  private endAll(): void {
    for (let thread = 0; thread < this.scenario.roles.length; thread++) {
      const status = this.board[thread * THREAD_WORDS + STATUS];
      if (status === PARKED || status === BLOCKED || status === READY) this.go(thread, KILL);
    }
  }

  /**
   * Returns a function that restores all shared memory to its present content, but with another arena id, so that the
   * threads attach again in each run.
   */
  private snapshot(): () => void {
    const { thread } = this.arena as unknown as { readonly thread: SharedThread };
    const { words, messages } = thread.tools.control;
    const firstLane = thread.tools.lane.start;
    const perThread = messages + Math.floor(65_536 / (THREADS + 1)) * MESSAGE_WORDS;
    const parts = [words.subarray(0, messages + MESSAGES_USED * MESSAGE_WORDS), words.subarray(firstLane)];
    for (let lane = 1; lane <= THREADS; lane++) {
      const start = messages + lane * (perThread - messages) - 64 * MESSAGE_WORDS;
      parts.push(words.subarray(start, start + 128 * MESSAGE_WORDS));
    }
    if (this.channel !== undefined) parts.push(new Int32Array(this.channel.handle().memory));
    const copies = parts.map((part) => part.slice());
    return () => {
      parts.forEach((part, index) => void part.set(copies[index] as Int32Array));
      words[11] = this.round;
    };
  }
}
