import assert from 'node:assert/strict';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { BytesChannel, type ChannelHandle, type FixedArena } from 'arena-alligator';
import { loadPeer } from '../peers.js';
import { FILL } from '../work.js';
import { STOP, type Timed, WARM_UP_MS } from './together.js';

/** One way to send messages from one worker to another, with its settings. */
export interface HandOver {
  /**
   * - `channel`: a BytesChannel.
   * - `copy`: a MessagePort that copies each message.
   * - `fresh`: a MessagePort that transfers the message's memory.
   * - `returned`: a MessagePort that transfers the memory to the receiver and back.
   * - `number`: a MessagePort that sends a number, the message's position in shared memory.
   * - `ring`: a ring of bytes. Each message is copied into it and out of it.
   */
  readonly way: 'channel' | 'copy' | 'fresh' | 'returned' | 'number' | 'ring';
  readonly size: number;
  /** Whether the sender writes each message. Otherwise all messages are the same. */
  readonly writes: boolean;
  /** The largest number of messages on their way. */
  readonly window: number;
  /** Messages per postMessage. */
  readonly batch: number;
}

/** The work for one worker. */
export interface Job {
  readonly role: 'sender' | 'receiver';
  readonly one: HandOver;
  readonly flags: Int32Array;
  readonly ms: number;
  /** `way` decides which of these a job needs; the others are undefined. */
  readonly channel: ChannelHandle | undefined;
  readonly port: MessagePort | undefined;
  readonly memory: SharedArrayBuffer | undefined;
}

/** A worker's result. `total` includes the messages that were not timed. */
export interface Outcome extends Timed {
  readonly total: number;
}

/** The number of messages whose every byte is checked, before the clock starts. */
const LOOKED_AT = 64;

/** Counts the messages that arrive, checks them, and stops the sender when the time is up. */
class Arrivals {
  total = 0;
  private readonly job: Job;
  private readonly made = performance.now();
  private start = 0;
  private startCount = 0;
  private timed: Timed | undefined = undefined;

  constructor(job: Job) {
    this.job = job;
  }

  /** @param at returns the byte at an index of the message */
  take(length: number, at: (index: number) => number): void {
    const { size, writes } = this.job.one;
    const expected = writes ? this.total & 0xff : FILL;
    const step = this.total < LOOKED_AT ? 1 : size;
    for (let index = size - 1; index >= 0; index -= step) {
      if (at(index) !== expected || length !== size) throw new Error(`message ${this.total} is wrong at ${index}`);
    }
    this.total++;
    if ((this.total & 15) === 0) this.watchClock();
  }

  end(): Outcome {
    assert.ok(this.timed !== undefined);
    return { ...this.timed, total: this.total };
  }

  private watchClock(): void {
    const now = performance.now();
    if (this.start === 0) {
      if (now - this.made < WARM_UP_MS || this.total < LOOKED_AT) return;
      this.start = now;
      this.startCount = this.total;
    } else if (this.timed === undefined && now - this.start >= this.job.ms) {
      this.timed = { count: this.total - this.startCount, ms: now - this.start };
      Atomics.store(this.job.flags, STOP, 1);
    }
  }
}

const sent = (total: number): Outcome => ({ total, count: total, ms: 0 });

function sendThroughChannel({ one, flags }: Job, channel: BytesChannel): Outcome {
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
  return sent(total);
}

function receiveFromChannel(job: Job, channel: BytesChannel): Outcome {
  const arrivals = new Arrivals(job);
  for (let bytes = channel.receiveBlocking(); bytes !== undefined; bytes = channel.receiveBlocking()) {
    const message = bytes;
    arrivals.take(message.length, (index) => message.at(index));
    message.release();
  }
  return arrivals.end();
}

/**
 * Posts batches while the messages on their way fit the window. Each reply from the receiver is a credit for one more
 * batch.
 */
