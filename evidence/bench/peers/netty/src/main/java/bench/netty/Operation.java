package bench.netty;

/** The operation that a row measures, for one thread. */
abstract class Operation {
  private int consumed;
  Object kept;

  /** Runs once, and checks the result. */
  abstract void verify();

  /** Runs {@code times} times. The loop is here, not in the caller, so that it is compiled with the operation. */
  abstract void run(int times);

  /** Releases all buffers that the operation holds. */
  void close() {}

  /** How many round trips one operation is. */
  int roundTrips() {
    return 1;
  }

  /**
   * Makes an object escape, so that the compiler cannot leave it out. Keeping one object now and then forces the
   * compiler to make them all. The others are spared the store, with its barrier for the garbage collector.
   */
  final void consume(Object object) {
    if ((++consumed & 1023) == 0) {
      kept = object;
    }
  }
}
