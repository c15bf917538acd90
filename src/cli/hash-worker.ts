import { parentPort, workerData } from 'node:worker_threads';
import { type Bytes, BytesChannel, type ChannelHandle } from '../index.js';
import { type HashedFile, hashChunks } from './hash-chunks.js';

/** What a worker answers for each file, in the order of the files. */
export interface HashedInWorker extends HashedFile {
  /** Bytes that arrived anywhere but in the memory of the arena, where they were read. */
  readonly bytesCopied: number;
}

const handle = workerData as ChannelHandle;
const channel = BytesChannel.attach(handle);

/** The chunks of one file, which empty bytes end. Blocking: this thread has nothing else to do. */
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
