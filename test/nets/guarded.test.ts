import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import {
  type AllocError,
  ArenaBuffer,
  BuddyArena,
  BuddyGeometry,
  BuddyHint,
  Bytes,
  BytesChannel,
  FixedArena,
  GuardError,
  type Leak,
  ReleasedError,
  SlotSpec,
} from 'arena-alligator';
import { BytesList, writeBytes } from 'arena-alligator/node';
import { assertAllReleased } from 'arena-alligator/testing';
import { assertAllReturned, frozen } from '../support/arenas.js';
import { collectThoroughly, collectUntil } from '../support/collector.js';
import { uncaughtDuring } from '../support/uncaught.js';
import { catchWarnings } from '../support/warnings.js';

const warnings = catchWarnings();

function guarded(slotCount = 4, slotCapacity = 16): FixedArena {
  return FixedArena.withSlotCapacity(slotCount, slotCapacity).guarded().build();
}

/** Writes to a view although its type forbids that, as a JavaScript program can. */
function scribble(bytes: Bytes, at = 0): void {
  (bytes.view as Uint8Array)[at] = 0x7e;
}

/** Returns the result of `run`. `run` gets a list of the buffers that took over the memory of detached buffers. */
function withMoved<Result>(run: (moved: readonly ArrayBuffer[]) => Result): Result {
  const moved: ArrayBuffer[] = [];
  const { structuredClone: clone } = globalThis;
  const prototype = ArrayBuffer.prototype as { transfer?: (this: ArrayBuffer) => ArrayBuffer };
  const { transfer } = prototype;
  prototype.transfer = function (): ArrayBuffer {
    const buffer = transfer === undefined ? clone(this, { transfer: [this] }) : transfer.call(this);
    moved.push(buffer);
    return buffer;
  };
  try {
    return run(moved);
  } finally {
    moved.length = 0;
    if (transfer === undefined) delete prototype.transfer;
    else prototype.transfer = transfer;
  }
}

const WRITTEN = { name: 'GuardError', code: 'WRITTEN_AFTER_FREEZE' };

test('every allocation has its own ArrayBuffer of exactly its capacity, which is detached by the release', () => {
  const arena = guarded();
  const one = arena.allocate(3);
  const other = arena.allocate();
  const view = one.chunkMut();
  assert.deepEqual([view.byteOffset, view.buffer.byteLength], [0, 16]);
  assert.notEqual(view.buffer, other.chunkMut().buffer);
  const bytes = one.putUtf8('content').freeze();
  const borrowed = bytes.view;
  assert.equal(bytes.toString(), 'content');
  bytes.release();
  assert.deepEqual([view.length, borrowed.length, borrowed.buffer.byteLength, borrowed[0]], [0, 0, 0, undefined]);
  other.abandon();
  assertAllReturned(arena);
  assertAllReleased(arena);
});

test('after a write to frozen bytes the last release throws with the byte and both sites, and frees the memory', () => {
  const arena = guarded();
  const bytes = frozen(arena, 'frozen');
  const clone = bytes.clone();
  scribble(bytes, 2);
  bytes.release();
  assert.throws(
    () => clone.release(),
    (error: GuardError) => {
      assert.ok(error instanceof GuardError);
      assert.equal(error.code, 'WRITTEN_AFTER_FREEZE');
      assert.match(error.message, /byte 2 of 6 .* was 111 and is 126/);
      assert.match(error.message, /allocated\n.*support\/arenas[\s\S]*frozen\n.*support\/arenas[\s\S]*guarded\.test/);
      return true;
    },
  );
  assert.equal(clone.isReleased, true);
  clone[Symbol.dispose]();
  assertAllReturned(arena);
});

test('release, dispose, truncate, tryIntoMut and intoOwned throw when frozen bytes were written to', () => {
  const arena = guarded();
  const spoiled = (): Bytes => {
    const bytes = frozen(arena, 'frozen');
    scribble(bytes);
    return bytes;
  };
  assert.throws(() => spoiled().release(), WRITTEN);
  assert.throws(() => spoiled()[Symbol.dispose](), WRITTEN);
  assert.throws(() => spoiled().truncate(0), WRITTEN);
  for (const convert of [(bytes: Bytes) => bytes.tryIntoMut(), (bytes: Bytes) => bytes.intoOwned()]) {
    const bytes = spoiled();
    assert.throws(() => convert(bytes), WRITTEN);
    assert.equal(bytes.length, 6, 'nothing changed');
    bytes.release(); // the error was already thrown, and is not thrown again
  }
  assertAllReturned(arena);
});

