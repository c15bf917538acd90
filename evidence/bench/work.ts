import assert from 'node:assert/strict';

// The work that all subjects of a row have in common. The harnesses in Rust and Java have the same plans.

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const FILL = 0x5a;

/** Payload sizes of the round trips, in bytes. */
export const SIZES: readonly number[] = [0, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, MIB];

/** Checks that `bytes` has `length` bytes, all equal to FILL. @throws AssertionError otherwise */
export function checkFilled(bytes: Uint8Array, length: number): void {
  assert.equal(bytes.length, length);
  assert.ok(bytes.every((byte) => byte === FILL));
}

/** Pseudorandom numbers in [0, 1), the same in every run (Park and Miller's minimal standard generator). */
function randomNumbers(): () => number {
  let state = 20_261_122;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export const PLANNED = 8192;
/** The number of allocations that a churn keeps alive. */
export const LIVE = 2048;
export const LARGEST = 16 * KIB;

function plannedSizes(random: () => number, smallest: number): number[] {
  return Array.from({ length: PLANNED }, () => smallest + Math.floor(random() * (LARGEST - smallest + 1)));
}

/** For each step of a churn: which live allocation is replaced, and the size of the new one. */
export function churnPlan(): { readonly sizes: readonly number[]; readonly places: readonly number[] } {
  const random = randomNumbers();
  const sizes = plannedSizes(random, 192);
  return { sizes, places: Array.from({ length: PLANNED }, () => Math.floor(random() * LIVE)) };
}

export function randomSizes(): readonly number[] {
  return plannedSizes(randomNumbers(), 64);
}

/** The byte at `offset` of the data that the I/O rows read from a file or a socket. */
export function byteAt(offset: number): number {
  return offset % 251;
}
