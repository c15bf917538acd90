import type { Subject } from '../payloads.js';
import { loadPeer } from '../peers.js';
import { FILL } from '../work.js';

interface List {
  get(index: number): number;
}

interface Uint8ArrayList extends List {
  sublist(start?: number, end?: number): Uint8ArrayList;
  subarray(): Uint8Array;
}

/** Lists over plain Buffers. */
export const uint8ArrayLists: Subject<Uint8ArrayList> = {
  name: 'uint8arraylist',
  open: async () => {
    const { Uint8ArrayList } = await loadPeer<{
      Uint8ArrayList: new (...parts: Uint8Array[]) => Uint8ArrayList;
    }>('uint8arraylist');
    return {
      make: (size) => new Uint8ArrayList(Buffer.allocUnsafe(size).fill(FILL)),
      reserve: (size) => new Uint8ArrayList(Buffer.allocUnsafe(size)),
      share: (list) => list.sublist(),
      slice: (list, start, end) => list.sublist(start, end),
      first: (list) => list.get(0),
      drop: () => undefined,
      dropReserved: () => undefined,
      view: (list) => list.subarray(),
    };
  },
};

interface BufferList extends List {
  shallowSlice(start?: number, end?: number): BufferList;
  slice(): Buffer;
}

export const bufferLists: Subject<BufferList> = {
  name: 'bl',
  open: async () => {
    const { BufferList } = await loadPeer<{ BufferList: new (buffer: Buffer) => BufferList }>('bl');
    return {
      make: (size) => new BufferList(Buffer.allocUnsafe(size).fill(FILL)),
      reserve: (size) => new BufferList(Buffer.allocUnsafe(size)),
      share: (list) => list.shallowSlice(),
      slice: (list, start, end) => list.shallowSlice(start, end),
      first: (list) => list.get(0),
      drop: () => undefined,
      dropReserved: () => undefined,
      view: (list) => list.slice(),
    };
  },
};
