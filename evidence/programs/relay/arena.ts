import { createServer } from 'node:net';
import { FixedArena } from 'arena-alligator';
import { connectChunks, lengthPrefixed, OutboxGroup } from 'arena-alligator/node';
import { listen, serve } from '../usage.js';

// A record is a slice of the chunk that it arrived in, with its length before it. All subscribers share it. A stalled
// subscriber keeps at most three chunks, so the arena has room for twenty of them.
const arena = FixedArena.withSlotCapacity(64, 64 * 1024).buildAsync();
const group = new OutboxGroup({ maxFrames: 256, maxBytes: 128 * 1024, whenSlow: 'skip', patience: 250 });
const server = createServer({ noDelay: true }, (socket) => {
  group.add(socket);
  socket.write(Buffer.alloc(4)); // an empty frame: welcome
});
await serve(await listen(server), () => arena.metrics().bytesLive);

const { chunks } = connectChunks(arena, { port: Number(process.argv[2]), host: '127.0.0.1' });
for await (const records of lengthPrefixed(chunks, { strip: 0, batches: true })) {
  for (const record of records) await group.send(record);
}
