import type { ArenaBuffer, Bytes, ChannelHandle } from 'arena-alligator';

export const BYTES = 64 * 1024;
/** The most messages that are on their way. */
export const WINDOW = 64;

/** How a worker gets its messages. Undefined: from its port. */
export interface Receiver {
  readonly channel: ChannelHandle | undefined;
}

const now = (): number => performance.timeOrigin + performance.now();

/** Fills a message of an arena with its number, after the time in the first eight bytes. */
export function putMessage(buffer: ArenaBuffer, number: number): Bytes {
  return buffer
    .putF64(now())
    .putBytes(number & 255, BYTES - 8)
    .freeze();
}

/** The same for a message in a Uint8Array. */
export function writeMessage(message: Uint8Array, number: number): void {
  message.fill(number & 255);
  new DataView(message.buffer, message.byteOffset, 8).setFloat64(0, now());
}

/** Checks a message. @returns its number modulo 256, and how long it was on its way, in ms */
export function readMessage(message: Uint8Array): { readonly number: number; readonly latency: number } {
  const latency = now() - new DataView(message.buffer, message.byteOffset, 8).getFloat64(0);
  const number = message[8] ?? -1;
  if (message.length !== BYTES || message[BYTES - 1] !== number) throw new Error(`message ${number} is damaged`);
  return { number, latency };
}
