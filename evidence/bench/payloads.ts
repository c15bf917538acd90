/** One way to have payloads: what the rows are measured with. */
export interface Payloads<Handle> {
  /** Finished bytes, `size` of them, all FILL. */
  make(size: number): Handle;
  /** Memory for `size` bytes, not written to. */
  reserve(size: number): Handle;
  /** Another one who holds the same bytes, where there is such a thing. */
  share?(handle: Handle): Handle;
  /** Part of the bytes, held by itself, where there is such a thing. */
  slice?(handle: Handle, start: number, end: number): Handle;
  /** The `size` bytes as a Uint8Array over their own memory. */
  view(handle: Handle, size: number): Uint8Array;
  /** The byte in front. */
  first(handle: Handle): number;
  /** Gives up what {@link make} or {@link share} made. */
  drop(handle: Handle): void;
  /** Gives up what {@link reserve} made. */
  dropReserved(handle: Handle): void;
  /** @throws unless everything came back */
  end?(): void;
}

/** What a row asks for. */
export interface Demand {
  /** Bytes of the largest payload. */
  readonly size: number;
  /** Payloads that live at the same time, at most. */
  readonly live: number;
}

/** One of those that are measured. */
export interface Subject<Handle = unknown> {
  readonly name: string;
  open(demand: Demand): Payloads<Handle> | Promise<Payloads<Handle>>;
}
