import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { BytesChannel, FixedArena } from 'arena-alligator';
import { type Percentiles, percentilesOf } from '../latencies.js';
import { measureWith } from '../usage.js';
import { BYTES, putMessage, type Receiver, WINDOW, writeMessage } from './message.js';

// The main thread writes messages of 64 KiB, and two workers check them. At most WINDOW messages are on their way.
const [, , way, count = '0'] = process.argv;
const messages = Number(count);
const WORKERS = 2;

interface Done {
  readonly sum: number;
  readonly latencies: readonly number[];
}

/** What a worker posts: that it is ready, that it has read a message from its port, or its results. */
type Report = 'ready' | 'read' | Done;

const arena = FixedArena.withSlotCapacity(2 * WINDOW, BYTES)
  .shared({ maxThreads: WORKERS + 1 })
  .buildAsync();
const channel = BytesChannel.create(arena, { capacity: WINDOW });
const receiver: Receiver = { channel: way === 'channel' ? channel.handle() : undefined };
const workers = Array.from(
  { length: WORKERS },
  () => new Worker(fileURLToPath(new URL('worker.js', import.meta.url)), { workerData: receiver }),
);
const results = workers.map((worker) => reportOf<Done>(worker, (report) => typeof report === 'object'));

/** The first report of `worker` that is `wanted`. */
function reportOf<Wanted extends Report>(worker: Worker, wanted: (report: Report) => boolean): Promise<Wanted> {
  return new Promise((resolve, reject) => {
    worker.on('message', (report: Report) => {
      if (wanted(report)) resolve(report as Wanted);
    });
    worker.on('error', reject);
  });
}

async function throughChannel(): Promise<void> {
  for (let number = 0; number < messages; number++) {
    await channel.send(putMessage(await arena.allocateAsync(), number));
  }
  channel.close();
}

async function throughPorts(transfers: boolean): Promise<void> {
  let underWay = 0;
  let wake = (): void => undefined;
  for (const worker of workers) {
    worker.on('message', (report: Report) => {
      if (report === 'read') underWay--;
      wake();
    });
  }
  const copied = new Uint8Array(BYTES);
  for (let number = 0; number < messages; number++) {
    while (underWay === WINDOW) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    underWay++;
    const message = transfers ? new Uint8Array(BYTES) : copied;
    writeMessage(message, number);
    workers[number % WORKERS]?.postMessage(message, transfers ? [message.buffer] : []);
  }
  for (const worker of workers) worker.postMessage(null);
}

await Promise.all(workers.map((worker) => reportOf(worker, (report) => report === 'ready')));
await measureWith(messages, async (): Promise<{ result: number; latencies: Percentiles }> => {
  await (way === 'channel' ? throughChannel() : throughPorts(way === 'transfer'));
  const all = await Promise.all(results);
  const result = all.reduce((sum, { sum: part }) => sum + part, 0);
  return { result, latencies: percentilesOf(all.flatMap(({ latencies }) => latencies)) };
});
