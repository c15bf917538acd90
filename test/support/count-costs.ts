import { type ArenaBuffer, BuddyArena, BuddyGeometry, type Bytes, FixedArena } from 'arena-alligator';

// Run as `node --expose-gc count-costs.js CASE`. Prints those costs of one operation that can be counted; it measures
// no time. Run it without coverage, which changes the compiled code.

/** The costs of one operation. */
export interface Costs {
  /** Bytes allocated on the collector's heap: the minimum of many windows, because compiling code also allocates. */
  readonly heapBytes: number;
  /** Calls of `Atomics`. The library has all of them in one module. */
  readonly atomics: number;
  /** Records that are registered with the collector. */
  readonly registrations: number;
}

const KIB = 1024;

const fixed = (): FixedArena => FixedArena.withSlotCapacity(64, 4 * KIB).build();
const buddy = (): BuddyArena => BuddyArena.builder(BuddyGeometry.exact(1024 * KIB, 256)).build();
const sharedFixed = () =>
  FixedArena.withSlotCapacity(64, 4 * KIB)
    .shared({ maxThreads: 2 })
    .build();
const sharedBuddy = () =>
  BuddyArena.builder(BuddyGeometry.exact(1024 * KIB, 256))
    .shared({ maxThreads: 2 })
    .build();

function roundTrip(allocate: () => ArenaBuffer): () => void {
  return () => allocate().putBytes(7, KIB).freeze().release();
}

function viewed(allocate: () => ArenaBuffer): () => void {
  return () => {
    const bytes = allocate().putBytes(7, KIB).freeze();
    if (bytes.view.length !== KIB) throw new Error('the view has another length');
    bytes.release();
  };
}

/** Sizes that a program with mixed requests asks for. */
const SIZES = [192, 16_000, 700, 9000, 12_345, 4096, 15_000, 2049] as const;

function mixed(allocate: (size: number) => ArenaBuffer): () => void {
  let step = 0;
  return () => {
    step = (step + 1) & 7;
    allocate(SIZES[step] as number)
      .putU8(1)
      .freeze()
      .release();
  };
}

function shared(share: (bytes: Bytes) => Bytes): () => void {
  const bytes = fixed().allocate().putBytes(7, KIB).freeze();
  return () => share(bytes).release();
}

function spilling(): () => void {
  const arena = FixedArena.withSlotCapacity(4, KIB).autoSpill().build();
  const chunk = new Uint8Array(KIB);
  return () => arena.allocate().putSlice(chunk).putSlice(chunk).freeze().release();
}

const cases: Readonly<Record<string, () => () => void>> = {
  fixed: () => {
    const arena = fixed();
    return roundTrip(() => arena.allocate());
  },
  'fixed, viewed': () => {
    const arena = fixed();
    return viewed(() => arena.allocate());
  },
  buddy: () => {
    const arena = buddy();
    return mixed((size) => arena.allocate(size));
  },
  clone: () => shared((bytes) => bytes.clone()),
  slice: () => shared((bytes) => bytes.slice(1, 100)),
  spill: spilling,
  'shared fixed': () => {
    const arena = sharedFixed();
    return roundTrip(() => arena.allocate());
  },
  'shared buddy': () => {
    const arena = sharedBuddy();
    return mixed((size) => arena.allocate(size));
  },
};

let atomics = 0;
for (const name of ['load', 'store', 'add', 'exchange', 'or', 'compareExchange', 'notify'] as const) {
  const real = Atomics[name] as (...args: unknown[]) => unknown;
  Object.assign(Atomics, {
    [name]: (...args: unknown[]) => {
      atomics++;
      return real(...args);
    },
  });
}
let registrations = 0;
const { register } = FinalizationRegistry.prototype;
FinalizationRegistry.prototype.register = function (...args) {
  registrations++;
  return register.apply(this, args);
};

const operation = cases[process.argv[2] ?? '']?.();
if (operation === undefined) throw new Error(`unknown case ${process.argv[2]}`);

const CALLS = 8000;
const WINDOWS = 60;
let heapBytes = Number.POSITIVE_INFINITY;
for (let window = 0; window < WINDOWS; window++) {
  globalThis.gc?.();
  atomics = 0;
  registrations = 0;
  const before = process.memoryUsage().heapUsed;
  for (let call = 0; call < CALLS; call++) operation();
  const after = process.memoryUsage().heapUsed;
  // Skip windows in which a collection ran.
  if (after > before) heapBytes = Math.min(heapBytes, (after - before) / CALLS);
}
const costs: Costs = { heapBytes, atomics: atomics / CALLS, registrations: registrations / CALLS };
console.log(JSON.stringify(costs));
