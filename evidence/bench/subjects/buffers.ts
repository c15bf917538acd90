import type { Payloads, Subject } from '../payloads.js';
import { FILL } from '../work.js';

function payloads(allocate: (size: number) => Buffer): Payloads<Buffer> {
  return {
    make: (size) => allocate(size).fill(FILL),
    reserve: allocate,
    // Everybody can have the same object; that is the cheapest plain way, and nobody knows when it is done with.
    share: (buffer) => buffer,
    slice: (buffer, start, end) => buffer.subarray(start, end),
    first: (buffer) => buffer[0] as number,
    drop: () => undefined,
    dropReserved: () => undefined,
    view: (buffer) => buffer,
  };
}

/** Cut from a pool of 8 KiB (64 on Node 26) where they are small. */
export const unsafeBuffers: Subject<Buffer> = {
  name: 'buffer-unsafe',
  open: () => payloads((size) => Buffer.allocUnsafe(size)),
};

export const slowBuffers: Subject<Buffer> = {
  name: 'buffer-slow',
  open: () => payloads((size) => Buffer.allocUnsafeSlow(size)),
};

/** With a view of its own for everybody who shares it. */
export const viewedBuffers: Subject<Buffer> = {
  name: 'buffer-subarray',
  open: () => ({ ...payloads((size) => Buffer.allocUnsafe(size)), share: (buffer) => buffer.subarray() }),
};
