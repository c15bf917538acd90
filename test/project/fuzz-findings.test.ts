import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuddyArena, BuddyHint, Bytes, BytesChannel, FixedArena, NotifyWaiters, SlotSpec } from 'arena-alligator';
import { KnownFindings } from '../../evidence/fuzz/known.js';
import { PROFILES, profileOf, randomProgram } from '../../evidence/fuzz/program.js';
import { caseOf, failureOfRun, shrink } from '../../evidence/fuzz/shrink.js';

/**
 * Programs that `npm run fuzz` has found and shrunk, with the failure that each once caused. A number means another
 * operation when the tables in program.ts change: plant the fault in `dist` then, and search for it again.
 */
const KEPT: readonly { readonly broke: string; readonly profile: string; readonly program: readonly number[] }[] = [
  {
    broke: 'a buffer had 162 bytes in a capacity of 128 after a strategy wrote to it during its spill',
    profile: 'wait',
    program: [3337309751, 593030380],
  },
  {
    broke: 'a DataView threw a RangeError after a strategy wrote during a spill',
    profile: 'wait',
    program: [1367166384, 598778605],
  },
  {
    broke: 'the view of an empty buffer lay in the memory that a WebAssembly.Memory had before it grew',
    profile: 'hostile',
    program: [1802040788, 3457172485, 3637327100, 2930048607],
  },
  { broke: 'a buffer that lies about its length was refused', profile: 'build', program: [2982484353, 28615057] },
];

for (const { broke, profile, program } of KEPT) {
  test(`fixed: ${broke}`, async () => {
    assert.equal(await failureOfRun(profileOf(profile), program), undefined);
  });
}

for (const profile of PROFILES) {
  test(`random programs of the profile ${profile.name} find nothing`, async () => {
    for (let seed = 1; seed <= 25; seed++) await profile.run(randomProgram(seed, profile.length));
  });
}

test('a planted fault is found, and its program shrinks', async (context) => {
  const { clone } = Bytes.prototype;
  // A clone that is not counted as a holder lets the memory be released too early.
  context.mock.method(Bytes.prototype, 'clone', function (this: Bytes) {
    const copy = clone.call(this);
    const { allocation } = this as unknown as { allocation: { holders: number } };
    if (this.length > 3) allocation.holders--;
    return copy;
  });
  const profile = profileOf('sync');
  for (let seed = 1; ; seed++) {
    const program = randomProgram(seed, profile.length);
    const error = await failureOfRun(profile, program);
    if (error === undefined) {
      assert.ok(seed < 50, 'the fault is found soon');
      continue;
    }
    const shortest = await shrink(profile, program);
    assert.ok(shortest.length < 12, `shrunk to ${shortest.length} numbers`);
    assert.ok(await failureOfRun(profile, shortest));
    assert.match(caseOf(profile, shortest, error), /^\{ broke: ".*", profile: 'sync', program: \[[\d, ]+\] \},$/);
    return;
  }
});

test('optimised code notices detached memory, even when it also sees resizable memory', () => {
  // On Node 20 an optimised `length` that has seen arrays over resizable buffers is stale for detached arrays.
  for (let turn = 0; turn < 6000; turn++) {
    const isResizable = turn % 40 === 0;
    const buffer = isResizable
      ? new (ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer)(100, { maxByteLength: 200 })
      : new ArrayBuffer(100);
    const arena = FixedArena.fromRaw(buffer, SlotSpec.size(10)).initPolicy('zero').build();
    const bytes = arena.allocate().putU32(7).freeze();
    const written = arena.allocate();
    if (isResizable) (buffer as unknown as { resize(size: number): void }).resize(99);
    else if (turn % 20 === 1) structuredClone(buffer, { transfer: [buffer] });
    if (isResizable || turn % 20 === 1) {
      assert.throws(() => bytes.at(0), TypeError);
      assert.throws(() => written.putU8(1), TypeError);
    }
    written.abandon();
    bytes.release();
    assert.equal(arena.metrics().frees, 2);
  }
});

test('an arena over a WebAssembly.Memory follows it in optimised code, even when the code also sees resizable memory', () => {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer;
  const resizable = FixedArena.fromRaw(new Resizable(256, { maxByteLength: 512 }), SlotSpec.size(64)).build();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 20 });
  const arena = FixedArena.fromRaw(memory, SlotSpec.size(64)).build();
  for (let turn = 1; turn <= 20_000; turn++) {
    const other = resizable.allocate().putU32(1).freeze();
    assert.equal(other.view[3], 1);
    other.release();
    const bytes = arena.allocate().putU32(turn).freeze();
    assert.equal(bytes.view.length, 4);
    if (turn % 2000 === 0) memory.grow(1);
    assert.equal(bytes.view.length, 4);
    assert.equal(bytes.getU32(), turn);
    bytes.release();
  }
});

