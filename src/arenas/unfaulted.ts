import type { ArenaBuffer } from '../handles/handles.js';

/** The part of an arena that {@link Unfaulted} uses. */
export interface Allocator {
  readonly isClosed: boolean;
  allocate(length?: number): ArenaBuffer;
}

/**
 * An arena from `buildUnfaulted()`, whose pages were not touched yet. The thread that will use the memory can touch
 * them, or leave them alone.
 */
export class Unfaulted<A extends Allocator> {
  private readonly arena: A;
  private readonly fault: () => void;

  private constructor(arena: A, fault: () => void) {
    this.arena = arena;
    this.fault = fault;
  }

  /** @internal */
  static over<A extends Allocator>(arena: A, fault: () => void): Unfaulted<A> {
    return new Unfaulted(arena, fault);
  }

  /**
   * Touches every page (2 to 3 µs each) and returns the arena. Bytes that were written stay. A closed arena is left
   * alone, because its memory may have another owner by now.
   */
  faultPages(): A {
    if (!this.arena.isClosed) this.fault();
    return this.arena;
  }

  /** The arena as it is. The first write to each page then costs 2 to 3 µs. */
  intoInner(): A {
    return this.arena;
  }

  /** The arena as it is, and a first buffer from it. @throws AllocError as the arena's `allocate` does */
  allocate(...length: Parameters<A['allocate']>): [arena: A, buffer: ArenaBuffer] {
    return [this.arena, this.arena.allocate(...length)];
  }
}
