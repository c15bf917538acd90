import { parentPort, workerData } from 'node:worker_threads';
import { BytesChannel } from 'arena-alligator';
import { type Receiver, readMessage } from './message.js';

const { channel: handle } = workerData as Receiver;
const latencies: number[] = [];
let sum = 0;

function take(message: Uint8Array): void {
  const { number, latency } = readMessage(message);
  sum += number;
  latencies.push(latency);
}

const channel = handle && BytesChannel.attach(handle);
parentPort?.postMessage('ready');
if (channel === undefined) {
  parentPort?.on('message', (message: Uint8Array | null) => {
    if (message === null) {
      parentPort?.postMessage({ sum, latencies });
      parentPort?.close();
      return;
    }
    take(message);
    parentPort?.postMessage('read');
  });
} else {
  for (let bytes = channel.receiveBlocking(); bytes !== undefined; bytes = channel.receiveBlocking()) {
    take(bytes.view);
    bytes.release();
  }
  parentPort?.postMessage({ sum, latencies });
}