test('bytes that were written to after the freeze are not sent, and can still be released', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).shared({ maxThreads: 2 }).guarded().build();
  const channel = BytesChannel.create(arena, { capacity: 2 });
  for (const send of [(bytes: Bytes) => bytes.toTicket(), (bytes: Bytes) => channel.trySend(bytes)]) {
    const bytes = frozen(arena, 'frozen');
    scribble(bytes);
    assert.throws(() => send(bytes), WRITTEN);
    assert.throws(() => send(bytes), WRITTEN, 'and again');
    bytes.release();
  }
  assert.equal(channel.length, 0);
  assertAllReturned(arena);
});

test('a correct program gets no error and no report, whatever it does with its handles', async () => {
  const arena = FixedArena.withSlotCapacity(8, 64).guarded().autoSpill().buildAsync();
  const bytes = (await arena.allocateAsync()).putUtf8('some content').freeze();
  const [clone, slice] = [bytes.clone(), bytes.slice(5)];
  const head = clone.splitTo(4);
  const tail = clone.splitOff(3);
  assert.deepEqual([bytes, slice, head, clone, tail].map(String), ['some content', 'content', 'some', ' co', 'ntent']);
  for (const handle of [slice, head, clone, tail]) handle.release();
  const buffer = bytes.tryIntoMut();
  assert.ok(buffer instanceof ArenaBuffer);
  const again = buffer.putUtf8(', more').freeze();
  assert.equal(again.toString(), 'some content, more');
  assert.equal(again.intoOwned().putU8(33).length, 19);
  const spilled = arena.allocate().putBytes(0x61, 100);
  assert.equal(spilled.isSpilled, true);
  const heap = spilled.freeze();
  assert.equal(heap.length, 100);
  const more = heap.tryIntoMut()?.putBytes(0x62, 1000);
  assert.equal(more?.isSpilled, true);
  more?.freeze().release();
  {
    using unused = arena.allocate();
    using used = arena.allocate().putU8(1);
    unused.putU8(2);
    using kept = used.freeze();
    assert.equal(kept.getU8(), 1);
    kept.release();
  }
  const list = new BytesList([frozen(arena, 'a'), frozen(arena, 'b')]);
  await writeBytes(new PassThrough().resume(), list);
  assert.deepEqual(warnings.codes, []);
  assertAllReturned(arena);
  assertAllReleased(arena);
});

test('a handle that is used after its release says where it was allocated and released', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).guarded().hazmatRawAccess().build();
  const bytes = frozen(arena, 'used');
  bytes.release();
  const buffer = arena.allocate();
  buffer.freeze();
  const region = arena.rawAllocate();
  region.release();
  for (const use of [
    () => bytes.at(0),
    () => bytes.view,
    () => bytes.clone(),
    () => buffer.putU8(1),
    () => region.bytes,
  ]) {
    assert.throws(use, (error: ReleasedError) => {
      assert.ok(error instanceof ReleasedError);
      assert.match(
        error.message,
        /allocated\n[\s\S]*guarded\.test[\s\S]*released, frozen or converted\n[\s\S]*guarded\.test/,
      );
      return true;
    });
  }
  assertAllReleased(arena);
});

test('a second release does nothing, and is reported with the sites of the allocation and both releases', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).guarded().hazmatRawAccess().build();
  const bytes = frozen(arena, 'twice');
  const buffer = arena.allocate();
  const region = arena.rawAllocate();
  bytes.release();
  buffer.abandon();
  region.release();
  assert.equal(warnings.codes.length, 0);
  bytes.release();
  buffer.abandon();
  region.release();
  assert.deepEqual(
    warnings.messages.map((message) => /^(\w+) released twice/.exec(message)?.[1]),
    ['Bytes', 'ArenaBuffer', 'RawRegion'],
  );
  assert.deepEqual(new Set(warnings.codes), new Set(['ARENA_DOUBLE_RELEASE']));
  assert.match(warnings.messages[0] ?? '', /allocated\n[\s\S]*released, frozen[\s\S]*released again\n.*guarded\.test/);
  assertAllReturned(arena);
  assert.throws(() => assertAllReleased(arena), { code: 'UNRELEASED', message: /Bytes released twice/ });
});

