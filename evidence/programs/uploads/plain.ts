import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { listen, serve } from '../usage.js';

const [, , mode] = process.argv;

async function digest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of request) hash.update(chunk);
  response.end(hash.digest('hex'));
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await pipeline(request, response);
}

async function collect(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  response.end(createHash('sha256').update(Buffer.concat(chunks)).digest('hex'));
}

const answer = mode === 'echo' ? echo : mode === 'collect' ? collect : digest;
const server = createServer((request, response) => void answer(request, response));
await serve(await listen(server), () => 0);
