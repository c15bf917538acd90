import { BuddyArena, BuddyGeometry, Bytes, BytesMut, FixedArena } from 'arena-alligator';
import type { Subject } from '../payloads.js';
import { FILL } from '../work.js';
import { buddy, fixed } from './arenas.js';

/** Rounds of each kind: enough for the compiler to optimise the library's code for all of them. */
const ROUNDS = 20_000;

/**
 * Uses every kind of arena and handle, as a program of many parts does. V8's call sites in the library have met many
 * classes then.
 */
export async function useAllKinds(): Promise<void> {
  const geometry = BuddyGeometry.exact(65_536, 256);
  const arenas = [
    FixedArena.withSlotCapacity(16, 1024).build(),
    FixedArena.withSlotCapacity(16, 1024).isolated().build(),
    FixedArena.withSlotCapacity(16, 1024).autoSpill().build(),
    FixedArena.withSlotCapacity(16, 1024).guarded().build(),
    FixedArena.withSlotCapacity(16, 1024).shared({ maxThreads: 1 }).build(),
    BuddyArena.builder(geometry).build(),
    BuddyArena.builder(geometry).shared({ maxThreads: 1 }).build(),
  ];
  const waiting = [FixedArena.withSlotCapacity(16, 1024).buildAsync(), BuddyArena.builder(geometry).buildAsync()];
  const heap = Uint8Array.of(FILL, FILL);
  for (let round = 0; round < ROUNDS; round++) {
    for (const arena of arenas) use(arena.allocate(256).putBytes(FILL, 256).freeze());
    for (const arena of waiting) use((await arena.allocateAsync(256)).putBytes(FILL, 256).freeze());
    use(BytesMut.withCapacity(16).putBytes(FILL, 16).freeze());
    use(Bytes.copyFrom(heap));
    use(Bytes.wrap(heap));
    use(Bytes.fromOwner(heap, () => undefined));
    arenas[round % arenas.length]?.allocate(1).abandon();
  }
  for (const arena of [...arenas, ...waiting]) arena.close();
}

function use(bytes: Bytes): void {
  const clone = bytes.clone();
  const slice = clone.slice(0, 1);
  clone.release();
  if (slice.view[0] !== FILL) throw new Error('wrong content');
  slice.release();
  bytes.release();
}

function mixed<Handle>(subject: Subject<Handle>): Subject<Handle> {
  return {
    name: `${subject.name}-mixed`,
    open: async (demand) => {
      await useAllKinds();
      return subject.open(demand);
    },
  };
}

type HandleOf<Of> = Of extends Subject<infer Handle> ? Handle : never;

/** In a process that has used every kind before. */
export const mixedFixed: Subject<HandleOf<typeof fixed>> = mixed(fixed);
export const mixedBuddy: Subject<HandleOf<typeof buddy>> = mixed(buddy);
