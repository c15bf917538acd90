package bench.netty;

/** What a row measures, of one thread. */
abstract class Operation {
  private int consumed;
  Object kept;

  /** Runs once, and checks what comes of it. */
  abstract void verify();

  /** Runs so many times. The loop is here and not in the caller, to be compiled with the operation. */
  abstract void run(int times);

  /** Releases what is held. */
  void close() {}

  /** How many round trips one operation is. */
  int roundTrips() {
    return 1;
  }

  /**
   * Makes an object escape, or else the compiler could do without it. To keep one now and then has it make them all,
   * and spares the others the store with its barrier for the garbage collector.
   */
  final void consume(Object object) {
    if ((++consumed & 1023) == 0) {
      kept = object;
    }
  }
}
