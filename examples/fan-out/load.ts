// The publisher and the subscribers. They run in a separate process, so that their memory does not count for the relay.
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PREFIX_BYTES } from './relay.js';

export interface LoadSettings {
  readonly subscribers: number;
  /** How many of the subscribers stop reading after a while. */
  readonly stalled: number;
  readonly messages: number;
  readonly messageBytes: number;
}

export interface LoadReport {
  readonly seconds: number;
  /** Messages that the other subscribers, which keep reading, did not get or got out of order. */
  readonly lost: number;
}

/** Messages after which a stalling subscriber stops reading. */
const STALLS_AFTER = 5;

const [subscribers = 0, stalled = 0, messages = 0, messageBytes = 0] = process.argv.slice(2).map(Number);
const frameBytes = PREFIX_BYTES + messageBytes;

/** Counts the messages that arrive. Each message begins with its number. */
class Subscriber {
  readonly welcomed: Promise<void>;
  received = 0;
  disordered = 0;
  private readonly socket: Socket;
  private readonly stalls: boolean;
  /** Bytes of the stream so far, not counting the welcome frame. */
  private offset = -PREFIX_BYTES;
  private number = 0;

  constructor(port: number, stalls: boolean) {
    this.stalls = stalls;
    this.socket = connect({ port, host: '127.0.0.1' });
    this.welcomed = new Promise((resolve) => this.socket.once('readable', resolve)).then(() => {
      this.socket.on('data', (data: Buffer) => this.take(data));
    });
  }

  get isDone(): boolean {
    return this.stalls || this.received >= messages;
  }

  private take(data: Buffer): void {
    for (let at = 0; at < data.length; ) {
      if (this.offset < 0) {
        const welcome = Math.min(-this.offset, data.length);
        at += welcome;
        this.offset += welcome;
        continue;
      }
      const within = this.offset % frameBytes;
      // The number is in the four bytes after the prefix. They may arrive in pieces.
      const boundary = within < 8 ? within + 1 : frameBytes;
      const count = Math.min(boundary - within, data.length - at);
      if (within >= PREFIX_BYTES && within < 8) this.number = (this.number * 256 + (data[at] as number)) >>> 0;
      at += count;
      this.offset += count;
      if (this.offset % frameBytes !== 0) continue;
      if (this.number !== this.received) this.disordered++;
      this.received++;
      this.number = 0;
    }
    if (this.stalls && this.received >= STALLS_AFTER) this.socket.pause();
  }
}

async function publish(socket: Socket): Promise<void> {
  for (let number = 0; number < messages; number++) {
    const frame = Buffer.allocUnsafe(frameBytes).fill(number);
    frame.writeUInt32BE(messageBytes);
    frame.writeUInt32BE(number, PREFIX_BYTES);
    if (!socket.write(frame)) await new Promise((resolve) => socket.once('drain', resolve));
  }
}

const publisher = createServer((relay) => {
  relay.on('error', () => undefined);
  process.once('message', async (port: number) => {
    const all = Array.from({ length: subscribers }, (_, index) => new Subscriber(port, index < stalled));
    await Promise.all(all.map(({ welcomed }) => welcomed));
    const start = performance.now();
    await publish(relay);
    let lastCount = -1;
    for (let count = 0; !all.every(({ isDone }) => isDone) && count !== lastCount; ) {
      lastCount = count;
      for (let turn = 0; turn < 500 && !all.every(({ isDone }) => isDone); turn++) await sleep(10);
      count = all.reduce((sum, { received }) => sum + received, 0);
    }
    const seconds = (performance.now() - start) / 1000;
    const lost = all
      .slice(stalled)
      .reduce((sum, { received, disordered }) => sum + messages - received + disordered, 0);
    const report: LoadReport = { seconds, lost };
    process.send?.(report);
  });
});
publisher.listen(0, '127.0.0.1', () => {
  const address = publisher.address();
  if (typeof address === 'object') process.send?.(address?.port);
});
