// Chooses a slot size that fits most payloads. Larger payloads do not fail: they move to the heap.
import { FixedArena } from 'arena-alligator';

const arena = FixedArena.withSlotCapacity(64, 16).autoSpill().build();

for (const text of ['short', 'much longer than a slot']) {
  const buffer = arena.allocate().putUtf8(text);
  console.log(buffer.isSpilled, arena.metrics().bytesLive); // false 16, then true 0
  buffer.freeze().release();
}
console.log(arena.metrics().spills); // 1