test('an empty view of a WebAssembly.Memory that grew lies in its new memory', () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).build();
  const buffer = arena.allocate();
  assert.ok(buffer.chunkMut().length > 0);
  memory.grow(1);
  assert.equal(buffer.written.buffer, memory.buffer);
  buffer.putBytes(1, buffer.capacity);
  assert.equal(buffer.chunkMut().length, 0);
  memory.grow(1);
  assert.equal(buffer.chunkMut().buffer, memory.buffer);
  const bytes = buffer.freeze();
  assert.equal(bytes.view[0], 1);
  bytes.advance(bytes.length);
  memory.grow(1);
  assert.equal(bytes.view.length, 0);
  assert.equal(bytes.view.buffer, memory.buffer);
  bytes.release();
});

test('each field of a ticket is read only once', () => {
  const arena = FixedArena.withSlotCapacity(1, 8).shared({ maxThreads: 1 }).build();
  const other = FixedArena.withSlotCapacity(1, 8).shared({ maxThreads: 1 }).build();
  const ticket = arena.allocate().putU8(1).freeze().toTicket();
  const answers = [ticket.message, 0.5];
  const changing = {
    ...ticket,
    get message(): number {
      return answers.length > 1 ? (answers.shift() as number) : 0.5;
    },
  };
  assert.throws(() => other.redeem(ticket), TypeError);
  arena.redeem(changing).release();
  assert.equal(arena.metrics().bytesLive, 0);
});

test('a signal that throws when it is read ends only its own wait', async () => {
  const arena = FixedArena.withSlotCapacity(1, 8).buildAsyncWith(new NotifyWaiters());
  const held = arena.allocate();
  let asked = 0;
  const signal = {
    get aborted(): boolean {
      if (asked++ < 2) return false;
      throw new Error('asked');
    },
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  };
  const refused = assert.rejects(arena.allocateAsync({ signal: signal as unknown as AbortSignal }), /asked/);
  const waiting = arena.allocateAsync();
  held.abandon();
  await refused;
  (await waiting).abandon();
});

test('indexOf() and lastIndexOf() return 0, not -0, for a start of -0', () => {
  const bytes = Bytes.copyFrom(Uint8Array.of(1));
  assert.ok(Object.is(bytes.indexOf(new Uint8Array(0), -0), 0));
  assert.ok(Object.is(bytes.lastIndexOf(new Uint8Array(0), -0), 0));
});

test('a reader that finds its memory detached moves nothing', () => {
  const memory = new ArrayBuffer(64);
  const arena = FixedArena.fromRaw(memory, SlotSpec.count(1)).build();
  const bytes = arena.allocate().putBytes(1, 16).freeze();
  structuredClone(memory, { transfer: [memory] });
  const readers: readonly (() => unknown)[] = [
    () => bytes.getU8(),
    () => bytes.getF64Le(),
    () => bytes.getUint(3),
    () => bytes.getIntLe(6),
    () => bytes.getUtf8(4),
    () => bytes.getVarint(),
  ];
  for (const read of readers) {
    assert.throws(read, TypeError);
    assert.equal(bytes.length, 16);
  }
  bytes.release();
});

test('a failed build does not use up the memory: it fails again for the same reason', () => {
  const fixed = FixedArena.fromRaw(new ArrayBuffer(64), SlotSpec.size(8)).shared({ maxThreads: 1 });
  const buddy = BuddyArena.fromRaw(new SharedArrayBuffer(64), BuddyHint.minAlloc(8), () => undefined).shared({
    maxThreads: 1,
  });
  for (let turn = 0; turn < 2; turn++) {
    assert.throws(() => fixed.build(), { code: 'INCOMPATIBLE_OPTIONS' });
    assert.throws(() => buddy.buildAsync(), { code: 'INCOMPATIBLE_OPTIONS' });
  }
});

test('the default strategy refuses an order that no arena has, instead of adding lines without limit', () => {
  const waiters = new NotifyWaiters();
  for (const order of [-1, 1.5, Number.NaN, 31, 2 ** 53]) assert.throws(() => waiters.register(order), RangeError);
  assert.throws(() => waiters.register('1' as unknown as number), TypeError);
});

test('an object that only looks like Bytes is refused before anything is sent', () => {
  const arena = FixedArena.withSlotCapacity(1, 8).shared({ maxThreads: 1 }).build();
  const channel = BytesChannel.create(arena, { capacity: 1 });
  assert.throws(() => channel.trySend(Object.create(Bytes.prototype) as Bytes), TypeError);
  assert.equal(channel.length, 0);
  assert.equal(channel.trySend(Bytes.empty), true);
});

test('the fuzzer shows a failure that shrinks to the same words, and shows it once', () => {
  const known = new KnownFindings();
  const profile = { name: 'sync' };
  assert.equal(known.note(profile, new Error('length 17 instead of 3'), new Error('length 2 instead of 1')), true);
  assert.equal(known.has(profile, new Error('length 99 instead of 98')), true);
  assert.equal(known.note(profile, new Error('another failure'), new Error('length 4 instead of 5')), false);
  assert.equal(known.has({ name: 'wait' }, new Error('length 2 instead of 1')), false);
});
