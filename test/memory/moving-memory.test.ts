import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedArena, SlotSpec } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';

const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;

// A bug of V8 11: optimised code that has also seen arrays over resizable buffers reads the length that a Uint8Array
// had before its buffer was detached.
test('optimised code that has also seen resizable memory notices that memory moved when it grew', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 300 });
  const resizable = new Resizable(512, { maxByteLength: 512 });
  const moving = FixedArena.fromRaw(memory, SlotSpec.size(256)).initPolicy('zero').build();
  const arenas = [moving, FixedArena.fromRaw(resizable, SlotSpec.size(256)).initPolicy('zero').build()];
  for (let round = 0; round < 200; round++) {
    for (const arena of arenas) {
      for (let turn = 0; turn < 100; turn++) {
        const bytes = arena.allocate().putU8(1).putU16(2).putBytes(3, 4).freeze();
        assert.equal(bytes.view.length, 7);
        assert.equal(bytes.getU8(), 1);
        bytes.release();
      }
    }
    const held = moving.allocate().putU8(9).freeze();
    const stale = held.view;
    memory.grow(1);
    assert.notEqual(held.view, stale);
    assert.deepEqual([...held.view], [9]);
    const written = moving.allocate().putU8(1).putU16(2).putBytes(3, 2).freeze();
    assert.deepEqual([...written], [1, 0, 2, 3, 3]);
    memory.grow(0);
    const place = written.view.byteOffset;
    written.release();
    assert.ok(new Uint8Array(memory.buffer, place, 5).every((byte) => byte === 0));
    held.release();
  }
  for (const arena of arenas) assertAllReturned(arena);
});