test('a release by `using`, after a conversion or after a hand-over to an adapter is no double release', async () => {
  const arena = FixedArena.withSlotCapacity(4, 16).shared({ maxThreads: 2 }).guarded().build();
  const channel = BytesChannel.create(arena, { capacity: 4 });
  const sent = frozen(arena, 'sent');
  assert.ok(channel.trySend(sent));
  sent.release();
  const ticketed = frozen(arena, 'ticket');
  arena.redeem(ticketed.toTicket()).release();
  ticketed.release();
  const owned = frozen(arena, 'owned');
  owned.intoOwned();
  owned.release();
  const writable = frozen(arena, 'writable');
  writable.tryIntoMut()?.abandon();
  writable.release();
  const buffer = arena.allocate();
  buffer.freeze();
  buffer.abandon();
  const written = frozen(arena, 'written');
  await writeBytes(new PassThrough().resume(), written);
  written.release();
  const listed = frozen(arena, 'listed');
  const list = new BytesList([listed]);
  list.release();
  listed.release();
  {
    using early = frozen(arena, 'early');
    early.release();
  }
  channel.tryReceive()?.release();
  assert.deepEqual(warnings.codes, []);
  assertAllReleased(arena);
});

test('a channel refuses bytes of another arena, and says where they were allocated', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).shared({ maxThreads: 1 }).guarded().build();
  const other = FixedArena.withSlotCapacity(1, 16).shared({ maxThreads: 1 }).guarded().build();
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const foreign = frozen(other, 'foreign');
  assert.throws(() => channel.trySend(foreign), {
    name: 'TypeError',
    message: /another one; .*allocated\n.*support\/arenas/,
  });
  foreign.release();
  assertAllReleased(other);
});

test('an adapter that releases bytes that were written to goes on, and the error is uncaught', async () => {
  const arena = guarded();
  const chunks: Uint8Array[] = [];
  const slow = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      chunks.push(chunk);
      chunk[0] = 0x7e; // a stream that writes into its chunks
      setImmediate(done);
    },
  });
  const uncaught = await uncaughtDuring(async () => {
    const list = new BytesList([frozen(arena, 'one'), frozen(arena, 'two')]);
    await writeBytes(slow, list);
  });
  assert.deepEqual(
    uncaught.map((error) => (error as GuardError).code),
    ['WRITTEN_AFTER_FREEZE', 'WRITTEN_AFTER_FREEZE'],
  );
  assert.equal(chunks.length, 2);
  assertAllReturned(arena);
});

test('a buffer that tryIntoMut returns has memory that no old view can see', () => {
  const arena = guarded();
  const bytes = frozen(arena, 'old');
  const { view } = bytes;
  const buffer = bytes.tryIntoMut();
  assert.equal(view.length, 0);
  buffer?.putUtf8(' and new');
  const again = buffer?.freeze();
  assert.equal(again?.toString(), 'old and new');
  assert.equal(again?.view.length, 11);
  const same = again?.tryIntoMut()?.freeze();
  assert.equal(same?.view.length, 11, 'a new view of the same place and length, not the detached one');
  same?.release();
  assertAllReleased(arena);
});

test('memory that was never written is filled with 0xdb, or with zeros under the zero policy', () => {
  const plain = guarded(1);
  const buffer = plain.allocate();
  assert.ok(buffer.chunkMut().every((byte) => byte === 0xdb));
  buffer.abandon();
  const zero = FixedArena.withSlotCapacity(1, 16).guarded().initPolicy('zero').build();
  for (let round = 0; round < 2; round++) {
    const clean = zero.allocate();
    assert.ok(clean.chunkMut().every((byte) => byte === 0));
    clean.putBytes(1, 16).freeze().release();
  }
});

