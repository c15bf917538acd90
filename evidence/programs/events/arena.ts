import { createServer } from 'node:http';
import { FixedArena } from 'arena-alligator';
import { OutboxGroup } from 'arena-alligator/node';
import { listen, serve } from '../usage.js';
import { EVENTS, eventText } from './event.js';

const arena = FixedArena.withSlotCapacity(64, 256).buildAsync();
const group = new OutboxGroup();
const server = createServer(async (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  group.add(response);
  response.flushHeaders();
  if (request.url !== '/last') return;
  for (let number = 0; number < EVENTS; number++) {
    await group.send((await arena.allocateAsync()).putUtf8(eventText(number)).freeze());
  }
});
await serve(await listen(server), () => arena.metrics().bytesLive);
