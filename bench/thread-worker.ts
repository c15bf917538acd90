import assert from 'node:assert/strict';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type ArenaHandle, BuddyArena, BytesChannel, type ChannelHandle, FixedArena } from 'arena-alligator';
import { type HandOver, READY, STOP } from './thread-cases.js';

/** What a worker is to do. */
export type Job =
  | {
      readonly kind: 'fixed' | 'buddy';
      readonly arena: ArenaHandle;
      readonly flags: Int32Array;
      readonly threads: number;
      readonly ms: number;
    }
  | {
      readonly kind: 'hand-over';
      readonly role: 'sender' | 'receiver';
      readonly one: HandOver;
      readonly flags: Int32Array;
      readonly ms: number;
      readonly channel: ChannelHandle | undefined;
      readonly port: MessagePort | undefined;
    };

/** What came of it: of `total` turns `count` were timed, and took `ms`. */
export interface Outcome {
  readonly total: number;
  readonly count: number;
  readonly ms: number;
}

const FILL = 0x5a;
const WARM_UP = 150;
const SIZES = 4096;
/** Messages of which every byte is looked at, before the clock runs. */
const LOOKED_AT = 512;

/** Waits until all workers are here. */
function meet(flags: Int32Array, place: number, workers: number): void {
  Atomics.add(flags, place, 1);
  while (Atomics.load(flags, place) < workers);
}

function repeat(turn: () => void, ms: number): Outcome {
  const start = performance.now();
  for (let count = 0; ; ) {
    for (let end = count + 64; count < end; count++) turn();
    const passed = performance.now() - start;
    if (passed >= ms) return { total: count, count, ms: passed };
  }
}

function roundTrips({ kind, arena: handle, flags, threads, ms }: Exclude<Job, { kind: 'hand-over' }>): Outcome {
  const turn = kind === 'fixed' ? fixedTurn(handle) : buddyTurn(handle);
  const warm = repeat(turn, WARM_UP);
  meet(flags, READY, threads);
  const timed = repeat(turn, ms);
  // Nobody stops early: who is still being timed is not to run alone.
  meet(flags, STOP, threads);
  return { ...timed, total: warm.total + timed.total + 1 };
}

function fixedTurn(handle: ArenaHandle): () => void {
  const arena = FixedArena.attach(handle as ArenaHandle<'fixed'>);
  const looked = arena.allocate().putBytes(FILL, 1024).freeze();
  assert.ok(looked.length === 1024 && looked.toUint8Array().every((byte) => byte === FILL));
  looked.release();
  return () => arena.allocate().putBytes(FILL, 1024).freeze().release();
}

function buddyTurn(handle: ArenaHandle): () => void {
  const arena = BuddyArena.attach(handle as ArenaHandle<'buddy'>);
  const sizes = Array.from({ length: SIZES }, (_, index) => 192 + ((index * 48_271) % (16_384 - 192 + 1)));
  const looked = arena.allocate(16_384).putU8(1).freeze();
  assert.deepEqual([...looked], [1]);
  looked.release();
  let step = 0;
  return () => {
    step = (step + 1) & (SIZES - 1);
    arena
      .allocate(sizes[step] as number)
      .putU8(1)
      .freeze()
      .release();
  };
}

type HandOverJob = Extract<Job, { kind: 'hand-over' }>;

/** Counts what arrives, looks at it, and says when it is enough. */
class Arrivals {
  total = 0;
  private readonly job: HandOverJob;
  private readonly made = performance.now();
  private start = 0;
  private startCount = 0;
  private outcome: Outcome | undefined = undefined;

  constructor(job: HandOverJob) {
    this.job = job;
  }

  /** @param at the byte at an index of the message */
  take(length: number, at: (index: number) => number): void {
    const { size, writes } = this.job.one;
    const expected = writes ? this.total & 0xff : FILL;
    const step = this.total < LOOKED_AT ? (size > 4096 ? 509 : 1) : size;
    for (let index = size - 1; index >= 0; index -= step) {
      if (at(index) !== expected || length !== size) throw new Error(`message ${this.total} is wrong at ${index}`);
    }
    this.total++;
    if ((this.total & 15) === 0) this.watchClock();
  }

  end(): Outcome {
    assert.ok(this.outcome !== undefined);
    return { ...this.outcome, total: this.total };
  }

