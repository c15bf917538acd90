import type { Writable } from 'node:stream';
import { Bytes, FixedArena } from 'arena-alligator';
import { BytesList, OutboxGroup } from 'arena-alligator/node';
import { WebSocketServer } from 'ws';
import { serve } from '../usage.js';
import { MESSAGES } from './messages.js';

// `direct` gives each message to ws, `outbox` writes it to the sockets under the WebSockets.
const [, , size, way] = process.argv;
const bytes = Number(size);
const arena = FixedArena.withSlotCapacity(64, bytes).buildAsync();
const group = new OutboxGroup({ maxFrames: 32 });
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await new Promise((resolve) => server.once('listening', resolve));
server.on('connection', (client, request) => {
  client.on('error', () => undefined);
  if (way === 'outbox') group.add((client as unknown as { readonly _socket: Writable })._socket);
  if (request.url === '/last') void (way === 'outbox' ? outbox() : direct());
});

async function direct(): Promise<void> {
  for (let number = 0; number < MESSAGES; number++) {
    const message = (await arena.allocateAsync()).putBytes(number & 255, bytes).freeze();
    let unsent = server.clients.size;
    const sent = (): void => {
      if (--unsent === 0) message.release();
    };
    const { buffer, byteOffset, length } = message.view;
    const data = Buffer.from(buffer, byteOffset, length); // of another view ws would make a Buffer for each client
    for (const client of server.clients) client.send(data, sent);
    if (number % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function outbox(): Promise<void> {
  for (let number = 0; number < MESSAGES; number++) {
    const payload = (await arena.allocateAsync()).putBytes(number & 255, bytes).freeze();
    await group.send(new BytesList([header(payload.length), payload]));
  }
}

/** The header of a binary message of a server (RFC 6455, section 5.2), for 126 to 65,535 bytes. */
function header(length: number): Bytes {
  return Bytes.copyFrom(Uint8Array.of(0x82, 126, length >> 8, length & 255));
}

const address = server.address();
await serve(typeof address === 'object' ? (address?.port ?? 0) : 0, () => arena.metrics().bytesLive);
