// A WebSocket server that broadcasts messages. Each message lies in an arena once, however many clients it is on its
// way to. A client that does not keep up misses messages: it neither fills the memory nor holds the others up.
import { type Bytes, FixedArena } from 'arena-alligator';
import { WebSocket, WebSocketServer } from 'ws';

export const MESSAGE_BYTES = 64 * 1024;

const MOST_CLIENTS = 4;

/** The most messages that may be on their way to one client. */
const MOST_PENDING = 4;

// The slots that all clients together can hold, and one for the next message. So no message ever waits for a slot.
export const arena = FixedArena.withSlotCapacity(MOST_CLIENTS * MOST_PENDING + 1, MESSAGE_BYTES).build();

// Without compression, and without a mask, which only clients use, ws writes the memory it is given as it is.
export const server = new WebSocketServer({ port: 0, perMessageDeflate: false });

server.on('connection', (client) => {
  client.on('error', console.error);
  if (server.clients.size > MOST_CLIENTS) client.close(1013, 'too many clients');
});

/** Counts messages. `client.bufferedAmount` counts bytes, but a short message holds a whole slot too. */
const pending = new WeakMap<WebSocket, number>();

/** Sends `message` to every client that keeps up. The handle is used up. */
export function broadcast(message: Bytes): void {
  const { buffer, byteOffset, length } = message.view;
  const data = Buffer.from(buffer, byteOffset, length); // of a Uint8Array, ws would make a Buffer for each client
  let unsent = 1; // this function
  const sent = (): void => {
    if (--unsent === 0) message.release();
  };
  for (const client of server.clients) {
    const count = pending.get(client) ?? 0;
    if (client.readyState !== WebSocket.OPEN || count === MOST_PENDING) continue;
    pending.set(client, count + 1);
    unsent++;
    // ws calls back when the socket has finished with the memory, also when the connection breaks.
    client.send(data, () => {
      sent();
      pending.set(client, (pending.get(client) ?? 0) - 1);
    });
  }
  sent();
}
