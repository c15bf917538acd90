// Builds an arena over existing memory: here a part of a SharedArrayBuffer.
import { FixedArena, SlotSpec } from 'arena-alligator';

const shared = new SharedArrayBuffer(64 * 1024);
const window = new Uint8Array(shared, 1024, 32 * 1024);

const arena = FixedArena.fromRaw(window, SlotSpec.size(4096), (memory) => {
  console.log('the last handle is gone:', memory === window); // true
}).build();

const bytes = arena.allocate().putUtf8('in shared memory').freeze();
console.log(arena.slotCount, bytes.view.buffer === shared, bytes.view.byteOffset); // 8 true 1024
arena.close();
bytes.release();
