import { throwLater } from '../base/environment.js';
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
  /** `waiting` requests have waited for up to `age` ms, and no memory came back meanwhile. */
  | { readonly type: 'stall'; readonly waiting: number; readonly age: number };

export type ArenaListener = (event: ArenaEvent) => void;

/** Who listens to an arena. */
export class ArenaEvents {
  private readonly listeners = new Set<{ readonly listener: ArenaListener }>();

  /** @returns a function that ends the listening */
  add(listener: ArenaListener): () => void {
    const entry = { listener }; // the same function may be added twice
    this.listeners.add(entry);
    return () => void this.listeners.delete(entry);
  }

  /** Errors of listeners are uncaught exceptions: the call that caused the event must not fail of them. */
  tell(event: ArenaEvent): void {
    for (const { listener } of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        throwLater(error);
      }
    }
  }
}
