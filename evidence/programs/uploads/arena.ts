import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { FixedArena } from 'arena-alligator';
import { pipeBytes, readBody, readChunks } from 'arena-alligator/node';
import { listen, serve } from '../usage.js';

// 4 MiB for all bodies together.
const arena = FixedArena.withSlotCapacity(64, 64 * 1024).buildAsync();
const [, , mode, way] = process.argv;
const buffers = way === 'free' || way === 'adopt' ? way : 'leave';

async function digest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of readChunks(arena, request, { buffers })) {
    hash.update(chunk.view);
    chunk.release();
  }
  response.end(hash.digest('hex'));
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await pipeBytes(readChunks(arena, request, { buffers }), response);
}

async function collect(request: IncomingMessage, response: ServerResponse): Promise<void> {
  using body = await readBody(arena, request, { buffers: buffers === 'free' ? 'free' : 'leave' });
  const hash = createHash('sha256');
  for (const view of body.views()) hash.update(view);
  response.end(hash.digest('hex'));
}

const answer = mode === 'echo' ? echo : mode === 'collect' ? collect : digest;
const server = createServer((request, response) => void answer(request, response));
await serve(await listen(server), () => arena.metrics().bytesLive);
