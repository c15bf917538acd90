import assert from 'node:assert/strict';

// What all subjects of a row do the same; the harnesses in Rust and Java have the same plans.

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const FILL = 0x5a;

/** Bytes of the payloads of a round trip. */
export const SIZES: readonly number[] = [0, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, MIB];

/** @throws unless `bytes` are `length` times FILL */
export function checkFilled(bytes: Uint8Array, length: number): void {
  assert.equal(bytes.length, length);
  assert.ok(bytes.every((byte) => byte === FILL));
}

/** Numbers in [0, 1), the same in every run (Park and Miller's minimal standard generator). */
function randomNumbers(): () => number {
  let state = 20_261_122;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export const PLANNED = 8192;
/** Live allocations of a churn. */
export const LIVE = 2048;
export const LARGEST = 16 * KIB;

function plannedSizes(random: () => number, smallest: number): number[] {
  return Array.from({ length: PLANNED }, () => smallest + Math.floor(random() * (LARGEST - smallest + 1)));
}

/** Which of the live allocations is replaced by one of what size. */
export function churnPlan(): { readonly sizes: readonly number[]; readonly places: readonly number[] } {
  const random = randomNumbers();
  const sizes = plannedSizes(random, 192);
  return { sizes, places: Array.from({ length: PLANNED }, () => Math.floor(random() * LIVE)) };
}

export function randomSizes(): readonly number[] {
  return plannedSizes(randomNumbers(), 64);
}

/** The byte at `offset` of what is read from a file or a socket. */
export function byteAt(offset: number): number {
  return offset % 251;
}
