// A TCP relay that cannot outgrow its memory. Each message of the publisher becomes one frozen payload, which all
// subscribers share. The relay reads from the publisher no faster than the subscribers take the messages. It skips a
// subscriber that takes nothing for a while, until that subscriber has caught up.
import { createServer } from 'node:net';
import { type AsyncFixedArena, type Bytes, FixedArena } from 'arena-alligator';
import { connectChunks, lengthPrefixed, OutboxGroup } from 'arena-alligator/node';
import { PREFIX_BYTES, serve, settings } from './relay.js';

/** Copies a record into a frame in a separate slot, so that the memory it arrived in is free for the next one. */
async function frameOf(record: Bytes, arena: AsyncFixedArena): Promise<Bytes> {
  using buffer = await arena.allocateAsync();
  buffer.putU32(record.length);
  buffer.putSlice(record.view);
  return buffer.freeze();
}

const { publisherPort, messageBytes } = settings();
const incoming = FixedArena.withSlotCapacity(16, 64 * 1024).buildAsync();
const frames = FixedArena.withSlotCapacity(256, PREFIX_BYTES + messageBytes).buildAsync();
const subscribers = new OutboxGroup({ maxFrames: 16, whenSlow: 'skip', patience: 250 });

const server = createServer({ noDelay: true }, (socket) => {
  subscribers.add(socket);
  socket.write(Buffer.alloc(PREFIX_BYTES)); // an empty frame: welcome
});

serve(server, () => {
  const arenas = [incoming.metrics(), frames.metrics()];
  const arenaBytes = arenas.reduce((sum, { bytesReserved }) => sum + bytesReserved, 0);
  const arenaBytesLive = arenas.reduce((sum, { bytesLive }) => sum + bytesLive, 0);
  return { skipped: subscribers.metrics().skippedFrames, arenaBytes, arenaBytesLive };
});

const { chunks } = connectChunks(incoming, { port: publisherPort, host: '127.0.0.1' });
for await (using record of lengthPrefixed(chunks, { maxLength: messageBytes })) {
  const frame = await frameOf(record, frames);
  record.release();
  await subscribers.send(frame);
}
