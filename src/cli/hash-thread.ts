import { Worker } from 'node:worker_threads';
import { Bytes, BytesChannel } from '../index.js';
import type { SharedChunkArena } from './chunk-arena.js';
import type { HashedFile } from './hash-chunks.js';
import type { HashedInWorker } from './hash-worker.js';

/** Chunks that may wait for a thread: as many as a file is read ahead, twice. */
const CAPACITY = 16;

/** What a file costs besides its bytes, in bytes: opening, sending and answering take as long as hashing so many. */
const FILE_COST = 65_536;

/** Who waits for the digest of a file. */
interface Awaiting {
  resolve(hashed: HashedFile): void;
  reject(error: Error): void;
}

/** A worker that hashes one file after the other, and the channel by which it gets their chunks. */
export class HashThread {
  /** Why it takes no more files. */
  failure: Error | undefined;
  /** Of what it hashed, the bytes that did not lie in the arena any more. */
  bytesCopied = 0;
  /** What it has still to do, in bytes. */
  load = 0;
  private readonly channel: BytesChannel;
  private readonly ended: Promise<void>;
  /** The oldest file first: the worker answers in that order. */
  private readonly awaiting: Awaiting[] = [];
  /** Settles when the end of the last file was sent: files must not mix in the channel. */
  private lastSent: Promise<void> = Promise.resolve();

  /** @param script what the worker runs */
  constructor(arena: SharedChunkArena, script: URL) {
    this.channel = BytesChannel.create(arena, { capacity: CAPACITY });
    const worker = new Worker(script, { workerData: this.channel.handle() });
    arena.watch(worker); // the first to hear of its exit: whoever is told later finds the memory back
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
   * Hashes a file of about `size` bytes once those before it are sent. Chunks are taken only then, so that files in line hold no
   * memory. When this settles, nothing is read any more.
   * @param onBytes called with the length of every chunk that was sent
   */
  async hash(chunks: AsyncIterable<Bytes>, size: number, onBytes: (count: number) => void): Promise<HashedFile> {
    const cost = size + FILE_COST;
    this.load += cost;
    const hashed = new Promise<HashedFile>((resolve, reject) => {
      this.awaiting.push({ resolve, reject });
    });
    hashed.catch(() => undefined); // nobody asks for it when sending fails
    const sending = this.lastSent.then(() => this.send(chunks, onBytes));
    this.lastSent = sending.catch(() => undefined);
    try {
      await sending;
      return await hashed;
    } finally {
      this.load -= cost;
    }
  }

  /** Lets it finish what was sent and exit. */
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
      // Also of a file that failed: the worker begins anew, and its answer is nobody's. Of a dead worker the channel is closed.
      if (this.failure === undefined) await this.channel.send(Bytes.empty);
    }
  }

  private fail(failure: Error): void {
    this.failure = failure;
    this.channel.close(); // ends who waits to send
    for (let left = this.channel.tryReceive(); left !== undefined; left = this.channel.tryReceive()) left.release();
    for (const { reject } of this.awaiting.splice(0)) reject(failure);
  }
}
