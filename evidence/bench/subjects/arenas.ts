import assert from 'node:assert/strict';
import { type ArenaBuffer, BuddyArena, BuddyGeometry, type Bytes, FixedArena } from 'arena-alligator';
import type { Demand, Payloads, Subject } from '../payloads.js';
import { FILL, KIB, LIVE, MIB } from '../work.js';

/**
 * Slots of 4 KiB, or of the payload's size if that is larger. When many payloads live at the same time, slots of just
 * the payload's size, 64 bytes at least.
 */
export function fixedArena({ size, live }: Demand): FixedArena {
  if (live > 1) return FixedArena.withSlotCapacity(2 ** Math.ceil(Math.log2(2 * live)), Math.max(size, 64)).build();
  const slot = Math.max(size, 4 * KIB);
  return FixedArena.withSlotCapacity(slot <= 16 * KIB ? 1024 : 64, slot).build();
}

/** 64 MiB in blocks from 256 B. When the live payloads need more than half of that, four times what they need. */
export function buddyArena({ size, live }: Demand): BuddyArena {
  // A churn's payloads are half the largest size on average, so 64 MiB are enough for it.
  const needed = live === LIVE ? 0 : live * size;
  const total = needed > 32 * MIB ? 2 ** Math.ceil(Math.log2(4 * needed)) : 64 * MIB;
  return BuddyArena.builder(BuddyGeometry.exact(total, 256)).build();
}

type Handle = Bytes | ArenaBuffer;

interface CountedHandle {
  readonly bytes: Bytes;
  readers: number;
}

function payloads(allocate: (size: number) => ArenaBuffer, metrics: () => { bytesLive: number }): Payloads<Handle> {
  return {
    make: (size) => (size === 0 ? allocate(1).freeze() : allocate(size).putBytes(FILL, size).freeze()),
    reserve: allocate,
    share: (bytes) => (bytes as Bytes).clone(),
    view: (bytes) => (bytes as Bytes).view,
    slice: (bytes, start, end) => (bytes as Bytes).slice(start, end),
    first: (bytes) => (bytes as Bytes).at(0),
    drop: (bytes) => (bytes as Bytes).release(),
    dropReserved: (buffer) => (buffer as ArenaBuffer).abandon(),
    end: () => assert.equal(metrics().bytesLive, 0),
  };
}

export const fixed: Subject<Handle> = {
  name: 'fixed',
  open: (demand) => {
    const arena = fixedArena(demand);
    return payloads(
      () => arena.allocate(),
      () => arena.metrics(),
    );
  },
};

/** The program counts the readers itself: all readers of a message share one handle, and the last one releases it. */
export const countedHandle: Subject<CountedHandle> = {
  name: 'fixed-one-handle',
  open: (demand) => {
    const arena = fixedArena(demand);
    const drop = (shared: CountedHandle): void => {
      if (--shared.readers === 0) shared.bytes.release();
    };
    return {
      make: (size) => ({ bytes: arena.allocate().putBytes(FILL, size).freeze(), readers: 1 }),
      reserve: () => ({ bytes: arena.allocate().putU8(FILL).freeze(), readers: 1 }),
      share: (shared) => {
        shared.readers++;
        return shared;
      },
      view: ({ bytes }) => bytes.view,
      first: ({ bytes }) => bytes.at(0),
      drop,
      dropReserved: drop,
      end: () => assert.equal(arena.metrics().bytesLive, 0),
    };
  },
};

export const buddy: Subject<Handle> = {
  name: 'buddy',
  open: (demand) => {
    const arena = buddyArena(demand);
    return payloads(
      (size) => arena.allocate(size),
      () => arena.metrics(),
    );
  },
};
