/** Why an allocation was refused. After `ARENA_FULL` a later attempt may succeed; after the other two none will. */
export type AllocErrorCode = 'ARENA_FULL' | 'REQUEST_TOO_LARGE' | 'ARENA_CLOSED';

/** Why an arena could not be built or attached. */
export type BuildErrorCode =
  | 'SIZE_OVERFLOW'
  | 'INVALID_ALIGNMENT'
  | 'INVALID_GEOMETRY'
  | 'SLOT_SIZE_EXCEEDS_BACKING'
  | 'ZERO_USABLE_SLOTS'
  | 'INVALID_BACKING'
  | 'INCOMPATIBLE_OPTIONS'
  | 'INVALID_HANDLE'
  | 'TOO_MANY_THREADS';

/** Base of every error this library defines. `code` is stable across releases; messages are not. */
export class ArenaError extends Error {
  override readonly name: string = 'ArenaError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const ALLOC_MESSAGES: Readonly<Record<AllocErrorCode, string>> = {
  ARENA_FULL: 'the arena is full: every slot or block that could hold the request is in use',
  REQUEST_TOO_LARGE: 'the request is larger than this arena could ever satisfy',
  ARENA_CLOSED: 'the arena is closed and takes no new allocations',
};

/** The figures of an {@link AllocError}. */
export interface AllocFacts {
  readonly requested: number;
  readonly capacity: number;
  readonly live: number;
  readonly largestFreeBlock: number;
}

/** An allocation was refused. Nothing changed except the `allocationsFailed` counter. */
export class AllocError extends ArenaError {
  override readonly name: string = 'AllocError';
  declare readonly code: AllocErrorCode;
  /** Bytes of the request. This and the other figures are undefined for ARENA_CLOSED. */
  readonly requested: number | undefined;
  /** Bytes that the arena manages. */
  readonly capacity: number | undefined;
  /** Bytes of slots or blocks that were in use. */
  readonly live: number | undefined;
  /** Bytes of the largest slot or block that was free; 0 when nothing was. */
  readonly largestFreeBlock: number | undefined;

  constructor(code: AllocErrorCode, options?: ErrorOptions & { readonly facts?: AllocFacts }) {
    const { facts } = options ?? {};
    super(code, facts === undefined ? ALLOC_MESSAGES[code] : withFacts(ALLOC_MESSAGES[code], facts), options);
    this.requested = facts?.requested;
    this.capacity = facts?.capacity;
    this.live = facts?.live;
    this.largestFreeBlock = facts?.largestFreeBlock;
  }
}

function withFacts(message: string, { requested, capacity, live, largestFreeBlock }: AllocFacts): string {
  return `${message} (${requested} bytes requested, ${live} of ${capacity} in use, ${largestFreeBlock} in the largest free block)`;
}

/** An arena could not be built with the given options, or could not be attached. */
export class BuildError extends ArenaError {
  override readonly name: string = 'BuildError';
  declare readonly code: BuildErrorCode;

  constructor(code: BuildErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/**
 * Returns what `make` returns: memory for the bookkeeping of an arena.
 * @throws BuildError SIZE_OVERFLOW when the runtime refuses that memory
 */
export function reserved<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new BuildError(
      'SIZE_OVERFLOW',
      'the runtime refuses the memory for the bookkeeping of the arena; use fewer slots, blocks or threads',
      { cause },
    );
  }
}

/** A write would go past the end of a buffer. Nothing was written. */
export class BufferFullError extends ArenaError {
  override readonly name: string = 'BufferFullError';
  declare readonly code: 'BUFFER_FULL';
  /** Bytes that were still free in the buffer. */
  readonly remaining: number;
  /** Bytes the write needed. */
  readonly requested: number;

  constructor(remaining: number, requested: number) {
    super('BUFFER_FULL', `buffer full: ${requested} bytes requested, ${remaining} bytes remaining`);
    this.remaining = remaining;
    this.requested = requested;
  }
}

/** A handle was used after it gave up its reference (it was released, abandoned, frozen or converted). */
export class ReleasedError extends ArenaError {
  override readonly name: string = 'ReleasedError';
  declare readonly code: 'RELEASED';

  constructor(handle: string, history = '') {
    super('RELEASED', `this ${handle} was already released, frozen or converted${history}`);
  }
}

/**
 * Frozen bytes of a `guarded()` arena were written to. A release that throws this has returned the memory all the same.
 * A call that sends or converts the bytes and throws this has changed nothing.
 */
export class GuardError extends ArenaError {
  override readonly name: string = 'GuardError';
  declare readonly code: 'WRITTEN_AFTER_FREEZE';

  constructor(message: string) {
    super('WRITTEN_AFTER_FREEZE', message);
  }
}

const CHANNEL_MESSAGES = {
  CHANNEL_CLOSED: 'the channel is closed and takes no more messages',
  CHANNEL_ABANDONED: 'every other thread that attached the channel has ended or detached',
};

/**
 * A handle was sent into a closed channel, or a call waited for threads that are all gone. The sender still has the
 * handle.
 */
export class ChannelClosedError extends ArenaError {
  override readonly name: string = 'ChannelClosedError';
  declare readonly code: keyof typeof CHANNEL_MESSAGES;

  constructor(code: keyof typeof CHANNEL_MESSAGES = 'CHANNEL_CLOSED') {
    super(code, CHANNEL_MESSAGES[code]);
  }
}

/** The range given to `RawRegion.freeze` does not lie within the region. The region stays usable. */
export class RawFreezeError extends ArenaError {
  override readonly name: string = 'RawFreezeError';
  declare readonly code: 'RAW_FREEZE_RANGE';
  readonly start: number;
  readonly end: number;
  /** Visible bytes of the region. */
  readonly capacity: number;

  constructor(start: number, end: number, capacity: number) {
    super(
      'RAW_FREEZE_RANGE',
      start > end
        ? `freeze range ${start}..${end} starts after its end`
        : `freeze range ${start}..${end} exceeds the capacity of ${capacity} bytes`,
    );
    this.start = start;
    this.end = end;
    this.capacity = capacity;
  }
}
