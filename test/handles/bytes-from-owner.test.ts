import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes } from 'arena-alligator';
import { collectThoroughly, collectUntil } from '../support/collector.js';
import { uncaughtDuring } from '../support/uncaught.js';

test('onRelease is called once, when the last handle was released', () => {
  let released = 0;
  const source = Uint8Array.of(1, 2, 3, 4);
  const bytes = Bytes.fromOwner(source, () => released++);
  assert.equal(bytes.view.buffer, source.buffer);
  const clone = bytes.clone();
  const slice = bytes.slice(1, 3);
  bytes.release();
  clone.release();
  assert.deepEqual([released, [...slice]], [0, [2, 3]]);
  slice.release();
  slice.release();
  assert.equal(released, 1);
});

test('a conversion that copies gives the memory back', () => {
  let released = 0;
  Bytes.fromOwner(Uint8Array.of(1, 2), () => released++).intoOwned();
  Bytes.fromOwner(Uint8Array.of(1, 2), () => released++)
    .slice(0, 1)
    .compact();
  const narrowed = Bytes.fromOwner(Uint8Array.of(1, 2), () => released++);
  narrowed.truncate(0);
  Bytes.fromOwner(new Uint8Array(0), () => released++).release();
  assert.equal(released, 3);
});

test('the memory is not ours: it never becomes writable', () => {
  const bytes = Bytes.fromOwner(Uint8Array.of(1), () => undefined);
  assert.deepEqual([bytes.isUnique, bytes.tryIntoMut()], [false, undefined]);
  bytes.release();
});

test('the collector calls onRelease when all handles were forgotten', async () => {
  let released = 0;
  (() => {
    Bytes.fromOwner(new Uint8Array(8), () => released++).getU8();
  })();
  assert.ok(await collectUntil(() => released === 1));
  const views: Uint8Array[] = [];
  (() => {
    views.push(Bytes.fromOwner(new Uint8Array(8), () => released++).view);
  })();
  (() => Bytes.fromOwner(new Uint8Array(8), () => released++).release())();
  await collectThoroughly();
  assert.equal(released, 2, 'a lent view keeps the memory, and a release tells once');
});

test('an error of onRelease is uncaught, and the memory is released all the same', async () => {
  const bytes = Bytes.fromOwner(Uint8Array.of(1), () => {
    throw new Error('onRelease');
  });
  const errors = await uncaughtDuring(() => bytes.release());
  assert.match(String(errors), /onRelease/);
  assert.equal(bytes.isReleased, true);
});

test('bad arguments are refused', () => {
  assert.throws(() => Bytes.fromOwner('x' as unknown as Uint8Array, () => undefined), TypeError);
  assert.throws(() => Bytes.fromOwner(new Uint8Array(1), null as unknown as () => void), TypeError);
});
