import { connect, createServer, type Socket } from 'node:net';
import { framesOf } from '../frames-of.js';
import { listen, serve } from '../usage.js';

// As plain.ts, but what arrives together is written together (cork), and it is bounded: a subscriber that has 128 KiB
// waiting is waited for, and skipped once it has taken nothing for 250 ms.
const LIMIT = 128 * 1024;
const PATIENCE = 250;

class Subscriber {
  private readonly socket: Socket;
  private isSlow = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('drain', () => {
      this.isSlow = false;
    });
  }

  async write(frames: readonly Buffer[]): Promise<void> {
    const { socket } = this;
    if (socket.writableLength > LIMIT && !this.isSlow) await this.room();
    if (this.isSlow) return;
    socket.cork();
    for (const frame of frames) socket.write(frame);
    socket.uncork();
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      const onDrain = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.isSlow = true;
        this.socket.off('drain', onDrain);
        resolve();
      }, PATIENCE);
      this.socket.once('drain', onDrain);
    });
  }
}

const subscribers = new Map<Socket, Subscriber>();
const server = createServer({ noDelay: true }, (socket) => {
  subscribers.set(socket, new Subscriber(socket));
  socket.on('error', () => undefined);
  socket.on('close', () => subscribers.delete(socket));
  socket.write(Buffer.alloc(4));
});
await serve(await listen(server), () => 0);

for await (const frames of framesOf(connect({ port: Number(process.argv[2]), host: '127.0.0.1' }))) {
  for (const subscriber of subscribers.values()) await subscriber.write(frames);
}
