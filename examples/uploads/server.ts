// An http server that answers each upload with its SHA-256. All uploads together have one arena for their memory. While
// there is no room for a body of known length, nothing of it is read, so its client waits too.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { FixedArena } from 'arena-alligator';
import { BodyError, readBody } from 'arena-alligator/node';

export const MOST_BYTES = 512 * 1024;

export const arena = FixedArena.withSlotCapacity(16, 64 * 1024).buildAsync(); // 1 MiB: two of the longest uploads

export const server = createServer(async (request, response) => {
  try {
    // A body without a content-length does not say how much to wait for. When the arena gets full, it moves to the
    // heap, where it takes at most 1 MiB. With `spill: false` it would be refused instead.
    // The Buffers that Node reads into are freed once they were copied: nothing else here looks at them.
    using body = await readBody(arena, request, { maxLength: MOST_BYTES, timeout: 60_000, buffers: 'free' });
    const hash = createHash('sha256');
    for (const piece of body) hash.update(piece.view); // in place
    response.end(hash.digest('hex'));
  } catch (error) {
    response.writeHead(error instanceof BodyError ? 413 : 503).end();
    request.resume(); // drops the rest, or a client that first sends all of it would wait for ever
  }
});
