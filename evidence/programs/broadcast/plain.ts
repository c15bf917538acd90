import { WebSocketServer } from 'ws';
import { serve } from '../usage.js';
import { MESSAGES } from './messages.js';

const bytes = Number(process.argv[2]);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await new Promise((resolve) => server.once('listening', resolve));
server.on('connection', (client, request) => {
  if (request.url === '/last') void broadcast();
  client.on('error', () => undefined);
});

async function broadcast(): Promise<void> {
  for (let number = 0; number < MESSAGES; number++) {
    const message = Buffer.alloc(bytes, number);
    for (const client of server.clients) client.send(message);
    while ([...server.clients].some((client) => client.bufferedAmount > 256 * 1024)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (number % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
  }
}

const address = server.address();
await serve(typeof address === 'object' ? (address?.port ?? 0) : 0, () => 0);
