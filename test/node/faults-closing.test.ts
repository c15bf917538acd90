import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AllocError,
  type ArenaBuffer,
  AsyncBuddyArena,
  AsyncFixedArena,
  BuddyArena,
  BuddyGeometry,
  BuddyHint,
  type Bytes,
  BytesChannel,
  FixedArena,
  RawBuddyArena,
  RawFixedArena,
  type RawRegion,
  RawSharedBuddyArena,
  RawSharedFixedArena,
  SharedBuddyArena,
  SharedFixedArena,
  SlotSpec,
} from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { Outcome, settled } from '../support/outcome.js';

const threads = { maxThreads: 2 };
const geometry = BuddyGeometry.exact(256, 64);

const arenas: Record<string, () => FixedArena | BuddyArena> = {
  fixed: () => FixedArena.withSlotCapacity(4, 64).build(),
  buddy: () => BuddyArena.builder(geometry).build(),
  'fixed, raw': () => FixedArena.withSlotCapacity(4, 64).hazmatRawAccess().build(),
  'buddy, raw': () => BuddyArena.builder(geometry).hazmatRawAccess().build(),
  'fixed, waiting': () => FixedArena.withSlotCapacity(4, 64).buildAsync(),
  'buddy, waiting': () => BuddyArena.builder(geometry).buildAsync(),
  'fixed, shared': () => FixedArena.withSlotCapacity(4, 64).shared(threads).build(),
  'buddy, shared': () => BuddyArena.builder(geometry).shared(threads).build(),
  'fixed, shared, raw': () => FixedArena.withSlotCapacity(4, 64).hazmatRawAccess().shared(threads).build(),
  'buddy, shared, raw': () => BuddyArena.builder(geometry).hazmatRawAccess().shared(threads).build(),
};

const isShared = (arena: unknown): arena is SharedFixedArena | SharedBuddyArena =>
  arena instanceof SharedFixedArena || arena instanceof SharedBuddyArena;

const isRaw = (arena: unknown): arena is RawFixedArena | RawBuddyArena | RawSharedFixedArena | RawSharedBuddyArena =>
  arena instanceof RawFixedArena ||
  arena instanceof RawBuddyArena ||
  arena instanceof RawSharedFixedArena ||
  arena instanceof RawSharedBuddyArena;

const refused = { name: 'AllocError', code: 'ARENA_CLOSED' } as const;

const things = ['buffer', 'bytes', 'clone', 'region', 'wait', 'message', 'ticket', 'receive'] as const;

