import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BuddyBlocks } from '#internal/blocks/buddy-blocks';
import { Reservation } from '#internal/blocks/reservation';

const MAX_ORDER = 11; // the bitmaps of orders 0 to 5 have more than one word

interface Block {
  readonly block: number;
  readonly order: number;
}

const sizes = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 3 })), {
  minLength: 20,
  maxLength: 60,
});

/**
 * Claims blocks of the given orders in turn until none is free, and releases some.
 * @returns the blocks still claimed
 */
function claimed(blocks: BuddyBlocks, steps: readonly (readonly [order: number, keep: number])[]): Block[] {
  const all: Block[] = [];
  for (let index = 0; blocks.largestFreeOrder() >= 0; index++) {
    const [wanted] = steps[index % steps.length] as (typeof steps)[number];
    const order = Math.min(wanted, blocks.largestFreeOrder());
    all.push({ block: blocks.claim(order), order });
  }
  return all.filter(({ block, order }, index) => {
    if (steps[index % steps.length]?.[1] !== 0) return true;
    blocks.release(block, order);
    return false;
  });
}

function unitsIn(live: readonly Block[], start: number, end: number): number {
  return live.reduce(
    (sum, { block, order }) => sum + Math.max(0, Math.min(block + 2 ** order, end) - Math.max(block, start)),
    0,
  );
}

test('the region has the most free units, is the highest of equal ones, and has no pinned block', () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 5, max: 9 }), fc.array(fc.nat(), { maxLength: 3 }), (steps, order, pins) => {
      const blocks = new BuddyBlocks(MAX_ORDER);
      const live = claimed(blocks, steps);
      fc.pre(blocks.largestFreeOrder() < order && live.length > 0);
      const pinned = pins.map((pin) => live[pin % live.length] as Block);
      const free = (region: number): number => 2 ** order - unitsIn(live, region, region + 2 ** order);
      const regions = Array.from({ length: 2 ** (MAX_ORDER - order) }, (_, index) => index * 2 ** order);
      const open = regions.filter((region) => unitsIn(pinned, region, region + 2 ** order) === 0);
      const reservation = Reservation.best(blocks, order, MAX_ORDER, pinned);
      if (open.length === 0) {
        assert.equal(reservation, undefined);
        return;
      }
      const most = Math.max(...open.map(free));
      const expected = open.findLast((region) => free(region) === most) as number;
      assert.equal(reservation?.units, most);
      for (const region of regions) assert.equal(reservation?.overlaps(region, order), region === expected);
    }),
  );
});

test('blocks released in the region are kept until it is whole, and go back as one block', () => {
  fc.assert(
    fc.property(sizes, fc.integer({ min: 5, max: 9 }), (steps, order) => {
      const blocks = new BuddyBlocks(MAX_ORDER);
      const live = claimed(blocks, steps);
      fc.pre(blocks.largestFreeOrder() < order);
      const reservation = Reservation.best(blocks, order, MAX_ORDER, []);
      assert.ok(reservation !== undefined);
      for (const { block, order: size } of live) {
        const inside = reservation.overlaps(block, size);
        assert.equal(
          reservation.isWhole,
          live.every((one) => !reservation.overlaps(one.block, one.order)),
        );
        const freed = reservation.release(block, size);
        assert.equal(freed === -1, inside && size < order);
        live.splice(
          live.findIndex((one) => one.block === block),
          1,
          { block: 2 ** MAX_ORDER, order: 0 },
        );
      }
      assert.equal(reservation.isWhole, true);
      const orders = reservation.end();
      assert.equal(blocks.largestFreeOrder(), MAX_ORDER);
      assert.ok(orders.every((one) => one >= 0 && one <= MAX_ORDER));
      assert.equal(blocks.splits, blocks.coalesces);
    }),
  );
});

test('finding a region among many pinned blocks takes a single walk', () => {
  const blocks = new BuddyBlocks(20);
  const pinned: Block[] = [];
  for (let block = blocks.claim(0); block >= 0; block = blocks.claim(0)) pinned.push({ block, order: 0 });
  pinned.splice(0, 4);
  for (const block of [0, 1, 3]) blocks.release(block, 0);
  const reservation = Reservation.best(blocks, 2, 20, pinned);
  assert.equal(reservation?.units, 3);
  assert.equal(reservation?.overlaps(0, 2), true);
});

test('a free block right after the region is not set aside', () => {
  const blocks = new BuddyBlocks(3);
  for (let block = 0; block < 8; block++) assert.equal(blocks.claim(0), block);
  for (const block of [4, 0, 2]) blocks.release(block, 0);
  const reservation = Reservation.best(blocks, 2, 3, []);
  assert.equal(reservation?.overlaps(0, 2), true);
  assert.equal(reservation?.units, 2);
  assert.equal(blocks.claim(0), 4);
});
