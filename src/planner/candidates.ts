import { BuddyArena, BuddyGeometry, BuildError, FixedArena, TieredArena } from '../index.js';
import { bestClasses, type SizeClass, slotFor } from './size-classes.js';
import { Trace } from './trace.js';

/** What a program can allocate from. */
export interface Allocator {
  tryAllocate(length: number): { readonly capacity: number; readonly isSpilled: boolean; abandon(): void } | undefined;
  metrics(): { readonly bytesReserved: number; readonly bytesLive: number };
  close(): void;
}

/** An arena that a program could have used. */
export interface Candidate {
  readonly name: string;
  /** TypeScript that makes the arena. */
  readonly code: string;
  /** Bytes that the arena reserves. */
  readonly reserved: number;
  /** Nothing is written to the memory, so its pages are not touched. */
  readonly build: () => Allocator;
}

/** The most size classes of a tiered arena. */
const MOST_CLASSES = 6;

/** Shares of the allocations that the slots hold when the others go to the heap. */
const SHARES = [0.99, 0.95];

const SMALLEST_BLOCKS = [64, 256, 1024, 4096];

/** The largest arena that is built to try it, in bytes. */
const LARGEST_ARENA = 2 ** 32;

/** The most blocks of a buddy arena that is built to try it: its bookkeeping takes a byte for each. */
const MOST_BLOCKS = 2 ** 22;

/** The arenas that are worth a try, without those that cannot be built. */
export function candidatesFor(trace: Trace): readonly Candidate[] {
  const classes = bestClasses(trace, MOST_CLASSES);
  const all = [
    ...classes.map((one) => slots(one)),
    ...SHARES.flatMap((share) => withHeap(trace, share)),
    ...SMALLEST_BLOCKS.map((block) => buddy(trace, block)),
  ];
  const names = new Set<string>();
  return all.filter((candidate): candidate is Candidate => {
    if (candidate === undefined || candidate.reserved > LARGEST_ARENA || names.has(candidate.name)) return false;
    names.add(candidate.name);
    return true;
  });
}

function slots(classes: readonly SizeClass[], heap = ''): Candidate | undefined {
  const [only] = classes;
  if (only === undefined) return undefined;
  const reserved = classes.reduce((sum, { capacity, slots: count }) => sum + capacity * count, 0);
  const tiers = classes.map(
    ({ capacity, slots: count }) => `FixedArena.withSlotCapacity(${count}, ${capacity}).build()`,
  );
  const arenas = (): FixedArena[] =>
    classes.map(({ capacity, slots: count }) =>
      FixedArena.withSlotCapacity(count, capacity).buildUnfaulted().intoInner(),
    );
  if (classes.length === 1 && heap === '') {
    const code = `const arena = ${tiers[0]};`;
    const build = (): FixedArena => arenas()[0] as FixedArena;
    return { name: `fixed, ${only.slots} x ${only.capacity}`, code, reserved, build };
  }
  const options = heap === '' ? '' : ", { fallback: 'heap' }";
  const code = `const arena = new TieredArena([\n${tiers.map((tier) => `  ${tier},\n`).join('')}]${options});`;
  const shape = classes.map(({ capacity, slots: count }) => `${count} x ${capacity}`).join(' + ');
  const build = (): TieredArena => new TieredArena(arenas(), heap === '' ? {} : { fallback: 'heap' });
  return { name: `tiered, ${shape}${heap}`, code, reserved, build };
}

/** Slots for the smaller allocations, in one to three classes, and the heap for the largest ones. */
function withHeap(trace: Trace, share: number): (Candidate | undefined)[] {
  const sorted = [...trace.sizes].sort((a, b) => a - b);
  const limit = slotFor(sorted[Math.floor((sorted.length - 1) * share)] as number);
  if (limit >= slotFor(sorted.at(-1) as number)) return [];
  return bestClasses(withoutLarger(trace, limit), 3).map((classes) => slots(classes, ' + heap'));
}

/** The trace without the allocations of more than `limit` bytes. */
function withoutLarger(trace: Trace, limit: number): Trace {
  const renumbered = new Map<number, number>();
  const [sizes, steps, times]: [number[], number[], number[]] = [[], [], []];
  for (const [at, step] of trace.steps.entries()) {
    const index = step < 0 ? -1 - step : step;
    const size = trace.sizeOf(index);
    if (size > limit) continue;
    if (step >= 0) renumbered.set(index, sizes.push(size) - 1);
    const number = renumbered.get(index) as number;
    steps.push(step < 0 ? -1 - number : number);
    times.push(trace.times[at] as number);
  }
  return new Trace(sizes, steps, times);
}

/** A buddy arena that is just large enough. */
function buddy(trace: Trace, block: number): Candidate | undefined {
  const largest = trace.sizes.reduce((most, size) => Math.max(most, size), 0);
  for (let total = powerOfTwo(Math.max(largest, trace.peakBytes, block)); total <= LARGEST_ARENA; total *= 2) {
    if (total / block > MOST_BLOCKS) return undefined;
    const build = (): BuddyArena => BuddyArena.builder(BuddyGeometry.exact(total, block)).buildUnfaulted().intoInner();
    try {
      if (!holds(build(), trace)) continue;
    } catch (error) {
      if (error instanceof BuildError) return undefined; // this machine does not have that much memory
      throw error;
    }
    const code = `const arena = BuddyArena.builder(BuddyGeometry.exact(${total}, ${block})).build();`;
    return { name: `buddy, ${total} in blocks of ${block}`, code, reserved: total, build };
  }
  return undefined;
}

function holds(arena: BuddyArena, trace: Trace): boolean {
  const held = new Map<number, ReturnType<BuddyArena['tryAllocate']>>();
  let fits = true;
  for (const step of trace.steps) {
    if (step < 0) {
      held.get(-1 - step)?.abandon();
      held.delete(-1 - step);
      continue;
    }
    const buffer = arena.tryAllocate(trace.sizeOf(step));
    fits = buffer !== undefined;
    if (!fits) break;
    held.set(step, buffer);
  }
  for (const buffer of held.values()) buffer?.abandon();
  arena.close();
  return fits;
}

function powerOfTwo(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}
