import { ReadableStream } from 'node:stream/web';
import { Worker } from 'node:worker_threads';

const library = new URL('../../../dist/index.js', import.meta.url).href;

/** The messages of each worker, collected from its start: a message without a listener is lost. */
const inboxes = new WeakMap<Worker, AsyncIterator<unknown>>();

/** The exit of each worker, listened for from its start: an exit without a listener is missed. */
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
 * Runs `body` in a new worker, with the library as `lib`, the given `data`, and `port` to the parent. The text is a
 * module, so it may use await.
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

/** Resolves when a worker that {@link inWorker} made has ended, or at once if it ended before. */
export function exited(worker: Worker): Promise<void> {
  return exits.get(worker) ?? Promise.reject(new Error('the worker was not made by inWorker'));
}

/** The next message of a worker that {@link inWorker} made. Rejects when the worker fails or ends without a message. */
export async function answer<Message>(worker: Worker): Promise<Message> {
  const inbox = inboxes.get(worker);
  if (inbox === undefined) throw new Error('the worker was not made by inWorker');
  const { value, done } = await inbox.next();
  if (done) throw new Error('the worker ended without an answer');
  return value as Message;
}
