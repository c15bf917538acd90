// Uploads eight bodies of 512 KiB at the same time, and two that are too long. Prints the answers.
import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { arena, MOST_BYTES, server } from './server.js';

const bodies = Array.from({ length: 8 }, (_, number) => Buffer.alloc(MOST_BYTES, number));
bodies.push(Buffer.alloc(MOST_BYTES + 1), Buffer.alloc(MOST_BYTES + 1));

/** No client ends its body before the server has all requests. So all of them are under way at once. */
const allUnderWay = new Promise<void>((resolve) => {
  let count = 0;
  server.on('request', () => {
    if (++count === bodies.length) resolve();
  });
});

async function upload(body: Buffer, headers: OutgoingHttpHeaders): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const sending = request({ port, method: 'POST', headers });
  const answered = once(sending, 'response');
  sending.write(body.subarray(0, body.length / 2));
  await allUnderWay;
  await new Promise<void>((sent) => sending.end(body.subarray(body.length / 2), sent));
  const [response] = (await answered) as [IncomingMessage];
  return `${response.statusCode} ${await text(response)}`;
}

server.listen(0);
await once(server, 'listening');
// Every second body has no content-length: it is sent in chunks.
const answers = bodies.map((body, number) => upload(body, number % 2 === 0 ? { 'content-length': body.length } : {}));
for (const answer of await Promise.all(answers)) console.log(answer);
server.close();
server.closeAllConnections();

const { bytesLive, bytesReserved } = arena.metrics();
console.log(`${bytesLive} of ${bytesReserved} bytes live`);