test('a forgotten handle is reclaimed although a view was lent, and the leak says that a view was lent', async () => {
  const leaks: Leak[] = [];
  const arena = BuddyArena.builder(BuddyGeometry.exact(256, 16))
    .guarded()
    .onLeak((leak) => leaks.push(leak))
    .build();
  (() => {
    frozenIn(arena, 'lent').view.at(0);
    frozenIn(arena, 'not lent');
  })();
  assert.ok(await collectUntil(() => leaks.length === 2));
  assert.deepEqual(leaks.map(({ lent, pinned }) => [lent, pinned]).sort(), [
    [false, false],
    [true, false],
  ]);
  assertAllReturned(arena);
});

function frozenIn(arena: BuddyArena, text: string): Bytes {
  return arena.allocate(text.length).putUtf8(text).freeze();
}

test('a raw region counts as lent, because the program may know its address', async () => {
  const leaks: Leak[] = [];
  const arena = FixedArena.withSlotCapacity(1, 16)
    .guarded()
    .hazmatRawAccess()
    .onLeak((leak) => leaks.push(leak))
    .build();
  (() => {
    arena.rawAllocate();
  })();
  assert.ok(await collectUntil(() => leaks.length === 1));
  assert.equal(leaks[0]?.lent, true);
  assertAllReturned(arena);
});

test('a write after a freeze throws again after an earlier write to the same memory was reported', () => {
  const arena = guarded();
  const bytes = frozen(arena, 'frozen');
  scribble(bytes);
  assert.throws(() => bytes.tryIntoMut(), WRITTEN);
  (bytes.view as Uint8Array)[0] = 'f'.charCodeAt(0);
  const again = bytes.tryIntoMut()?.freeze();
  assert.ok(again !== undefined);
  scribble(again);
  assert.throws(() => {
    try {
      again.release();
    } finally {
      again.release(); // the first release threw, so this is no double release
    }
  }, WRITTEN);
  assert.deepEqual(warnings.codes, []);
  assertAllReturned(arena);
});

test('releasing empty bytes after they were sent is no double release', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).shared({ maxThreads: 1 }).guarded().build();
  const bytes = frozen(arena, 'emptied');
  bytes.truncate(0);
  arena.redeem(bytes.toTicket()).release();
  bytes.release();
  const channel = BytesChannel.create(arena, { capacity: 1 });
  const sent = frozen(arena, 'sent');
  sent.splitTo(4).release();
  assert.ok(channel.trySend(sent));
  sent.release();
  channel.tryReceive()?.release();
  assert.deepEqual(warnings.codes, []);
  assertAllReleased(arena);
});

test('memory that was never lent is not kept, so a long loop without a pause does not use more and more', () => {
  const arena = guarded(1, 2 ** 20);
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 1000; round++) arena.allocate().putU8(1).freeze().release();
  assert.ok(process.memoryUsage().arrayBuffers - before < 600 * 2 ** 20, 'most of the memory was already collected');
  assertAllReturned(arena);
});

test('a guarded arena writes nothing to memory of the caller, and cannot be built over a WebAssembly.Memory', () => {
  const memory = new Uint8Array(64).fill(7);
  for (const policy of ['uninit', 'zero'] as const) {
    const fixed = FixedArena.fromRaw(memory, SlotSpec.count(2)).guarded().initPolicy(policy).build();
    frozen(fixed, 'elsewhere').release();
    assert.ok(memory.every((byte) => byte === 7));
  }
  const returned: ArrayBuffer[] = [];
  const buddy = BuddyArena.fromRaw(new ArrayBuffer(64), BuddyHint.minAlloc(16), (raw) => returned.push(raw))
    .guarded()
    .build();
  const bytes = frozenIn(buddy, 'x');
  buddy.close();
  assert.equal(returned.length, 0);
  bytes.release();
  assert.equal(returned.length, 1);
  const pages = new WebAssembly.Memory({ initial: 1 });
  assert.throws(() => FixedArena.fromRaw(pages, SlotSpec.count(2)).guarded().build(), { code: 'INCOMPATIBLE_OPTIONS' });
});

test('an allocation that the runtime has no memory for throws, and the slot stays free', () => {
  const arena = guarded(1, 2 ** 52);
  for (let attempt = 0; attempt < 3; attempt++) {
    assert.throws(
      () => arena.allocate(),
      (error: AllocError) => error.code === 'ARENA_FULL' && error.cause instanceof RangeError,
    );
  }
  assert.equal(arena.metrics().bytesLive, 0);
});

