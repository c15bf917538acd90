import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { BytesChannel, FixedArena } from 'arena-alligator';
import type { Channels } from './worker.js';

// A pool of workers that hash blocks. Blocks and answers lie in one shared arena; what is posted is a few words for each.

const WORKERS = 3;
const BLOCKS = 400;
const BLOCK = 64 * 1024;
const QUEUE = 8;

// Blocks may fill their queue, and each worker may hold one: the rest is for answers, so that no worker waits for memory which only
// its own answer would free.
const slots = 2 * QUEUE + 2 * WORKERS + 2;
const arena = FixedArena.withSlotCapacity(slots, 4 + BLOCK)
  .shared({ maxThreads: WORKERS + 1 })
  .buildAsync();
const requests = BytesChannel.create(arena, { capacity: QUEUE });
const answers = BytesChannel.create(arena, { capacity: QUEUE });

const channels: Channels = { requests: requests.handle(), answers: answers.handle() };
const workers = Array.from({ length: WORKERS }, () => {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: channels });
  arena.watch(worker); // before it attaches: what it holds when it exits, however it does, comes back
  worker.on('error', (error) => console.error(`a worker died: ${error.message}`));
  return worker;
});

/** Back-pressure: where workers are behind, this waits for room in the queue, and for memory. */
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
      bytes.release(); // of what was sent nothing is left here: then this does nothing
    }
  }
  requests.close();
}

/** Answers come in any order. They end when the last worker is gone. */
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
  requests.close(); // or ask() would wait for ever for workers that died
  answers.close();
});
const asked = ask().catch((error: unknown) => console.error(`not all was asked: ${error}`));
const digests = await collect();
await Promise.all([asked, allGone]);
// What nobody took in is not lost either.
for (let left = requests.tryReceive(); left !== undefined; left = requests.tryReceive()) left.release();

const all = createHash('sha256');
for (let number = 0; number < BLOCKS; number++) all.update(digests.get(number) ?? 'missing');
const missing = BLOCKS - digests.size;
console.log(`${BLOCKS} blocks, ${missing} missing, ${arena.metrics().bytesLive} bytes live`);
console.log(all.digest('hex'));
arena.detach();
