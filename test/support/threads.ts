import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const library = new URL('../../../dist/index.js', import.meta.url).href;

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
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: data });
}

/** The next message of a worker; rejects when it fails or ends without one. */
export async function answer<Message>(worker: Worker): Promise<Message> {
  const stop = new AbortController();
  const { signal } = stop;
  try {
    return await Promise.race([
      once(worker, 'message', { signal }).then(([message]) => message as Message),
      once(worker, 'exit', { signal }).then(([code]) => {
        throw new Error(`the worker ended with ${code}`);
      }),
    ]);
  } finally {
    stop.abort();
  }
}
