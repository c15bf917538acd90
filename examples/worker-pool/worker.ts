import { createHash } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { BytesChannel, type ChannelHandle, type SharedFixedArena } from 'arena-alligator';

/** The data that a worker of the pool gets. */
export interface Channels {
  readonly requests: ChannelHandle;
  readonly answers: ChannelHandle;
}

const channels = workerData as Channels;
const requests = BytesChannel.attach(channels.requests);
const answers = BytesChannel.attach(channels.answers);
const arena = answers.arena as SharedFixedArena;

// This thread has nothing else to do, so it may block. When the requests end, the worker ends.
for (let block = requests.receiveBlocking(); block !== undefined; block = requests.receiveBlocking()) {
  const number = block.getU32();
  const digest = createHash('sha256').update(block.view).digest(); // in place: nothing was copied on the way here
  block.release();
  answers.sendBlocking(arena.allocateBlocking().putU32(number).putSlice(digest).freeze());
}
arena.detach();
