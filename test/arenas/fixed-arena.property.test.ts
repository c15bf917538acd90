import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ArenaBuffer, type Bytes, FixedArena } from 'arena-alligator';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { IntervalOracle } from '../support/oracle.js';

const CAPACITY = 8;

/** One allocation in the model: its place, its content and the handles on it. */
interface Held {
  readonly start: number;
  readonly tag: number;
  buffer: ArenaBuffer | undefined;
  readonly handles: Bytes[];
}

type Step =
  | { do: 'allocate'; tag: number }
  | { do: 'freeze' | 'abandon' | 'clone' | 'slice' | 'release' | 'thaw'; at: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('allocate' as const), tag: fc.nat(255) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'freeze' as const,
        'abandon' as const,
        'clone' as const,
        'slice' as const,
        'release' as const,
        'thaw' as const,
      ),
      at: fc.nat(),
    }),
  },
);

test('random lifecycles on a fixed arena: no overlap, exact metrics, intact content, everything returned', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.array(step, { maxLength: 200 }), (slotCount, steps) => {
      const arena = FixedArena.withSlotCapacity(slotCount, CAPACITY).build();
      const oracle = new IntervalOracle(slotCount * CAPACITY);
      const live: Held[] = [];
      let [ok, failed, frees, frozen] = [0, 0, 0, 0];
      const gone = (held: Held): void => {
        oracle.give(held.start);
        live.splice(live.indexOf(held), 1);
        frees++;
      };
      for (const next of steps) {
        if (next.do === 'allocate') {
          const buffer = arena.tryAllocate();
          assert.equal(
            buffer === undefined,
            live.length === slotCount,
            'the arena is full exactly when every slot is taken',
          );
          if (buffer === undefined) {
            failed++;
          } else {
            ok++;
            const start = buffer.chunkMut().byteOffset;
            oracle.take(start, start + CAPACITY);
            live.push({ start, tag: next.tag, buffer: buffer.putBytes(next.tag, CAPACITY), handles: [] });
          }
        } else {
          const held = live[next.at % live.length];
          if (held === undefined) continue;
          const handle = held.handles[next.at % held.handles.length];
          if (next.do === 'freeze' && held.buffer !== undefined) {
            held.handles.push(held.buffer.freeze());
            held.buffer = undefined;
            frozen++;
          } else if (next.do === 'abandon' && held.buffer !== undefined) {
            held.buffer.abandon();
            gone(held);
          } else if (handle !== undefined) {
            if (next.do === 'clone') held.handles.push(handle.clone());
            if (next.do === 'slice') held.handles.push(handle.slice(0, 1 + (next.at % handle.length)));
            if (next.do === 'release') {
              handle.release();
              held.handles.splice(held.handles.indexOf(handle), 1);
              if (held.handles.length === 0) gone(held);
            }
            if (next.do === 'thaw') {
              const buffer = handle.tryIntoMut();
              assert.equal(buffer !== undefined, held.handles.length === 1);
              if (buffer !== undefined) {
                held.handles.length = 0;
                held.buffer = buffer;
              }
            }
          }
        }
        const metrics = arena.metrics();
        assert.deepEqual(
          [metrics.allocationsOk, metrics.allocationsFailed, metrics.frees, metrics.frozen, metrics.bytesLive],
          [ok, failed, frees, frozen, oracle.bytesTaken],
        );
      }
      for (const { tag, buffer, handles } of live) {
        for (const bytes of handles) {
          assert.ok([...bytes].every((byte) => byte === tag));
          bytes.release();
        }
        buffer?.abandon();
      }
      assertAllReturned(arena);
    }),
    { numRuns: 200 },
  );
});
