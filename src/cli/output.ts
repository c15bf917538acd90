import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Where the digests go. Writing waits for the reader, so that a slow one bounds what is held in memory. */
export class Output {
  private readonly stream: Writable;
  private failure: Error | undefined;

  /** @param onFailure called once when writing failed: the reader went away (EPIPE), the disk is full */
  constructor(stream: Writable, onFailure: (error: Error) => void) {
    this.stream = stream;
    stream.on('error', (error) => {
      if (this.failure === undefined) onFailure(error);
      this.failure = error;
    });
  }

  /** Writes `text`, one byte per character, and waits until there is room for more. Does nothing after a failure. */
  async write(text: string): Promise<void> {
    if (this.failure !== undefined || this.stream.write(text, 'latin1')) return;
    await Promise.race([once(this.stream, 'drain'), once(this.stream, 'close')]).catch(() => undefined);
  }

  /** Waits until everything was handed to the system. */
  async flushed(): Promise<void> {
    if (this.failure !== undefined) return;
    await new Promise<void>((resolve) => {
      this.stream.write('', () => resolve());
    });
  }
}
