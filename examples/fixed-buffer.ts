// Builds a payload in a slot, freezes it, shares it and releases it.
import { FixedArena } from 'arena-alligator';

const arena = FixedArena.withSlotCapacity(1024, 4096).build();

const payload = arena.allocate().putUtf8('request ').putUtf8('payload').freeze();
const forLogger = payload.clone();
const firstWord = payload.slice(0, 7);

console.log(payload.toString()); // request payload
payload.release();
console.log(firstWord.toString(), arena.metrics().bytesLive); // request 4096
forLogger.release();
firstWord.release();
console.log(arena.metrics().bytesLive); // 0