test('a write after the release, by a call that still had the memory, is reported once', () => {
  const arena = guarded();
  const moved = withMoved((buffers) => {
    for (const text of ['released', 'too']) {
      const bytes = frozen(arena, text);
      bytes.view.at(0); // lends a view: memory that was never lent is not kept
      bytes.release();
    }
    return [...buffers];
  });
  assertAllReleased(arena);
  const [first] = moved;
  assert.ok(first !== undefined);
  new Uint8Array(first)[9] = 1;
  for (let look = 0; look < 2; look++) {
    assert.throws(
      () => assertAllReleased(arena),
      /memory was written to after its release\nallocated\n.*support\/arenas/,
    );
  }
  assert.equal(warnings.codes.length, 1, 'once');
});

test('the memory of a stale view stays allocated for as long as the view exists', async () => {
  const arena = guarded();
  const { held, moved } = withMoved((buffers) => {
    const bytes = frozen(arena, 'kept');
    const { view } = bytes;
    bytes.release();
    return { held: { view: view as Uint8Array | undefined }, moved: buffers.map((buffer) => new WeakRef(buffer)) };
  });
  assert.equal(moved.length, 1);
  await collectThoroughly();
  assert.equal(moved[0]?.deref()?.byteLength, 16);
  held.view = undefined;
  assert.ok(await collectUntil(() => moved[0]?.deref() === undefined));
  assertAllReleased(arena);
});

test('a buffer that cannot be detached is reported', () => {
  const held = structuredClone;
  const { transfer } = ArrayBuffer.prototype as { transfer?: unknown };
  const refuse = (): never => {
    throw new TypeError('not this one');
  };
  // Node 20 copies a buffer that is marked as untransferable.
  const copy = (buffer: ArrayBuffer): ArrayBuffer => buffer.slice(0);
  checkReport(refuse, refuse);
  checkReport(copy, function (this: ArrayBuffer) {
    return copy(this);
  });

  function checkReport(ownClone: unknown, ownTransfer: unknown): void {
    const before = warnings.codes.length;
    const arena = guarded();
    const bytes = frozen(arena, 'kept');
    const { view } = bytes;
    Object.assign(globalThis, { structuredClone: ownClone });
    if (transfer !== undefined) Object.assign(ArrayBuffer.prototype, { transfer: ownTransfer });
    try {
      bytes.release();
    } finally {
      Object.assign(globalThis, { structuredClone: held });
      if (transfer !== undefined) Object.assign(ArrayBuffer.prototype, { transfer });
    }
    assert.deepEqual(warnings.codes.slice(before), ['ARENA_NOT_DETACHED']);
    assert.ok(
      view.every((byte) => byte === 0xdd),
      'the view shows only the filling',
    );
    assertAllReturned(arena);
  }
});

test('guarded(false) builds a plain arena, and values that are not booleans are refused', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).guarded().guarded(false).build();
  const bytes = frozen(arena, 'plain');
  const { view } = bytes;
  bytes.release();
  assert.equal(view.length, 5);
  for (const value of ['yes', 1, null]) {
    assert.throws(() => FixedArena.withSlotCapacity(1, 16).guarded(value as never), TypeError);
  }
});

test('every method that returns a handle returns a guarded one', () => {
  const arena = FixedArena.withSlotCapacity(4, 16).guarded().hazmatRawAccess().build();
  const makers: readonly ((bytes: Bytes) => Bytes | undefined)[] = [
    (bytes) => bytes.clone(),
    (bytes) => bytes.slice(1, 3),
    (bytes) => bytes.splitTo(2),
    (bytes) => bytes.splitOff(2),
    (bytes) => bytes.tryIntoMut()?.freeze(),
  ];
  for (const make of makers) {
    const bytes = frozen(arena, 'source');
    const made = make(bytes);
    const { view } = made ?? Bytes.empty;
    assert.ok(view.length > 0);
    bytes[Symbol.dispose]();
    made?.release();
    assert.equal(view.length, 0);
    assert.throws(() => made?.at(0), /allocated/);
  }
  const region = arena.rawAllocate();
  const { bytes: lent } = region;
  const raw = region.freeze(2, 4);
  raw.release();
  assert.equal(lent.length, 0);
  assert.throws(() => raw.at(0), /allocated/);
  assertAllReleased(arena);
});
