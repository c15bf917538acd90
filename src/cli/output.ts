import type { Writable } from 'node:stream';
import { doNothing } from '../base/do-nothing.js';

/** The stream that the digests go to. Writing waits for a slow reader, which limits the output held in memory. */
export class Output {
  private readonly stream: Writable;
  private failed = false;
  /** Ends the wait that is under way, if any. */
  private wake: () => void = doNothing;

  /** @param onFailure called once when writing fails: the reader has gone (EPIPE), the disk is full */
  constructor(stream: Writable, onFailure: (error: Error) => void) {
    this.stream = stream;
    stream.on('drain', () => this.wake());
    stream.on('close', () => this.wake());
    stream.on('error', (error) => {
      if (!this.failed) onFailure(error);
      this.failed = true;
      this.wake();
    });
  }

  /** Writes `text`, one byte per character, and waits until there is room for more. Does nothing after a failure. */
  async write(text: string): Promise<void> {
    // As bytes: Bun ignores the encoding of a write to stdout.
    if (this.failed || this.stream.write(Buffer.from(text, 'latin1'))) return;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  /** Waits until everything was passed to the system. */
  async flushed(): Promise<void> {
    if (this.failed) return;
    await new Promise<void>((resolve) => {
      this.stream.write('', () => resolve());
    });
  }
}
