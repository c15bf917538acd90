import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, FixedArena } from 'arena-alligator';
import { assertAllReturned, frozen } from '../support/arenas.js';

const arena = FixedArena.withSlotCapacity(4, 32).build();

test('view is a Uint8Array over the arena, with exactly the bytes of the handle', () => {
  using bytes = frozen(arena, 'payload');
  assert.ok(bytes.view instanceof Uint8Array);
  assert.equal(new TextDecoder().decode(bytes.view), 'payload');
  assert.equal(bytes.view.buffer.byteLength, 4 * 32);
});

test('view is made once and then reused', () => {
  using bytes = frozen(arena, 'payload');
  assert.equal(bytes.view, bytes.view);
});

test('view follows a handle that was shortened or advanced', () => {
  using bytes = frozen(arena, 'abcdef');
  assert.equal(bytes.view.length, 6);
  bytes.advance(1);
  assert.deepEqual([...bytes.view], [...Buffer.from('bcdef')]);
  bytes.truncate(2);
  assert.deepEqual([...bytes.view], [...Buffer.from('bc')]);
  bytes.getU8();
  assert.deepEqual([...bytes.view], [...Buffer.from('c')]);
});

test('clones and slices show the same memory', () => {
  using bytes = frozen(arena, 'abcdef');
  using clone = bytes.clone();
  using slice = bytes.slice(2, 4);
  assert.equal(clone.view.byteOffset, bytes.view.byteOffset);
  assert.equal(slice.view.byteOffset, bytes.view.byteOffset + 2);
});

test('a view of wrapped bytes lies over the wrapped memory', () => {
  const source = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
  using bytes = Bytes.wrap(source);
  assert.equal(bytes.view.buffer, source.buffer);
  assert.equal(bytes.view.byteOffset, 1);
  assert.deepEqual([...bytes.view], [2, 3]);
});

test('all memory was returned', () => assertAllReturned(arena));

test('clones share one view, slices have their own views, and the next owner of the memory gets a new one', () => {
  const single = FixedArena.withSlotCapacity(1, 16).build();
  const bytes = frozen(single, 'abcd');
  const clone = bytes.clone();
  const { view } = bytes;
  assert.equal(clone.view, view);
  const tail = clone.slice(1);
  assert.equal(new TextDecoder().decode(tail.view), 'bcd');
  clone.advance(2);
  assert.equal(new TextDecoder().decode(clone.view), 'cd');
  assert.equal(bytes.view, view);
  for (const handle of [bytes, clone, tail]) handle.release();
  const next = frozen(single, 'efgh');
  assert.notEqual(next.view, view);
  next.release();
  assertAllReturned(single);
});

test('views of the same length, taken one after the other, each show their own bytes', () => {
  using bytes = frozen(arena, 'abcdef');
  for (const [start, text] of [
    [0, 'ab'],
    [2, 'cd'],
    [4, 'ef'],
    [0, 'ab'],
  ] as const) {
    using part = bytes.slice(start, start + 2);
    assert.equal(new TextDecoder().decode(part.view), text);
  }
});