for (const [name, make] of Object.entries(arenas)) {
  test(`close, ${name}: open handles stay usable, waits are rejected, and all memory comes back`, () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...things), { maxLength: 12 }),
        fc.boolean(),
        fc.array(fc.nat(1000)),
        async (open, leaves, order) => {
          const arena = make();
          const channel = isShared(arena) ? BytesChannel.create(arena, { capacity: 8 }) : undefined;
          const ends: (() => void)[] = [];
          const waits: Outcome<ArenaBuffer>[] = [];
          const receives: Outcome<Bytes | undefined>[] = [];
          let messages = 0;
          for (const what of open) {
            if (what === 'receive') {
              if (channel !== undefined && messages === 0) receives.push(new Outcome(channel.receive()));
              continue;
            }
            if (what === 'wait') {
              const canWait = arena instanceof AsyncFixedArena || arena instanceof AsyncBuddyArena;
              if (canWait) waits.push(new Outcome(arena.allocateAsync(64)));
              continue;
            }
            if (what === 'region') {
              if (!isRaw(arena)) continue;
              let region: RawRegion | undefined;
              try {
                region = arena.rawAllocate(64);
              } catch (error) {
                assert.ok(error instanceof AllocError && error.code === 'ARENA_FULL');
                continue;
              }
              region.bytes.fill(4);
              const own = region;
              ends.push(() => {
                const bytes = own.freeze(1, 3);
                assert.equal(bytes.toString('hex'), '0404');
                bytes.release();
              });
              continue;
            }
            const buffer = arena.tryAllocate(64);
            if (buffer === undefined) continue;
            buffer.putUtf8('open');
            if (what === 'buffer') {
              ends.push(() => {
                const bytes = buffer.putUtf8(' still').freeze();
                assert.equal(bytes.toString(), 'open still');
                bytes.release();
              });
              continue;
            }
            const bytes = buffer.freeze();
            if (what === 'message' && channel?.trySend(bytes) === true) {
              messages++;
            } else if (what === 'ticket' && isShared(arena)) {
              const ticket = bytes.toTicket();
              ends.push(() => {
                const back = arena.redeem(ticket);
                assert.equal(back.toString(), 'open');
                back.release();
              });
            } else {
              const other = what === 'clone' ? bytes.clone() : undefined;
              ends.push(() => {
                assert.equal(bytes.toString(), 'open');
                bytes.release();
                assert.equal(other?.toString() ?? 'open', 'open');
                other?.release();
              });
            }
          }
          // Let the receives that were called before a message was sent take that message.
          await settled();
          arena.close();
          arena.close();
          assert.throws(() => arena.allocate(64), refused);
          assert.throws(() => arena.tryAllocate(64), refused);
          if (isRaw(arena)) assert.throws(() => arena.rawAllocate(64), refused);
          if (arena instanceof AsyncFixedArena || arena instanceof AsyncBuddyArena) {
            await assert.rejects(arena.allocateAsync(64), refused);
          }
          await settled();
          for (const wait of waits) {
            if (wait.state === 'resolved') wait.value?.abandon();
            else assert.deepEqual([wait.state, wait.error], ['rejected', new AllocError('ARENA_CLOSED')]);
          }
          channel?.close();
          await settled();
          for (const { state, value } of receives) {
            assert.equal(state, 'resolved');
            value?.release();
          }
          for (const index of order) {
            const [end] = ends.splice(index % Math.max(1, ends.length), 1);
            end?.();
          }
          for (const end of ends) end();
          for (let bytes = channel?.tryReceive(); bytes !== undefined; bytes = channel?.tryReceive()) {
            assert.equal(bytes.toString(), 'open');
            bytes.release();
          }
          assertAllReturned(arena);
          if (leaves && isShared(arena)) arena.detach();
          assertAllReturned(arena);
        },
      ),
      { numRuns: 80 },
    ));
}

test('detach with open handles and waits: handles stay usable, waits reject, all memory comes back', async () => {
  const arena = FixedArena.withSlotCapacity(2, 16).shared(threads).build();
  const channel = BytesChannel.create(arena, { capacity: 2 });
  const bytes = arena.allocate().putU8(1).freeze();
  const buffer = arena.allocate();
  const wait = new Outcome(arena.allocateAsync());
  const receive = new Outcome(channel.receive());
  await settled();
  arena.detach();
  await settled();
  assert.deepEqual([wait.error, receive.error], [new AllocError('ARENA_CLOSED'), new AllocError('ARENA_CLOSED')]);
  assert.throws(() => channel.trySend(bytes), refused);
  assert.throws(() => channel.tryReceive(), refused);
  assert.equal(bytes.at(0), 1);
  buffer.putU8(2).freeze().release();
  bytes.release();
  assertAllReturned(arena);
});

test('dealloc is called once, after every handle that was open at close has been given back', () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('buffer', 'bytes', 'region'), { maxLength: 6 }),
      fc.boolean(),
      (open, buddy) => {
        let calls = 0;
        const dealloc = (): void => void calls++;
        const arena = buddy
          ? BuddyArena.fromRaw(new ArrayBuffer(256), BuddyHint.minAlloc(64), dealloc).hazmatRawAccess().build()
          : FixedArena.fromRaw(new ArrayBuffer(256), SlotSpec.count(4), dealloc).hazmatRawAccess().build();
        const ends: (() => void)[] = [];
        for (const what of open.slice(0, 4)) {
          if (what === 'region') {
            const region = arena.rawAllocate(64);
            ends.push(() => region.release());
          } else {
            const buffer = arena.allocate(64).putU8(1);
            if (what === 'buffer') ends.push(() => buffer.abandon());
            else {
              const bytes = buffer.freeze();
              ends.push(() => bytes.release());
            }
          }
        }
        arena.close();
        for (const end of ends) {
          assert.equal(calls, 0);
          end();
        }
        assert.equal(calls, 1);
        arena.close();
        assert.equal(calls, 1);
        assertAllReturned(arena);
      },
    ),
  ));
