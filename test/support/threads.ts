import { ReadableStream } from 'node:stream/web';
import { Worker } from 'node:worker_threads';

const library = new URL('../../../dist/index.js', import.meta.url).href;

/** Messages of each worker from its start on: one that nobody listens for is lost. */
const inboxes = new WeakMap<Worker, AsyncIterator<unknown>>();

/** Whether each worker has ended, listened for from its start on: an exit that nobody listens for is missed. */
const exits = new WeakMap<Worker, Promise<void>>();

function messagesOf(worker: Worker): AsyncIterator<unknown> {
  const messages = new ReadableStream<unknown>({
    start(controller) {
      worker.on('message', (message) => controller.enqueue(message));
      worker.once('exit', () => controller.close());
    },
  });
  return messages[Symbol.asyncIterator]();
}

/**
 * Runs `body` in a worker of its own, with the library as `lib`, `data` as given and `port` to the parent. The text is a module's:
 * it may await.
 */
export function inWorker(body: string, data: unknown = {}): Worker {
  const source = `
    import { parentPort as port, workerData as data } from 'node:worker_threads';
    import * as lib from ${JSON.stringify(library)};
    ${body}
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: data });
  inboxes.set(worker, messagesOf(worker));
  exits.set(worker, new Promise((resolve) => worker.once('exit', () => resolve())));
  return worker;
}

/** Resolves when a worker that {@link inWorker} made has ended, perhaps long ago. */
export function exited(worker: Worker): Promise<void> {
  return exits.get(worker) ?? Promise.reject(new Error('not a worker of inWorker'));
}

/** The next message of a worker that {@link inWorker} made; rejects when it fails or ends without one. */
export async function answer<Message>(worker: Worker): Promise<Message> {
  const inbox = inboxes.get(worker);
  if (inbox === undefined) throw new Error('not a worker of inWorker');
  const { value, done } = await inbox.next();
  if (done) throw new Error('the worker ended without an answer');
  return value as Message;
}