  private watchClock(): void {
    const now = performance.now();
    if (this.start === 0) {
      if (now - this.made < WARM_UP || this.total < LOOKED_AT) return;
      this.start = now;
      this.startCount = this.total;
    } else if (this.outcome === undefined && now - this.start >= this.job.ms) {
      this.outcome = { total: this.total, count: this.total - this.startCount, ms: now - this.start };
      Atomics.store(this.job.flags, STOP, 1);
    }
  }
}

function sendThroughChannel({ one, flags }: HandOverJob, channel: BytesChannel): Outcome {
  const arena = channel.arena as ReturnType<typeof FixedArena.attach>;
  let total = 0;
  if (one.writes) {
    for (; flags[STOP] === 0; total++) {
      channel.sendBlocking(
        arena
          .allocateBlocking()
          .putBytes(total & 0xff, one.size)
          .freeze(),
      );
    }
  } else {
    const written = arena.allocate().putBytes(FILL, one.size).freeze();
    for (; flags[STOP] === 0; total++) channel.sendBlocking(written.clone());
    written.release();
  }
  channel.close();
  return { total, count: total, ms: 0 };
}

function receiveFromChannel(job: HandOverJob, channel: BytesChannel): Outcome {
  const arrivals = new Arrivals(job);
  for (let bytes = channel.receiveBlocking(); bytes !== undefined; bytes = channel.receiveBlocking()) {
    const message = bytes;
    arrivals.take(message.length, (index) => message.at(index));
    message.release();
  }
  return arrivals.end();
}

/** Posts batches as long as fewer than the window are on their way; what comes back is a credit. */
function post({ one, flags }: HandOverJob, port: MessagePort): Promise<Outcome> {
  const { way, size, batch, window, writes } = one;
  const make = (): Uint8Array => new Uint8Array(size).fill(FILL);
  const spare = Array.from({ length: Math.floor(window / batch) }, () => Array.from({ length: batch }, make));
  let total = 0;
  let pending = 0;
  return new Promise((resolve) => {
    const send = (): void => {
      while (flags[STOP] === 0 && spare.length > 0) {
        let messages = spare.pop() as Uint8Array[];
        // Copies of one that is in the list twice would be one copy. The same few are posted again and again.
        if (way === 'fresh') messages = messages.map(() => (writes ? new Uint8Array(size) : make()));
        if (writes) for (let index = 0; index < batch; index++) messages[index]?.fill((total + index) & 0xff);
        port.postMessage(messages, way === 'copy' ? [] : messages.map(({ buffer }) => buffer as ArrayBuffer));
        total += batch;
        pending++;
        if (way !== 'returned') kept.push(messages);
      }
      if (flags[STOP] !== 0 && pending === 0) {
        port.postMessage(undefined);
        resolve({ total, count: total, ms: 0 });
      }
    };
    const kept: Uint8Array[][] = [];
    port.on('message', (returned: Uint8Array[] | null) => {
      pending--;
      spare.push(returned ?? (kept.pop() as Uint8Array[]));
      send();
    });
    send();
  });
}

function take(job: HandOverJob, port: MessagePort): Promise<Outcome> {
  const arrivals = new Arrivals(job);
  const returns = job.one.way === 'returned';
  return new Promise((resolve, reject) => {
    port.on('message', (messages: Uint8Array[] | undefined) => {
      try {
        if (messages === undefined) return resolve(arrivals.end());
        for (const message of messages) arrivals.take(message.length, (index) => message[index] as number);
        if (returns)
          port.postMessage(
            messages,
            messages.map(({ buffer }) => buffer as ArrayBuffer),
          );
        else port.postMessage(null);
      } catch (error) {
        reject(error);
      }
    });
  });
}

function handOver(job: HandOverJob): Outcome | Promise<Outcome> {
  const isSender = job.role === 'sender';
  if (job.channel !== undefined) {
    const channel = BytesChannel.attach(job.channel);
    return isSender ? sendThroughChannel(job, channel) : receiveFromChannel(job, channel);
  }
  assert.ok(job.port !== undefined);
  return isSender ? post(job, job.port) : take(job, job.port);
}

const job = workerData as Job;
parentPort?.postMessage(job.kind === 'hand-over' ? await handOver(job) : roundTrips(job));
if (job.kind === 'hand-over') job.port?.close();
