import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { describe } from '../base/check.js';

/**
 * What becomes of the Buffers that a stream gives.
 *
 * - `'leave'`: they are copied, and left to the garbage collector.
 * - `'free'`: they are copied, and their memory is freed at once.
 * - `'adopt'`: data of half a chunk or more is not copied. Its chunk is the Buffer itself, which is left to the collector
 *   after its last handle. The chunk counts against the arena like any other one. Smaller data is copied and freed.
 *
 * To free a Buffer empties it for everybody. So `'free'` and `'adopt'` are for streams whose Buffers nobody else keeps
 * or writes to: sockets and requests of Node, unless other code of the program looks into them too. While a stream of
 * Node has listeners of `'data'`, its Buffers are not freed.
 */
export type StreamBuffers = 'leave' | 'free' | 'adopt';

/** @throws TypeError unless it is one of `allowed` */
export function checkBuffers<Allowed extends StreamBuffers>(value: Allowed, allowed: readonly Allowed[]): Allowed {
  if (allowed.includes(value)) return value;
  throw new TypeError(`buffers must be ${allowed.map((name) => `'${name}'`).join(' or ')}, got ${describe(value)}`);
}

/** `ArrayBuffer.prototype.transfer`, which Node has since version 22. */
interface Transferable {
  transfer?(byteLength: number): unknown;
}

/**
 * A port that nobody reads. What is posted to it moves into the message, and is freed with that. It takes two turns of
 * the event loop to close, and keeps messages until then.
 */
let sink: MessagePort | undefined;

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
}

/**
 * Frees the memory of `data` at once, if that is all of an ArrayBuffer. Its views are empty then. Node's Buffers wait for
 * the collector otherwise, which counts them late: a server of 256 KiB uploads had 40 MB of dead ones, and the system had
 * to hand out a fresh page for every 5 KiB that came in (Node 20, one machine). Freeing takes less than 1 us there.
 */
export function freeBuffer({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === 0 || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
  try {
    const { transfer } = buffer as Transferable;
    if (transfer !== undefined) transfer.call(buffer, 0);
    else {
      sink ??= closedPort();
      sink.postMessage(null, [buffer]);
    }
  } catch {
    // Memory that must not leave its place, as that of a WebAssembly.Memory: it stays.
  }
}