function post({ one, flags }: Job, port: MessagePort): Promise<Outcome> {
  const { way, size, batch, window, writes } = one;
  const make = (): Uint8Array => new Uint8Array(size).fill(FILL);
  const spare = Array.from({ length: Math.floor(window / batch) }, () => Array.from({ length: batch }, make));
  let total = 0;
  let pending = 0;
  return new Promise((resolve) => {
    const send = (): void => {
      while (flags[STOP] === 0 && spare.length > 0) {
        let messages = spare.pop() as Uint8Array[];
        // The Uint8Arrays of a batch are separate objects: postMessage would copy one that is in the list twice only
        // once. The same few batches are posted again and again.
        if (way === 'fresh') messages = messages.map(() => (writes ? new Uint8Array(size) : make()));
        if (writes) for (let index = 0; index < batch; index++) messages[index]?.fill((total + index) & 0xff);
        port.postMessage(messages, way === 'copy' ? [] : messages.map(({ buffer }) => buffer as ArrayBuffer));
        total += batch;
        pending++;
        if (way !== 'returned') kept.push(messages);
      }
      if (flags[STOP] !== 0 && pending === 0) {
        port.postMessage(undefined);
        resolve(sent(total));
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

function take(job: Job, port: MessagePort): Promise<Outcome> {
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

/**
 * Writes each message into a part of shared memory and posts the part's number. The receiver posts the number back
 * when it is done.
 */
function postNumbers({ one, flags }: Job, port: MessagePort, memory: SharedArrayBuffer): Promise<Outcome> {
  const { size, window, writes } = one;
  const parts = Array.from({ length: window }, (_, index) => Buffer.from(memory, index * size, size));
  const free = parts.map((_, index) => index);
  if (!writes) for (const part of parts) part.fill(FILL);
  let total = 0;
  return new Promise((resolve) => {
    const send = (): void => {
      for (let index = free.pop(); index !== undefined; index = free.pop()) {
        if (writes) parts[index]?.fill(total & 0xff);
        port.postMessage(index);
        total++;
      }
    };
    port.on('message', (index: number) => {
      free.push(index);
      if (flags[STOP] === 0) return send();
      if (free.length < window) return;
      port.postMessage(undefined);
      resolve(sent(total));
    });
    send();
  });
}

function takeNumbers(job: Job, port: MessagePort, memory: SharedArrayBuffer): Promise<Outcome> {
  const { size } = job.one;
  const bytes = new Uint8Array(memory);
  const arrivals = new Arrivals(job);
  return new Promise((resolve, reject) => {
    port.on('message', (part: number | undefined) => {
      try {
        if (part === undefined) return resolve(arrivals.end());
        arrivals.take(size, (index) => bytes[part * size + index] as number);
        port.postMessage(part);
      } catch (error) {
        reject(error);
      }
    });
  });
}

interface Ringbuf {
  readonly RingBuffer: new (
    memory: SharedArrayBuffer,
    type: Uint8ArrayConstructor,
  ) => {
    push(elements: Uint8Array): number;
    pop(elements: Uint8Array): number;
    availableRead(): number;
    availableWrite(): number;
  };
}

/** Sends or receives through a ring. Spins while the ring is full or empty: it has no other way to wait. */
async function throughRing(job: Job, memory: SharedArrayBuffer): Promise<Outcome> {
  const { RingBuffer } = await loadPeer<Ringbuf>('ringbuf.js');
  const { one, flags, role } = job;
  const ring = new RingBuffer(memory, Uint8Array);
  const message = Buffer.alloc(one.size, FILL);
  if (role === 'sender') {
    let total = 0;
    for (; Atomics.load(flags, STOP) === 0; total++) {
      if (one.writes) message.fill(total & 0xff);
      while (ring.availableWrite() < one.size && Atomics.load(flags, STOP) === 0);
      if (Atomics.load(flags, STOP) === 0) ring.push(message);
    }
    return sent(total);
  }
  const arrivals = new Arrivals(job);
  while (Atomics.load(flags, STOP) === 0) {
    while (ring.availableRead() < one.size);
    ring.pop(message);
    arrivals.take(one.size, (index) => message[index] as number);
  }
  return arrivals.end();
}

function handOver(job: Job): Outcome | Promise<Outcome> {
  const { port, memory } = job;
  const isSender = job.role === 'sender';
  if (job.channel !== undefined) {
    const channel = BytesChannel.attach(job.channel);
    return isSender ? sendThroughChannel(job, channel) : receiveFromChannel(job, channel);
  }
  if (memory !== undefined && port === undefined) return throughRing(job, memory);
  assert.ok(port !== undefined);
  if (memory === undefined) return isSender ? post(job, port) : take(job, port);
  return isSender ? postNumbers(job, port, memory) : takeNumbers(job, port, memory);
}

const job = workerData as Job;
parentPort?.postMessage(await handOver(job));
job.port?.close();
