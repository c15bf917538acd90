// A TCP relay that cannot outgrow its memory. Each message of the publisher becomes one frozen payload, and every
// subscriber gets a clone of it. The relay reads from the publisher no faster than the subscribers take the messages.
// It skips a subscriber that takes nothing for a while, until that subscriber has caught up.
import { createServer, type Socket } from 'node:net';
import { type AsyncFixedArena, type Bytes, FixedArena } from 'arena-alligator';
import { connectChunks, lengthPrefixed, writeBytes } from 'arena-alligator/node';
import { PREFIX_BYTES, serve, settings } from './relay.js';

/** The most frames that may be in transit to one subscriber. */
const MOST_PENDING = 8;

/** How long the others wait for a subscriber that takes nothing, in ms. */
const PATIENCE = 250;

class Subscriber {
  private readonly socket: Socket;
  private pending = 0;
  private lastTaken = performance.now();
  private isLeftOut = false;
  private wake: () => void = () => undefined;
  private readonly onTaken = (): void => this.taken();

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get isFull(): boolean {
    return this.pending >= MOST_PENDING && !this.isLeftOut;
  }

  /** Waits until there is room, or until the subscriber has taken nothing for too long and is skipped. */
  async room(): Promise<void> {
    const leaveOut = (): void => {
      this.isLeftOut = true;
      this.wake();
    };
    const timer = setTimeout(leaveOut, this.lastTaken + PATIENCE - performance.now());
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    clearTimeout(timer);
  }

  /** Sends a clone of `frame`. @returns false when the subscriber is skipped */
  send(frame: Bytes): boolean {
    if (this.isLeftOut) return false;
    this.pending++;
    // writeBytes() releases the clone when the socket has finished with it or was closed. The socket reports its close.
    writeBytes(this.socket, frame.clone()).then(this.onTaken, this.onTaken);
    return true;
  }

  private taken(): void {
    this.pending--;
    this.lastTaken = performance.now();
    if (this.pending === 0) this.isLeftOut = false;
    this.wake();
  }
}

/** Copies a record into a frame in a separate slot, so that the memory it arrived in is free for the next one. */
async function frameOf(record: Bytes, arena: AsyncFixedArena): Promise<Bytes> {
  using buffer = await arena.allocateAsync();
  buffer.putU32(record.length);
  buffer.putSlice(record.view);
  return buffer.freeze();
}

const { publisherPort, messageBytes } = settings();
const incoming = FixedArena.withSlotCapacity(16, 64 * 1024).buildAsync();
const frames = FixedArena.withSlotCapacity(256, PREFIX_BYTES + messageBytes).buildAsync();
const subscribers = new Map<Socket, Subscriber>();
let skipped = 0;

const server = createServer({ noDelay: true }, (socket) => {
  subscribers.set(socket, new Subscriber(socket));
  socket.on('error', () => undefined);
  socket.on('close', () => subscribers.delete(socket));
  socket.write(Buffer.alloc(PREFIX_BYTES)); // an empty frame: welcome
});

serve(server, () => {
  const arenas = [incoming.metrics(), frames.metrics()];
  const arenaBytes = arenas.reduce((sum, { bytesReserved }) => sum + bytesReserved, 0);
  const arenaBytesLive = arenas.reduce((sum, { bytesLive }) => sum + bytesLive, 0);
  return { skipped, arenaBytes, arenaBytesLive };
});

const { chunks } = connectChunks(incoming, { port: publisherPort, host: '127.0.0.1' });
for await (using record of lengthPrefixed(chunks, { maxLength: messageBytes })) {
  using frame = await frameOf(record, frames);
  record.release();
  for (const subscriber of subscribers.values()) {
    if (subscriber.isFull) await subscriber.room();
    if (!subscriber.send(frame)) skipped++;
  }
}
