package bench.netty;

import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;

/** The sizes and places of the rows. They are the same for every subject of the benchmark. */
final class Plans {
  static final int STEPS = 8192;
  static final int LIVE = 2048;
  private static final int LARGEST = 16 * 1024;
  private static final int SMALLEST_OF_MIXED = 192;
  private static final long MULTIPLIER = 48_271;
  private static final long MODULUS = Integer.MAX_VALUE;

  private long state = 20_261_122;

  private Plans() {}

  record Churn(int[] sizes, int[] places) {}

  static int[] randomSizes() {
    return new Plans().draw(64, LARGEST);
  }

  static Churn churn() {
    Plans plans = new Plans();
    int[] sizes = plans.draw(SMALLEST_OF_MIXED, LARGEST);
    return new Churn(sizes, plans.draw(0, LIVE - 1));
  }

  static int[] steppedSizes() {
    LongUnaryOperator size = index -> SMALLEST_OF_MIXED + index * MULTIPLIER % (LARGEST - SMALLEST_OF_MIXED + 1);
    return IntStream.range(0, 4096).map(index -> (int) size.applyAsLong(index)).toArray();
  }

  private int[] draw(int from, int to) {
    return IntStream.range(0, STEPS).map(index -> from + (int) (next() * (to - from + 1))).toArray();
  }

  // Park and Miller's generator.
  private double next() {
    state = state * MULTIPLIER % MODULUS;
    return (double) state / MODULUS;
  }
}
