// Broadcasts to three clients that read and to one that does not. Prints how many messages they got.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { arena, broadcast, MESSAGE_BYTES, server } from './server.js';

const MESSAGES = 1000;
const CONTENT_BYTES = MESSAGE_BYTES - 4;

/** A client that checks what it gets: whole messages, none of them twice, in order. */
class Client {
  readonly socket: WebSocket = new WebSocket(`ws://localhost:${(server.address() as AddressInfo).port}`);
  received = 0;
  private last = -1;

  constructor() {
    this.socket.on('message', (data: Buffer) => {
      const number = data.readUInt32BE();
      const isIntact = data.subarray(4).equals(Buffer.alloc(CONTENT_BYTES, number));
      if (!isIntact || number <= this.last) throw new Error(`got ${number} after ${this.last}, intact: ${isIntact}`);
      this.last = number;
      this.received++;
    });
  }
}

await once(server, 'listening');
const slow = new Client();
const readers = [new Client(), new Client(), new Client()];
const sockets = [slow, ...readers].map(({ socket }) => socket);
await Promise.all(sockets.map((socket) => once(socket, 'open')));

slow.socket.pause();
for (let number = 0; number < MESSAGES; number++) {
  const taken = readers.map(({ socket }) => once(socket, 'message'));
  const buffer = arena.allocate().putU32(number);
  broadcast(buffer.putBytes(number & 0xff, CONTENT_BYTES).freeze());
  await Promise.all(taken); // the pace of this source: the readers have the message before the next one comes
}
slow.socket.resume();

const closed = [server, ...sockets].map((emitter) => once(emitter, 'close'));
for (const client of server.clients) client.close(); // when it has got what is on its way to it
server.close();
await Promise.all(closed);

console.log(`${MESSAGES} messages in ${arena.slotCount} slots`);
console.log(`the readers got ${readers.map(({ received }) => received).join(', ')}`);
console.log(`the slow client got ${slow.received}`);
console.log(`${arena.metrics().bytesLive} bytes live`);
