import assert from 'node:assert/strict';
import { type ArenaBuffer, BuddyArena, BuddyGeometry, type Bytes, FixedArena } from 'arena-alligator';
import { netCases } from './net-cases.js';

/** One thing that is timed. It is made in a process of its own, checked, and only then measured. */
export interface Case {
  readonly name: string;
  /** Case of the plain way to do the same, if there is one. */
  readonly beside?: string;
  /** Sets up and returns the operation; its result is what {@link check} sees. */
  readonly prepare: () => () => unknown;
  /** @throws unless `result` is what the operation should come to. */
  readonly check: (result: unknown) => void;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const FILL = 0x5a;

function isFilled(length: number): (result: unknown) => void {
  return (result) => {
    assert.ok(result instanceof Uint8Array);
    assert.equal(result.length, length);
    assert.ok(result.every((byte) => byte === FILL));
  };
}

/** Operations that end by releasing say whether they did; to return the handle would be to keep it. */
function isDone(result: unknown): void {
  assert.equal(result, true);
}

/** Allocate, write, freeze, release; the bytes are looked at once, before the clock runs. */
function roundTrip(allocate: () => ArenaBuffer, length: number): () => unknown {
  const looked = allocate().putBytes(FILL, length).freeze();
  isFilled(length)(looked.toUint8Array());
  looked.release();
  if (length === 0) {
    return () => {
      const bytes = allocate().freeze();
      bytes.release();
      return bytes.isReleased;
    };
  }
  return () => {
    const bytes = allocate().putBytes(FILL, length).freeze();
    bytes.release();
    return bytes.isReleased;
  };
}

/** As {@link roundTrip} with a single byte written, so that no filling hides the allocator. */
function bareRoundTrip(allocate: () => ArenaBuffer): () => unknown {
  return () => {
    const bytes = allocate().putU8(1).freeze();
    bytes.release();
    return bytes.isReleased;
  };
}

function fromFixed(): () => ArenaBuffer {
  const arena = fixedArena();
  return () => arena.allocate();
}

function fromBuddy(length: number): () => ArenaBuffer {
  const arena = buddyArena();
  return () => arena.allocate(length);
}

const fixedArena = (): FixedArena => FixedArena.withSlotCapacity(1024, 4 * KIB).build();
const buddyArena = (): BuddyArena => BuddyArena.builder(BuddyGeometry.exact(64 * MIB, 256)).build();

function filledBuffer(length: number): Case {
  return {
    name: `Buffer.allocUnsafe ${length} B + fill`,
    prepare: () => () => Buffer.allocUnsafe(length).fill(FILL),
    check: isFilled(length),
  };
}

/** Numbers in [0, 1), the same in every run (Park and Miller's minimal standard generator). */
function randomNumbers(): () => number {
  let state = 20_261_122;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const LIVE = 2048;

/** Sizes and places of a churn: which of the live allocations is replaced by one of what size. */
function churnPlan(): { sizes: readonly number[]; places: readonly number[] } {
  const random = randomNumbers();
  const sizes = Array.from({ length: 8192 }, () => 192 + Math.floor(random() * (16_384 - 192 + 1)));
  const places = Array.from({ length: 8192 }, () => Math.floor(random() * LIVE));
  return { sizes, places };
}

/** Replaces one live allocation of mixed size by another. */
function churn<Handle>(make: (size: number) => Handle, drop: (handle: Handle) => void): () => unknown {
  const { sizes, places } = churnPlan();
  const live = Array.from({ length: LIVE }, (_, index) => make(sizes[index] as number));
  let step = 0;
  return () => {
    step = (step + 1) & 8191;
    const place = places[step] as number;
    drop(live[place] as Handle);
    live[place] = make(sizes[step] as number);
    return live.length;
  };
}

const isLive = (result: unknown): void => assert.equal(result, LIVE);

function sharedBytes(): Bytes {
  return fixedArena().allocate().putBytes(FILL, KIB).freeze();
}

class FourFields {
  readonly a: unknown;
  readonly b: number;
  readonly c: number;
  readonly d: unknown;
  constructor(a: unknown, b: number, c: number, d: unknown) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }
}

/**
 * An arena of `slots` slots of which `taken` are in use. They are taken at the bitmap, not by four million handles:
 * those would be the collector's to walk, which is a cost of handles and not of claims.
 */
function occupied(slots: number, taken: number): FixedArena {
  const arena = FixedArena.withSlotCapacity(slots, 16).pageSize('unknown').build();
  const { blocks } = (arena as unknown as { engine: { blocks: { claim(order: number): number } } }).engine;
  for (let index = 0; index < taken; index++) assert.equal(blocks.claim(0), index);
  return arena;
}

const MANY = 4 * MIB;

export const cases: readonly Case[] = [
  {
    name: 'Buffer.allocUnsafe 256 B',
    prepare: () => () => Buffer.allocUnsafe(256),
    check: (result) => assert.equal((result as Buffer).length, 256),
  },
  ...[256, KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB].map(filledBuffer),
  {
    name: 'object with four fields',
    prepare: () => {
      const owner = {};
      return () => new FourFields(owner, 1, 2, undefined);
    },
    check: (result) => assert.ok(result instanceof FourFields),
  },
  {
    name: 'fixed round trip 0 B',
    beside: 'Buffer.allocUnsafe 256 B',
    prepare: () => roundTrip(fromFixed(), 0),
    check: isDone,
  },
  ...[256, KIB, 4 * KIB].map((length) => ({
    name: `fixed round trip ${length} B`,
    beside: `Buffer.allocUnsafe ${length} B + fill`,
    prepare: () => roundTrip(fromFixed(), length),
    check: isDone,
  })),
  ...[256, KIB, 4 * KIB, 16 * KIB].map((length) => ({
    name: `buddy round trip ${length} B`,
    beside: `Buffer.allocUnsafe ${length} B + fill`,
    prepare: () => roundTrip(fromBuddy(length), length),
    check: isDone,
  })),
  {
    name: 'fixed round trip, no fill',
    beside: 'Buffer.allocUnsafe 256 B',
    prepare: () => bareRoundTrip(fromFixed()),
    check: isDone,
  },
  {
    name: 'async fixed round trip, no fill',
    beside: 'fixed round trip, no fill',
    prepare: () => {
      const arena = FixedArena.withSlotCapacity(1024, 4 * KIB).buildAsync();
      return bareRoundTrip(() => arena.allocate());
    },
    check: isDone,
  },
  {
    name: 'async buddy round trip 256 B, no fill',
    beside: 'buddy round trip 256 B, no fill',
    prepare: () => {
      const arena = BuddyArena.builder(BuddyGeometry.exact(64 * MIB, 256)).buildAsync();
      return bareRoundTrip(() => arena.allocate(256));
    },
    check: isDone,
  },
  {
    name: 'buddy round trip 256 B, no fill',
    beside: 'Buffer.allocUnsafe 256 B',
    prepare: () => bareRoundTrip(fromBuddy(256)),
    check: isDone,
  },
  {
    name: 'Buffer.allocUnsafe churn',
    prepare: () =>
      churn(
        (size) => Buffer.allocUnsafe(size),
        () => undefined,
      ),
    check: isLive,
  },
  {
    name: 'buddy churn, 2048 live of 192 to 16384 B',
    beside: 'Buffer.allocUnsafe churn',
    prepare: () => {
      const arena = buddyArena();
      return churn(
        (size) => arena.allocate(size),
        (buffer) => buffer.abandon(),
      );
    },
    check: isLive,
  },
  {
    name: 'clone + release',
    beside: 'object with four fields',
    prepare: () => {
      const shared = sharedBytes();
      return () => {
        const clone = shared.clone();
        clone.release();
        return clone.isReleased;
      };
    },
    check: isDone,
  },
  {
    name: 'Buffer.subarray',
    prepare: () => {
      const shared = Buffer.alloc(KIB, FILL);
      return () => shared.subarray(10, 900);
    },
    check: isFilled(890),
  },
  {
    name: 'slice + release',
    beside: 'Buffer.subarray',
    prepare: () => {
      const shared = sharedBytes();
      return () => {
        const slice = shared.slice(10, 900);
        slice.release();
        return slice.isReleased;
      };
    },
    check: isDone,
  },
  {
    name: 'new Uint8Array over a buffer',
    prepare: () => {
      const { buffer } = new Uint8Array(4 * KIB).fill(FILL);
      return () => new Uint8Array(buffer, 0, KIB);
    },
    check: isFilled(KIB),
  },
  {
    name: 'clone + view + release',
    beside: 'new Uint8Array over a buffer',
    prepare: () => {
      const shared = sharedBytes();
      return () => {
        const clone = shared.clone();
        const { view } = clone;
        clone.release();
        return view;
      };
    },
    check: isFilled(KIB),
  },
  ...[2 * KIB, 8 * KIB].map((length) => ({
    name: `spill of ${length} B from 1024 B slots`,
    beside: `Buffer.allocUnsafe ${length} B + fill`,
    prepare: () => {
      const arena = FixedArena.withSlotCapacity(64, KIB).autoSpill().build();
      const chunk = new Uint8Array(KIB).fill(FILL);
      return () => {
        const buffer = arena.allocate();
        for (let written = 0; written < length; written += KIB) buffer.putSlice(chunk);
        return buffer.freeze();
      };
    },
    check: (result: unknown) => isFilled(length)((result as Bytes).toUint8Array()),
  })),
  ...(
    [
      ['64 slots, empty', 64, 0],
      ['64 slots, one free', 64, 63],
      ['4194304 slots, empty', MANY, 0],
      ['4194304 slots, 99.9 % taken', MANY, Math.floor(MANY * 0.999)],
    ] as const
  ).map(([what, slots, taken]) => ({
    name: `claim + release, ${what}`,
    beside: 'claim + release, 64 slots, empty',
    prepare: () => {
      const arena = occupied(slots, taken);
      return () => {
        const buffer = arena.allocate();
        buffer.abandon();
        return buffer;
      };
    },
    check: (result: unknown) => assert.throws(() => (result as ArenaBuffer).length, { code: 'RELEASED' }),
  })),
  ...[64, MANY].map((slots) => ({
    name: `tryAllocate on a full arena, ${slots} slots`,
    beside: 'claim + release, 64 slots, empty',
    prepare: () => {
      const arena = occupied(slots, slots);
      return () => arena.tryAllocate();
    },
    check: (result: unknown) => assert.equal(result, undefined),
  })),
  ...netCases,
];
