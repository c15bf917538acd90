import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedArena, SlotSpec } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';

test('zero policy: far into a very large shared buffer, exactly the written bytes are scrubbed', (context) => {
  let memory: SharedArrayBuffer;
  try {
    memory = new SharedArrayBuffer(2 ** 34 + 4096);
  } catch {
    context.skip('the runtime refuses a shared buffer of 16 GiB');
    return;
  }
  for (const byteOffset of [2 ** 33 - 1001, 2 ** 34 - 1001, 2 ** 34 + 3]) {
    const window = new Uint8Array(memory, byteOffset, 2000);
    const arena = FixedArena.fromRaw(window, SlotSpec.count(4)).initPolicy('zero').build();
    const kept = [arena.allocate(), arena.allocate()].map((buffer) => buffer.putBytes(0x5a, 500).freeze());
    const written = arena.allocate().putBytes(0x5b, 500).freeze();
    const behind = arena.allocate().putBytes(0x5c, 500).freeze();
    assert.ok(written.toUint8Array().every((byte) => byte === 0x5b));
    written.release();
    for (const bytes of kept) assert.ok(bytes.toUint8Array().every((byte) => byte === 0x5a));
    assert.ok(behind.toUint8Array().every((byte) => byte === 0x5c));
    const again = arena.allocate();
    assert.ok(again.chunkMut().every((byte) => byte === 0));
    again.abandon();
    for (const bytes of [...kept, behind]) bytes.release();
    assertAllReturned(arena);
    assert.ok(window.every((byte) => byte === 0));
  }
});
