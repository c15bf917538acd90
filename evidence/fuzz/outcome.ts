import { inspect } from 'node:util';
import {
  AllocError,
  ArenaError,
  BufferFullError,
  BuildError,
  ChannelClosedError,
  RawFreezeError,
  ReleasedError,
} from 'arena-alligator';

/** Something that the library must not do. */
export class Finding extends Error {
  override readonly name: string = 'Finding';
}

/** The failures of a call, one bit each, so that one number can hold all that a call may throw. */
export const Fails = {
  Type: 1,
  Range: 2,
  Released: 4,
  BufferFull: 8,
  ArenaFull: 16,
  TooLarge: 32,
  Closed: 64,
  RawFreeze: 128,
  Build: 256,
  ChannelClosed: 512,
  /** AbortError or TimeoutError. */
  Wait: 1024,
  /** The error that a hostile value throws itself. */
  Marker: 2048,
} as const;

/** The failures of a refused allocation. All of them count in `allocationsFailed`. */
export const REFUSALS: number = Fails.ArenaFull | Fails.TooLarge | Fails.Closed;
export const ANY_FAILURE: number = 4095;

/** Thrown by hostile values. A call that was given one may throw it too. */
export class Marker extends Error {
  override readonly name: string = 'Marker';
}

const CODES: Readonly<Record<string, number>> = {
  ARENA_FULL: Fails.ArenaFull,
  REQUEST_TOO_LARGE: Fails.TooLarge,
  ARENA_CLOSED: Fails.Closed,
};

const BUILD_CODES: ReadonlySet<string> = new Set([
  'SIZE_OVERFLOW',
  'INVALID_ALIGNMENT',
  'INVALID_GEOMETRY',
  'SLOT_SIZE_EXCEEDS_BACKING',
  'ZERO_USABLE_SLOTS',
  'INVALID_BACKING',
  'INCOMPATIBLE_OPTIONS',
  'INVALID_HANDLE',
  'TOO_MANY_THREADS',
]);

/** The bit of a thrown value; 0 for an error that is not documented. */
export function failureOf(error: unknown): number {
  if (error instanceof AllocError) return CODES[error.code] ?? 0;
  if (error instanceof ReleasedError) return error.code === 'RELEASED' ? Fails.Released : 0;
  if (error instanceof BufferFullError) return error.requested > error.remaining ? Fails.BufferFull : 0;
  if (error instanceof RawFreezeError) return Fails.RawFreeze;
  if (error instanceof BuildError) return BUILD_CODES.has(error.code) ? Fails.Build : 0;
  if (error instanceof ChannelClosedError) return Fails.ChannelClosed;
  if (error instanceof ArenaError) return 0;
  if (error instanceof Marker) return Fails.Marker;
  if (error instanceof TypeError) return Fails.Type;
  if (error instanceof RangeError) return isStackOverflow(error) ? 0 : Fails.Range;
  if (error instanceof DOMException) {
    return error.name === 'TimeoutError' || error.name === 'AbortError' ? Fails.Wait : 0;
  }
  return 0;
}

function isStackOverflow(error: RangeError): boolean {
  return /call stack/.test(error.message);
}

/** The outcome of a call. `failure` is 0 when the call returned. */
export interface Attempt<Result> {
  readonly failure: number;
  readonly value: Result | undefined;
}

/**
 * Makes a call.
 * @param must the call has to throw one of these failures; 0 when it has to return
 * @param may the call may also throw one of these
 * @throws Finding when the call does anything else
 */
export function attempt<Result>(what: string, must: number, may: number, call: () => Result): Attempt<Result> {
  let value: Result;
  try {
    value = call();
  } catch (error) {
    if (error instanceof Finding) throw error;
    const failure = failureOf(error);
    if ((failure & (must | may)) === 0) throw unexpected(what, must | may, error);
    return { failure, value: undefined };
  }
  if (must !== 0) throw new Finding(`${what} returned, but should have thrown ${namesOf(must)}`);
  return { failure: 0, value };
}

export function unexpected(what: string, allowed: number, error: unknown): Finding {
  const shown = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  return new Finding(
    `${what} threw an error that is not allowed (allowed: ${allowed === 0 ? 'none' : namesOf(allowed)}): ${shown}`,
  );
}

function namesOf(failures: number): string {
  return Object.entries(Fails)
    .filter(([, bit]) => (failures & bit) !== 0)
    .map(([name]) => name)
    .join(' or ');
}

/** The failure that a call must throw for `value` when it expects an integer in `[min, max]`; 0 for a valid one. */
export function refusalOfInteger(value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') return Fails.Type;
  return Number.isInteger(value) && value >= min && value <= max && Math.abs(value) < 2 ** 53 ? 0 : Fails.Range;
}

export function expectSame(found: unknown, expected: unknown, what: string): void {
  if (!Object.is(found, expected)) throw new Finding(`${what}: ${inspect(found)} instead of ${inspect(expected)}`);
}

export function expectBytes(found: Uint8Array, expected: Uint8Array, what: string): void {
  if (found.length !== expected.length) {
    throw new Finding(`${what}: ${found.length} bytes instead of ${expected.length}`);
  }
  // An empty view may lie in a buffer that was detached. To copy from such a view would throw.
  if (found.length === 0) attempt(`${what}, which is empty`, 0, 0, () => found.subarray());
  for (let at = 0; at < expected.length; at++) {
    if (found[at] !== expected[at]) {
      throw new Finding(`${what}: byte ${at} of ${expected.length} is ${found[at]} instead of ${expected[at]}`);
    }
  }
}
