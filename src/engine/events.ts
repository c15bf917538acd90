import { environment, throwLater } from '../base/environment.js';
import type { AllocErrorCode } from '../base/errors.js';
import type { Leak } from './leaks.js';

/** Something that happened in an arena, in this thread. */
export type ArenaEvent =
  /** An allocation was refused. */
  | { readonly type: 'failure'; readonly code: AllocErrorCode; readonly requested: number | undefined }
  /** A buffer outgrew its slot or block and moved to the heap. */
  | { readonly type: 'spill' }
  /** The collector found an allocation whose handles were all forgotten. */
  | { readonly type: 'leak'; readonly leak: Leak }
  /** A request of `bytes` bytes found no memory and waits; `waiting` requests wait now, this one included. */
  | { readonly type: 'park'; readonly bytes: number; readonly waiting: number }
  /** A request stopped waiting after `waited` ms. `served` is false when it was cancelled. */
  | { readonly type: 'wake'; readonly served: boolean; readonly waited: number; readonly waiting: number }
  /** `waiting` requests have waited for up to `age` ms, and no memory came back meanwhile. */
  | { readonly type: 'stall'; readonly waiting: number; readonly age: number }
  /** This thread took back what a dead thread of a shared arena held. */
  | { readonly type: 'reclaim'; readonly threadId: number; readonly allocations: number }
  /** `close()` was called in this thread. */
  | { readonly type: 'close' };

export type ArenaListener = (event: ArenaEvent) => void;

/** What a diagnostics channel of the runtime gives its subscribers. */
export type ArenaMessage<Arena extends object = object> = ArenaEvent & { readonly arena: Arena };

/** Who listens to an arena: its own listeners, and the subscribers of the runtime's diagnostics channels. */
export class ArenaEvents {
  private readonly arena: () => object | undefined;
  private readonly listeners = new Set<{ readonly listener: ArenaListener }>();

  constructor(arena: () => object | undefined) {
    this.arena = arena;
  }

  /** Whether anybody hears events of `type`. */
  areHeard(type: ArenaEvent['type']): boolean {
    return this.listeners.size > 0 || environment.channels?.[type].hasSubscribers === true;
  }

  /** @returns a function that ends the listening */
  add(listener: ArenaListener): () => void {
    const entry = { listener }; // the same function may be added twice
    this.listeners.add(entry);
    return () => void this.listeners.delete(entry);
  }

  /** Errors of listeners are uncaught exceptions: the call that caused the event must not fail of them. */
  tell(event: ArenaEvent): void {
    // A listener may add and remove listeners. Those that it adds hear of the next event.
    for (const entry of [...this.listeners]) {
      const { listener } = entry;
      if (!this.listeners.has(entry)) continue;
      try {
        listener(event);
      } catch (error) {
        throwLater(error);
      }
    }
    const channel = environment.channels?.[event.type];
    const arena = channel?.hasSubscribers === true ? this.arena() : undefined;
    // The runtime makes errors of subscribers uncaught exceptions too.
    if (arena !== undefined) channel?.publish(Object.freeze({ arena, ...event }));
  }
}
