import { Worker } from 'node:worker_threads';
import { Bytes, BytesChannel } from '../index.js';
import type { SharedChunkArena } from './chunk-arena.js';
import type { HashedFile } from './hash-chunks.js';
import type { HashedInWorker } from './hash-worker.js';

/** The most chunks that may wait for a thread: twice the read-ahead of a file. */
const CAPACITY = 16;

/** Fixed cost of a file, in bytes: opening, sending and answering take as long as hashing this many bytes. */
const FILE_COST = 65_536;

/** A caller that waits for the digest of a file. */
interface Awaiting {
  resolve(hashed: HashedFile): void;
  reject(error: Error): void;
}

/** A worker that hashes one file after the other, and the channel that sends it their chunks. */
export class HashThread {
  /** The reason why it takes no more files. */
  failure: Error | undefined;
  /** How many of the bytes it hashed no longer lay in the memory of the arena. */
  bytesCopied = 0;
  /** The work it still has to do, in bytes. */
  load = 0;
  private readonly channel: BytesChannel;
  private readonly ended: Promise<void>;
  /** The oldest file is first. The worker answers in the same order. */
  private readonly awaiting: Awaiting[] = [];
  /** Settles when the end of the last file was sent. The chunks of two files must not mix in the channel. */
  private lastSent: Promise<void> = Promise.resolve();

  /** @param script the script that the worker runs */
  constructor(arena: SharedChunkArena, script: URL) {
    this.channel = BytesChannel.create(arena, { capacity: CAPACITY });
    const worker = new Worker(script, { workerData: this.channel.handle() });
    arena.watch(worker); // added first, so that the memory is back when later listeners learn of the exit
    worker.on('message', ({ bytesCopied, ...hashed }: HashedInWorker) => {
      this.bytesCopied += bytesCopied;
      this.awaiting.shift()?.resolve(hashed);
    });
    worker.on('error', (error: Error) => {
      this.failure = error;
    });
    this.ended = new Promise((resolve) => {
      worker.on('exit', (code) => {
        this.fail(this.failure ?? new Error(`A hashing thread ended with code ${code}`));
        resolve();
      });
    });
  }

  /**
   * Hashes a file of about `size` bytes, once the files before it were sent. It takes no chunk before that, so files
   * that wait in line hold no memory. When the promise settles, no chunk is being read any more.
   * @param onBytes called with the length of each chunk that was sent
   */
  async hash(chunks: AsyncIterable<Bytes>, size: number, onBytes: (count: number) => void): Promise<HashedFile> {
    const cost = size + FILE_COST;
    this.load += cost;
    const hashed = new Promise<HashedFile>((resolve, reject) => {
      this.awaiting.push({ resolve, reject });
    });
    hashed.catch(() => undefined); // not awaited when sending fails
    const sending = this.lastSent.then(() => this.send(chunks, onBytes));
    this.lastSent = sending.catch(() => undefined);
    try {
      await sending;
      return await hashed;
    } finally {
      this.load -= cost;
    }
  }

  /** Lets the worker finish the chunks that were sent and exit. */
  async end(): Promise<void> {
    this.channel.close();
    await this.ended;
  }

  private async send(chunks: AsyncIterable<Bytes>, onBytes: (count: number) => void): Promise<void> {
    try {
      for await (using chunk of chunks) {
        const { length } = chunk;
        await this.channel.send(chunk);
        onBytes(length);
      }
    } catch (error) {
      throw this.failure ?? error;
    } finally {
      // The end is also sent for a file that failed: the worker then starts a new digest, and its answer is ignored.
      // The channel of a dead worker is closed.
      if (this.failure === undefined) await this.channel.send(Bytes.empty);
    }
  }

  private fail(failure: Error): void {
    this.failure = failure;
    this.channel.close(); // ends a send that waits for room
    for (let left = this.channel.tryReceive(); left !== undefined; left = this.channel.tryReceive()) left.release();
    for (const { reject } of this.awaiting.splice(0)) reject(failure);
  }
}
