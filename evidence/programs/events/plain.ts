import { createServer, type ServerResponse } from 'node:http';
import { listen, serve } from '../usage.js';
import { EVENTS, eventText } from './event.js';

const clients = new Set<ServerResponse>();
const server = createServer(async (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  clients.add(response);
  response.on('close', () => clients.delete(response));
  response.flushHeaders();
  if (request.url !== '/last') return;
  for (let number = 0; number < EVENTS; number++) {
    const event = Buffer.from(eventText(number));
    let isFull = false;
    for (const client of clients) if (!client.write(event)) isFull = true;
    if (isFull || number % 64 === 63) await new Promise((resolve) => setImmediate(resolve));
  }
});
await serve(await listen(server), () => 0);
