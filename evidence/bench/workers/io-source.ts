import { closeSync, openSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { byteAt } from '../work.js';

/** The data that the reader wants. */
export interface Wanted {
  readonly bytes: number;
  /**
   * The file to write. If undefined, a server sends the data to each client that connects, and the worker posts its
   * port.
   */
  readonly path: string | undefined;
}

const { bytes, path } = workerData as Wanted;
const period = 251 * 4096;
const block = Buffer.from(Uint8Array.from({ length: period }, (_, offset) => byteAt(offset)));

function writeFile(path: string): void {
  const file = openSync(path, 'w');
  for (let written = 0; written < bytes; written += period) {
    writeSync(file, block, 0, Math.min(period, bytes - written));
  }
  closeSync(file);
  parentPort?.postMessage(0);
}

function serve(): void {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    let sent = 0;
    const send = (): void => {
      while (sent < bytes) {
        const part = block.subarray(0, Math.min(period, bytes - sent));
        sent += part.length;
        if (!socket.write(part)) return;
      }
      socket.end();
    };
    socket.on('drain', send);
    send();
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    parentPort?.postMessage(typeof address === 'object' && address !== null ? address.port : 0);
  });
}

if (path === undefined) serve();
else writeFile(path);
