import { parentPort, workerData } from 'node:worker_threads';
import { type Bytes, BytesChannel, type ChannelHandle } from '../index.js';
import { type HashedFile, hashChunks } from './hash-chunks.js';

/** The answer of a worker for one file. The answers come in the order of the files. */
export interface HashedInWorker extends HashedFile {
  /** How many bytes arrived outside the memory of the arena that they were read into. */
  readonly bytesCopied: number;
}

const handle = workerData as ChannelHandle;
const channel = BytesChannel.attach(handle);

/** The chunks of one file, up to the empty bytes that end it. It may block, as this thread has nothing else to do. */
function* fileFrom(first: Bytes): Generator<Bytes, undefined, undefined> {
  for (let chunk: Bytes | undefined = first; chunk !== undefined && !chunk.isEmpty; chunk = channel.receiveBlocking()) {
    yield chunk;
  }
  return undefined;
}

for (let first = channel.receiveBlocking(); first !== undefined; first = channel.receiveBlocking()) {
  let bytesCopied = 0;
  const hashed = await hashChunks(fileFrom(first), (chunk) => {
    if (chunk.view.buffer !== handle.arena.memory) bytesCopied += chunk.length;
  });
  parentPort?.postMessage({ ...hashed, bytesCopied } satisfies HashedInWorker);
}
channel.arena.detach();
