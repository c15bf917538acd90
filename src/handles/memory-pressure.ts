/**
 * Tells holders of spare memory that somebody waits for memory of their arena. A holder gives back what it can do
 * without: chunks that were read ahead, or pieces of a record that can be copied to the heap. The caller that has to
 * wait may be the very one that the holder would hand its memory to next, so keeping it could stop both for ever.
 */
export class MemoryPressure {
  /** Number of requests in this thread that wait for memory. */
  waiting = 0;
  private readonly holders = new Set<() => void>();

  /** Calls `giveBack` whenever a request has to wait. It must not throw. */
  add(giveBack: () => void): void {
    this.holders.add(giveBack);
  }

  delete(giveBack: () => void): void {
    this.holders.delete(giveBack);
  }

  /** Asks all holders, until `isServed` says that it is enough. */
  relieve(isServed: () => boolean): void {
    for (const giveBack of this.holders) {
      if (isServed()) return;
      giveBack();
    }
  }
}
