import type { ArenaBuffer } from '../handles/handles.js';

/** What an arena needs to be handed out unfaulted. */
export interface Allocator {
  readonly isClosed: boolean;
  allocate(length?: number): ArenaBuffer;
}

/**
 * An arena whose pages were not touched yet, from `buildUnfaulted()`: the thread that will use the memory can be the
 * one that touches it, or nobody has to.
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
   * Touches every page (2 to 3 µs each) and returns the arena. What was written already stays. A closed arena is left
   * alone: its memory may be somebody else's by now.
   */
  faultPages(): A {
    if (!this.arena.isClosed) this.fault();
    return this.arena;
  }

  /** The arena as it is: each page costs its 2 to 3 µs when it is first written. */
  intoInner(): A {
    return this.arena;
  }

  /** The arena as it is, and a first buffer from it. @throws AllocError as `allocate` of the arena does. */
  allocate(...length: Parameters<A['allocate']>): [arena: A, buffer: ArenaBuffer] {
    return [this.arena, this.arena.allocate(...length)];
  }
}
