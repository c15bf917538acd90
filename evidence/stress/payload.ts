import type { ArenaBuffer, Bytes } from 'arena-alligator';

// Each payload climbs by a step of its own from byte to byte, so that any part of it can be checked by itself: bytes of another
// payload in between break the climb.

/** Fills the rest of a buffer of which `length` bytes are wanted. */
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

/** @throws Error where the bytes are not all of one payload */
export function checkPayload(bytes: Bytes): void {
  const { view } = bytes;
  const step = ((view[1] ?? 0) - (view[0] ?? 0)) & 0xff;
  for (let index = 1; index < view.length; index++) {
    const found = ((view[index] as number) - (view[index - 1] as number)) & 0xff;
    if (found !== step)
      throw new Error(`corrupt: byte ${index} of ${view.length} climbs by ${found} instead of ${step}`);
  }
}
