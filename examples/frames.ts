// Writes length-prefixed frames with put* and reads them back with get*. The bodies are slices: nothing is copied.
import { type Bytes, FixedArena } from 'arena-alligator';

const arena = FixedArena.withSlotCapacity(16, 4096).build();

function frames(bodies: readonly string[]): Bytes {
  using buffer = arena.allocate();
  buffer.putU16(bodies.length);
  for (const [sequence, body] of bodies.entries()) {
    buffer.putU32(Buffer.byteLength(body)).putU64(BigInt(sequence)).putF64Le(Math.sqrt(sequence)).putUtf8(body);
  }
  return buffer.freeze();
}

using wire = frames(['hello', 'frames', '¡adiós!']);
console.log(wire.length); // 82
for (let left = wire.getU16(); left > 0; left--) {
  const length = wire.getU32();
  const sequence = wire.getU64();
  const root = wire.getF64Le();
  using body = wire.splitTo(length);
  console.log(sequence, root.toFixed(2), body.toString()); // 0n 0.00 hello ...
}
console.log(wire.isEmpty); // true
