import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RING_EMPTY, RING_ENDED, Ring, ringWords } from '#internal/channel/ring';
import { randomFrom } from '../support/random.js';

// The layout of a ring, as offsets in words (src/channel/ring.ts).
const HEAD = 0;
const TAIL = 32;
const CELLS = 64;
const POSITIONS = 2 ** 31;

interface Made {
  readonly ring: Ring;
  readonly words: Int32Array;
}

/** An empty ring whose next position is `first`. */
function ringAt(capacity: number, first: number): Made {
  const words = new Int32Array(new SharedArrayBuffer(ringWords(capacity) * 4));
  const cells = ringWords(capacity) - CELLS;
  for (let step = 0; step < cells; step++) {
    const position = (first + step) % POSITIONS;
    words[CELLS + (position % cells)] = Math.floor(position / cells) << 17;
  }
  words[HEAD] = first;
  words[TAIL] = first;
  return { ring: new Ring(words.buffer as SharedArrayBuffer, 0, capacity, new Int32Array(64)), words };
}

for (const capacity of [1, 3, 64, 65_535, 65_536]) {
  test(`a ring of ${capacity} behaves like a queue, even if positions wrap around or head and tail are behind`, () => {
    const random = randomFrom(capacity);
    for (const first of [0, POSITIONS - 70_000, POSITIONS - 5]) {
      const { ring, words } = ringAt(capacity, first);
      const model: number[] = [];
      const old = [first, first];
      for (let turn = 0; turn < 3000; turn++) {
        const burst = random(Math.min(capacity + 2, 80));
        const sends = random(2) === 0;
        for (let step = 0; step < burst; step++) {
          if (sends) {
            // If the tail is behind, `hasRoom` may be true for a full ring. It is never false for a ring with room.
            if (!ring.hasRoom) assert.equal(model.length, capacity);
            const message = random(65_536);
            const sent = ring.send(message);
            assert.equal(sent, model.length < capacity);
            if (sent) model.push(message);
          } else {
            assert.equal(ring.receive(), model.shift() ?? RING_EMPTY);
          }
        }
        assert.equal(ring.length, model.length);
        // A thread that was held up moves head or tail back to an earlier value.
        if (random(20) === 0) words[HEAD] = old[0] as number;
        if (random(20) === 0) words[TAIL] = old[1] as number;
        if (random(10) === 0) [old[0], old[1]] = [words[HEAD] as number, words[TAIL] as number];
      }
      assert.equal(ring.isEnded, false);
      ring.end();
      ring.end();
      assert.equal(ring.isEnded, true);
      assert.equal(ring.send(1), false);
      for (const message of model) assert.equal(ring.receive(), message);
      assert.deepEqual([ring.receive(), ring.receive(), ring.length], [RING_ENDED, RING_ENDED, 0]);
    }
  });
}

test('a full ring refuses a message, and can still be ended', () => {
  for (const capacity of [1, 65_535, 65_536]) {
    const { ring } = ringAt(capacity, POSITIONS - 1);
    for (let message = 0; message < capacity; message++) assert.ok(ring.send(message));
    assert.equal(ring.send(0), false);
    ring.end();
    assert.equal(ring.length, capacity);
    for (let message = 0; message < capacity; message++) assert.equal(ring.receive(), message);
    assert.equal(ring.receive(), RING_ENDED);
  }
});
