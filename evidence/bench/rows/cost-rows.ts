import assert from 'node:assert/strict';
import { type Case, type Operation, operationCase } from '../case.js';
import { checkFilled, FILL, KIB, MIB } from '../work.js';

// The cost of the parts of a round trip. They show why it cannot be faster (docs/performance.md).

const memory = (): Uint8Array => new Uint8Array(MIB);

const fill = (size: number): Case =>
  operationCase(`cost/fill-${size}/fill`, () => {
    const bytes = memory();
    return { turn: () => bytes.fill(FILL, 0, size), end: () => checkFilled(bytes.subarray(0, size), size) };
  });

const set = (size: number): Case =>
  operationCase(`cost/fill-${size}/set`, () => {
    const bytes = memory();
    const filled = new Uint8Array(size).fill(FILL);
    return { turn: () => bytes.set(filled, 0), end: () => checkFilled(bytes.subarray(0, size), size) };
  });

const stores = (size: number): Case =>
  operationCase(`cost/fill-${size}/stores`, () => {
    const bytes = memory();
    const wide = new Float64Array(bytes.buffer);
    const [eight] = new Float64Array(new Uint8Array(8).fill(FILL).buffer);
    assert.ok(eight !== undefined);
    const turn = (): unknown => {
      for (let at = 0; at < size >>> 3; at++) wide[at] = eight;
      return wide;
    };
    return { turn, end: () => checkFilled(bytes.subarray(0, size), size) };
  });

interface Slot {
  holders: number;
  readonly offset: number;
}

class Written {
  slot: Slot | undefined;
  cursor: number;

  constructor(slot: Slot) {
    this.slot = slot;
    this.cursor = slot.offset;
  }
}

class Frozen {
  slot: Slot | undefined;
  readonly offset: number;
  readonly size: number;
  view: Uint8Array | undefined;

  constructor(slot: Slot, offset: number, size: number) {
    this.slot = slot;
    this.offset = offset;
    this.size = size;
    this.view = undefined;
  }
}

/**
 * The minimum for the same contract: a stack of free slots, two handles that are used up, a count of holders. Nothing
 * else is checked.
 */
function leastRoundTrip(): Operation {
  const bytes = new Uint8Array(KIB * KIB);
  const free = Array.from({ length: KIB }, (_, index): Slot => ({ holders: 0, offset: index * KIB }));
  let count = free.length;
  const turn = (): unknown => {
    const slot = free[--count] as Slot;
    slot.holders = 1;
    const buffer = new Written(slot);
    bytes[buffer.cursor++] = FILL;
    buffer.slot = undefined;
    const frozen = new Frozen(slot, slot.offset, buffer.cursor - slot.offset);
    frozen.slot = undefined;
    if (--slot.holders === 0) free[count++] = slot;
    return frozen;
  };
  return { turn, end: () => assert.equal(count, free.length) };
}

const small = (name: string, prepare: () => () => unknown): Case =>
  operationCase(`cost/${name}`, () => ({ turn: prepare() }));

const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(KIB));

export const costRows: readonly Case[] = [
  ...[64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB].flatMap((size) => [fill(size), set(size), stores(size)]),
  operationCase('cost/round-trip/least', leastRoundTrip),
  small('view/over-memory', () => {
    const { buffer } = memory();
    return () => new Uint8Array(buffer, KIB, KIB);
  }),
  small('view/fresh-2048', () => () => new Uint8Array(2 * KIB)),
  small('view/its-buffer', () => {
    const bytes = memory();
    return () => bytes.buffer;
  }),
  small('atomics/compareExchange', () => {
    const shared = words();
    return () => Atomics.compareExchange(shared, 1, 0, 0);
  }),
  small('atomics/store', () => {
    const shared = words();
    return () => Atomics.store(shared, 1, 1);
  }),
  small('atomics/load', () => {
    const shared = words();
    return () => Atomics.load(shared, 1);
  }),
];
