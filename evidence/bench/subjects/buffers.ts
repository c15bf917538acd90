import type { Payloads, Subject } from '../payloads.js';
import { FILL } from '../work.js';

function payloads(allocate: (size: number) => Buffer): Payloads<Buffer> {
  return {
    make: (size) => allocate(size).fill(FILL),
    reserve: allocate,
    // All consumers get the same object: the cheapest way, but then no code knows when the last consumer is done.
    share: (buffer) => buffer,
    slice: (buffer, start, end) => buffer.subarray(start, end),
    first: (buffer) => buffer[0] as number,
    drop: () => undefined,
    dropReserved: () => undefined,
    view: (buffer) => buffer,
  };
}

/** Buffer.allocUnsafe. Small Buffers are cut from a pool of 8 KiB (64 KiB on Node 26). */
export const unsafeBuffers: Subject<Buffer> = {
  name: 'buffer-unsafe',
  open: () => payloads((size) => Buffer.allocUnsafe(size)),
};

export const slowBuffers: Subject<Buffer> = {
  name: 'buffer-slow',
  open: () => payloads((size) => Buffer.allocUnsafeSlow(size)),
};

/** Like {@link unsafeBuffers}, but each consumer that shares a Buffer gets its own view. */
export const viewedBuffers: Subject<Buffer> = {
  name: 'buffer-subarray',
  open: () => ({ ...payloads((size) => Buffer.allocUnsafe(size)), share: (buffer) => buffer.subarray() }),
};
