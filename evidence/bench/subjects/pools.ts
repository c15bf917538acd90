import assert from 'node:assert/strict';
import type { Subject } from '../payloads.js';
import { loadPeer } from '../peers.js';
import { FILL, MIB } from '../work.js';

interface ThiNgMalloc {
  readonly MemPool: new (options: {
    readonly size: number;
  }) => {
    readonly buf: ArrayBuffer;
    malloc(byteCount: number): number;
    free(pointer: number): boolean;
    stats(): { readonly used: { readonly count: number } };
  };
}

/** Uses the pool's pointers, and writes through one Uint8Array over all of its memory: the fastest way to use it. */
export const thiNgMalloc: Subject<number> = {
  name: 'thi.ng-malloc',
  open: async ({ size, live }) => {
    const { MemPool } = await loadPeer<ThiNgMalloc>('thi.ng-malloc');
    const pool = new MemPool({ size: Math.max(64 * MIB, 4 * size * live) });
    const bytes = new Uint8Array(pool.buf);
    const allocate = (byteCount: number): number => pool.malloc(Math.max(byteCount, 1));
    return {
      make: (byteCount) => {
        const pointer = allocate(byteCount);
        bytes.fill(FILL, pointer, pointer + byteCount);
        return pointer;
      },
      reserve: allocate,
      first: (pointer) => bytes[pointer] as number,
      drop: (pointer) => void pool.free(pointer),
      dropReserved: (pointer) => void pool.free(pointer),
      view: (pointer, byteCount) => bytes.subarray(pointer, pointer + byteCount),
      end: () => assert.equal(pool.stats().used.count, 0),
    };
  },
};

interface TypedArrayPool {
  mallocUint8(length: number): Uint8Array;
  freeUint8(array: Uint8Array): void;
}

export const typedArrayPool: Subject<Uint8Array> = {
  name: 'typedarray-pool',
  open: async () => {
    const pool = await loadPeer<TypedArrayPool>('typedarray-pool');
    return {
      make: (size) => pool.mallocUint8(size).fill(FILL),
      reserve: (size) => pool.mallocUint8(size),
      first: (array) => array[0] as number,
      drop: (array) => pool.freeUint8(array),
      dropReserved: (array) => pool.freeUint8(array),
      view: (array) => array,
    };
  },
};

interface BufferReusePool {
  pool(size: number): { alloc(): Buffer };
  free(buffer: Buffer): boolean;
}

/** Whole Buffers of one size. The pool makes no views, does not count holders, and does not notice a second free. */
export const bufferReusePool: Subject<Buffer> = {
  name: 'buffer-reuse-pool',
  open: async ({ size }) => {
    const reuse = await loadPeer<BufferReusePool>('buffer-reuse-pool');
    const pool = reuse.pool(size);
    return {
      make: (byteCount) => pool.alloc().fill(FILL, 0, byteCount),
      reserve: () => pool.alloc(),
      first: (buffer) => buffer[0] as number,
      drop: (buffer) => void reuse.free(buffer),
      dropReserved: (buffer) => void reuse.free(buffer),
      view: (buffer, byteCount) => (byteCount === size ? buffer : buffer.subarray(0, byteCount)),
    };
  },
};
