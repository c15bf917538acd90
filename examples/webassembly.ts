// WebAssembly writes directly into a slot. It gets an address instead of a copy. The memory may grow in the meantime.
import { FixedArena, SlotSpec } from 'arena-alligator';

// (func (export "squares") (param $at i32) (param $count i32)): stores i * i (mod 256) at $at + i for i in [0, $count).
const MODULE =
  'AGFzbQEAAAABBgFgAn9/AAIPAQNlbnYGbWVtb3J5AgABAwIBAAcLAQdzcXVhcmVzAAAKJAEiAQF/A0AgACACaiACIAJsOgAAIAJBAWoh' +
  'AiACIAFJDQALCw==';

const memory = new WebAssembly.Memory({ initial: 1 });
const { instance } = await WebAssembly.instantiate(Buffer.from(MODULE, 'base64'), { env: { memory } });
const squares = instance.exports.squares as (at: number, count: number) => void;

const arena = FixedArena.fromRaw(memory, SlotSpec.size(1024)).hazmatRawAccess().build();
const region = arena.rawAllocate();
squares(region.byteOffset, 8);
memory.grow(1); // detaches every view; the arena continues with the new buffer
const bytes = region.freeze(0, 8);
console.log([...bytes]); // [0, 1, 4, 9, 16, 25, 36, 49]
bytes.release();
console.log(arena.metrics().bytesLive); // 0
