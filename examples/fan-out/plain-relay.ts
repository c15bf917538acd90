// The same relay with plain Buffers, in the usual way: one Buffer for each message, shared by all subscribers. Messages
// that a subscriber has not taken yet wait in the queue of its socket.
import { connect, createServer, type Socket } from 'node:net';
import { PREFIX_BYTES, serve, settings } from './relay.js';

const { publisherPort } = settings();
const subscribers = new Set<Socket>();

const server = createServer({ noDelay: true }, (socket) => {
  subscribers.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => subscribers.delete(socket));
  socket.write(Buffer.alloc(PREFIX_BYTES)); // an empty frame: welcome
});

serve(server, () => ({ skipped: 0 }));

let rest: Buffer = Buffer.alloc(0);
for await (const chunk of connect({ port: publisherPort, host: '127.0.0.1' }) as AsyncIterable<Buffer>) {
  let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
  while (data.length >= PREFIX_BYTES && data.length >= PREFIX_BYTES + data.readUInt32BE()) {
    const end = PREFIX_BYTES + data.readUInt32BE();
    const frame = data.subarray(0, end);
    data = data.subarray(end);
    for (const subscriber of subscribers) subscriber.write(frame);
  }
  rest = data;
}
