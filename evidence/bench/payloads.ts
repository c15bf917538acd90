/** One way to allocate, share and release payloads. The rows call these operations on every subject. */
export interface Payloads<Handle> {
  /** A finished payload of `size` bytes, all equal to FILL. */
  make(size: number): Handle;
  /** Memory for `size` bytes, with nothing written to it. */
  reserve(size: number): Handle;
  /** Another handle on the same bytes. Missing when the subject cannot share. */
  share?(handle: Handle): Handle;
  /** A separate handle on part of the bytes. Missing when the subject cannot slice. */
  slice?(handle: Handle, start: number, end: number): Handle;
  /** A Uint8Array over the payload's `size` bytes, without a copy. */
  view(handle: Handle, size: number): Uint8Array;
  /** The first byte. */
  first(handle: Handle): number;
  /** Releases a handle from {@link make}, {@link share} or {@link slice}. */
  drop(handle: Handle): void;
  /** Releases a handle from {@link reserve}. */
  dropReserved(handle: Handle): void;
  /** Checks that all memory was returned. @throws AssertionError when some was not */
  end?(): void;
}

/** What a row needs. */
export interface Demand {
  /** Size of the largest payload in bytes. */
  readonly size: number;
  /** The largest number of payloads that are alive at the same time. */
  readonly live: number;
}

/** One implementation that is measured. */
export interface Subject<Handle = unknown> {
  readonly name: string;
  open(demand: Demand): Payloads<Handle> | Promise<Payloads<Handle>>;
}
