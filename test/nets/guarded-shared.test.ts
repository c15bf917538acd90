import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bytes, BytesChannel, FixedArena, type SharedFixedArena, SlotSpec } from 'arena-alligator';
import { assertAllReleased } from 'arena-alligator/testing';
import { assertAllReturned, frozen } from '../support/arenas.js';

function guarded(slotCount = 4): SharedFixedArena {
  return FixedArena.withSlotCapacity(slotCount, 16).shared({ maxThreads: 2 }).guarded().build();
}

/** Both ways to send bytes out of a thread and back into it. */
const ways: readonly [name: string, way: (arena: SharedFixedArena) => (bytes: Bytes) => Bytes][] = [
  ['by ticket', (arena) => (bytes) => arena.redeem(bytes.toTicket())],
  [
    'by channel',
    (arena) => {
      const channel = BytesChannel.create(arena, { capacity: 2 });
      return (bytes) => {
        assert.equal(channel.trySend(bytes), true);
        const received = channel.tryReceive();
        assert.ok(received !== undefined);
        return received;
      };
    },
  ],
];

for (const [name, way] of ways) {
  test(`${name}: the bytes arrive as they were sent, and views taken before are detached`, () => {
    const arena = guarded();
    const pass = way(arena);
    const bytes = frozen(arena, 'payload');
    const { view } = bytes;
    const received = pass(bytes);
    assert.equal(view.length, 0);
    assert.equal(received.toString(), 'payload');
    const part = pass(received.slice(2, 5));
    assert.equal(part.toString(), 'ylo');
    received.release();
    const forwarded = pass(part);
    assert.equal(forwarded.toString(), 'ylo');
    forwarded.release();
    assertAllReturned(arena);
    assertAllReleased(arena);
  });

  test(`${name}: the memory stays in use until the sent handle and the one kept here are released, in any order`, () => {
    const arena = guarded(1);
    const pass = way(arena);
    const bytes = frozen(arena, 'payload');
    const received = pass(bytes.clone());
    assert.equal(bytes.isUnique, false);
    assert.equal(received.isUnique, false);
    received.release();
    assert.equal(arena.tryAllocate(), undefined, 'it is still held here');
    assert.equal(bytes.toString(), 'payload');
    assert.equal(bytes.isUnique, true);
    const again = pass(bytes.clone());
    bytes.release();
    assert.equal(again.toString(), 'payload');
    assert.equal(again.isUnique, true);
    again.release();
    assertAllReturned(arena);
  });

  test(`${name}: the whole can be sent after only a part was sent`, () => {
    const arena = guarded();
    const pass = way(arena);
    const bytes = frozen(arena, 'payload');
    const head = pass(bytes.slice(0, 3));
    const whole = pass(bytes.clone());
    const tail = pass(bytes.slice(3));
    assert.deepEqual([head, whole, tail, bytes].map(String), ['pay', 'payload', 'load', 'payload']);
    for (const handle of [head, whole, tail, bytes]) handle.release();
    assertAllReturned(arena);
  });

  test(`${name}: bytes that were made writable and changed are sent with their new content`, () => {
    const arena = guarded();
    const pass = way(arena);
    const bytes = frozen(arena, 'first');
    pass(bytes.clone()).release();
    const buffer = bytes.tryIntoMut();
    assert.ok(buffer !== undefined);
    buffer.chunkMut();
    const room = buffer.freeze().tryIntoMut();
    assert.ok(room !== undefined);
    const second = room.putUtf8(', second').freeze();
    second.advance(7);
    assert.equal(pass(second).intoOwned().freeze().toString(), 'second');
    const kept = frozen(arena, 'published');
    pass(kept.clone()).release();
    kept.truncate(2);
    const over = kept.tryIntoMut();
    assert.ok(over !== undefined);
    assert.equal(pass(over.putUtf8('re').freeze()).intoOwned().freeze().toString(), 'pure');
    const rewritten = pass(frozen(arena, 'first')).tryIntoMut();
    assert.ok(rewritten !== undefined);
    assert.equal(pass(rewritten.putUtf8('!').freeze()).intoOwned().freeze().toString(), 'first!');
    assertAllReturned(arena);
  });

  test(`${name}: under the zero policy bytes copied into the shared block are scrubbed with it`, () => {
    const memory = new SharedArrayBuffer(32);
    const content = (): string => Buffer.from(new Uint8Array(memory)).toString('latin1').replaceAll('\0', '');
    const arena = FixedArena.fromRaw(memory, SlotSpec.count(2))
      .shared({ maxThreads: 2 })
      .initPolicy('zero')
      .guarded()
      .build();
    const pass = way(arena);
    const bytes = frozen(arena, 'payload');
    assert.equal(content(), '');
    const received = pass(bytes.clone());
    assert.equal(content(), 'payload');
    received.release();
    assert.equal(content(), 'payload', 'it is still held here');
    bytes.release();
    assert.equal(content(), '');
    assertAllReturned(arena);
  });
}

test('a clone counts as another holder in a guarded arena too', () => {
  const arena = guarded();
  const bytes = frozen(arena, 'payload');
  const clone = bytes.clone();
  assert.equal(bytes.isUnique, false);
  assert.equal(bytes.tryIntoMut(), undefined);
  clone.release();
  assert.equal(bytes.isUnique, true);
  bytes.release();
  assertAllReturned(arena);
});

test('bytes that are on their way are not unique', () => {
  const arena = guarded();
  const bytes = frozen(arena, 'payload');
  const ticket = bytes.clone().toTicket();
  assert.equal(bytes.isUnique, false);
  assert.equal(bytes.tryIntoMut(), undefined);
  arena.redeem(ticket).release();
  assert.equal(bytes.isUnique, true);
  bytes.release();
  assertAllReturned(arena);
});
