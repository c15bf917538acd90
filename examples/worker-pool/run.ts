import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { BytesChannel, FixedArena } from 'arena-alligator';
import type { Channels } from './worker.js';

// A pool of workers that hash blocks. Blocks and answers lie in one shared arena. Only a few words are sent for each.

const WORKERS = 3;
const BLOCKS = 400;
const BLOCK = 64 * 1024;
const QUEUE = 8;

// Blocks may fill their queue, and each worker may hold one block. The remaining slots are for answers. So no worker
// waits for memory that only its own answer would free.
const slots = 2 * QUEUE + 2 * WORKERS + 2;
const arena = FixedArena.withSlotCapacity(slots, 4 + BLOCK)
  .shared({ maxThreads: WORKERS + 1 })
  .buildAsync();
const requests = BytesChannel.create(arena, { capacity: QUEUE });
const answers = BytesChannel.create(arena, { capacity: QUEUE });

const channels: Channels = { requests: requests.handle(), answers: answers.handle() };
const workers = Array.from({ length: WORKERS }, () => {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: channels });
  arena.watch(worker); // before the worker attaches: however it exits, the memory it holds then is returned
  worker.on('error', (error) => console.error(`a worker failed: ${error.message}`));
  return worker;
});

/** Sends all blocks. Back-pressure: when the workers are behind, it waits for room in the queue and for memory. */
async function ask(): Promise<void> {
  for (let number = 0; number < BLOCKS; number++) {
    const block = await arena.allocateAsync();
    const bytes = block
      .putU32(number)
      .putBytes(number & 0xff, BLOCK)
      .freeze();
    try {
      await requests.send(bytes);
    } finally {
      bytes.release(); // does nothing after a successful send, which has used up the handle
    }
  }
  requests.close();
}

/** Collects the answers, which arrive in any order. They end when the last worker has exited. */
async function collect(): Promise<Map<number, Buffer>> {
  const digests = new Map<number, Buffer>();
  for await (const answer of answers) {
    const number = answer.getU32();
    digests.set(number, Buffer.from(answer.toUint8Array()));
    answer.release();
  }
  return digests;
}

const allGone = Promise.all(workers.map((worker) => new Promise((gone) => worker.once('exit', gone)))).then(() => {
  requests.close(); // otherwise ask() would wait for ever if all workers died
  answers.close();
});
const asked = ask().catch((error: unknown) => console.error(`not all blocks were sent: ${error}`));
const digests = await collect();
await Promise.all([asked, allGone]);
// Release the requests that no worker received.
for (let left = requests.tryReceive(); left !== undefined; left = requests.tryReceive()) left.release();

const all = createHash('sha256');
for (let number = 0; number < BLOCKS; number++) all.update(digests.get(number) ?? 'missing');
const missing = BLOCKS - digests.size;
console.log(`${BLOCKS} blocks, ${missing} missing, ${arena.metrics().bytesLive} bytes live`);
console.log(all.digest('hex'));
arena.detach();
