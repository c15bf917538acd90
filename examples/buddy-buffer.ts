// Allocates blocks of any size from one region. Blocks split on demand and merge again when they are released.
import { BuddyArena, BuddyGeometry } from 'arena-alligator';

const arena = BuddyArena.builder(BuddyGeometry.exact(1024 * 1024, 256)).build();

const header = arena.allocate(40).putUtf8('HTTP/1.1 200 OK').freeze();
const body = arena.allocate(100_000).putBytes(0x2e, 100_000).freeze();

const { splits, largestFreeBlock } = arena.metrics();
console.log(header.length, body.length, splits, largestFreeBlock); // 15 100000 12 524288
header.release();
body.release();
console.log(arena.metrics().coalesces, arena.metrics().largestFreeBlock); // 12 1048576
