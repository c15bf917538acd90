import type { ArenaBuffer, Bytes } from 'arena-alligator';

// In a payload, each byte is larger than the byte before by the same step, modulo 256. Each payload has a random step.
// So any part of a payload can be checked alone: bytes of another payload in between break the sequence.

/** Appends a payload of `length` bytes to a buffer. */
export function writePayload(buffer: ArenaBuffer, length: number, random: () => number): ArenaBuffer {
  const step = 1 + Math.floor(random() * 255);
  let value = Math.floor(random() * 256);
  const chunk = buffer.chunkMut();
  for (let index = 0; index < length; index++) {
    chunk[index] = value;
    value = (value + step) & 0xff;
  }
  return buffer.advanceMut(length);
}

/** Checks that all bytes belong to one payload. @throws Error when they do not */
export function checkPayload(bytes: Bytes): void {
  const { view } = bytes;
  const step = ((view[1] ?? 0) - (view[0] ?? 0)) & 0xff;
  for (let index = 1; index < view.length; index++) {
    const found = ((view[index] as number) - (view[index - 1] as number)) & 0xff;
    if (found !== step)
      throw new Error(`corrupt: byte ${index} of ${view.length} grows by ${found} instead of ${step}`);
  }
}
