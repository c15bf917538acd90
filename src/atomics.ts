/** Every `Atomics` call of the library goes through this module, so that a test can step threads one call at a time. */

/** Writes one byte back to where it is, without losing what another thread writes there meanwhile. */
export function touch(bytes: Uint8Array, index: number): void {
  Atomics.or(bytes, index, 0);
}
