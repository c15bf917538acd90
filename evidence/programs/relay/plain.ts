import { connect, createServer, type Socket } from 'node:net';
import { framesOf } from '../frames-of.js';
import { listen, serve } from '../usage.js';

// One Buffer for each message, shared by all subscribers. What a subscriber does not take waits in its socket.
const subscribers = new Set<Socket>();
const server = createServer({ noDelay: true }, (socket) => {
  subscribers.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => subscribers.delete(socket));
  socket.write(Buffer.alloc(4));
});
await serve(await listen(server), () => 0);

for await (const frames of framesOf(connect({ port: Number(process.argv[2]), host: '127.0.0.1' }))) {
  for (const frame of frames) for (const subscriber of subscribers) subscriber.write(frame);
}
