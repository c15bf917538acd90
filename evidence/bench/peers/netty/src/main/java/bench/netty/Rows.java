package bench.netty;

import io.netty.buffer.ByteBufAllocator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** The rows, by their names. */
final class Rows {
  interface Row {
    /** Measures for {@code ms} milliseconds, and returns the figures as JSON. */
    String measure(ByteBufAllocator allocator, long ms) throws Exception;
  }

  private static final int KIB = 1024;
  private static final int MESSAGE = 16 * KIB;

  static final Map<String, Row> ALL = all();

  private Rows() {}

  private static Map<String, Row> all() {
    Map<String, Row> rows = new LinkedHashMap<>();
    for (int size : new int[] {0, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, KIB * KIB}) {
      rows.put("round-trip/" + size, oneThread(size, payloads -> new Operations.RoundTrip(payloads, size, size)));
    }
    for (int size : new int[] {256, 4 * KIB}) {
      rows.put("lifo-64/" + size, oneThread(size, payloads -> new Operations.Lifo(payloads, 64, size)));
    }
    for (int live : new int[] {64, 1024, 8192}) {
      for (int size : new int[] {256, 4 * KIB}) {
        rows.put("fifo-" + live + "/" + size, oneThread(size, payloads -> new Operations.Fifo(payloads, live, size)));
      }
    }
    rows.put("random-sizes", oneThread(16 * KIB, Operations.RandomSizes::new));
    rows.put("churn", oneThread(0, Operations.Churn::new));
    rows.put("clone", oneThread(KIB, Operations.Clone::new));
    rows.put("slice", oneThread(KIB, Operations.Slice::new));
    for (int consumers : new int[] {8, 1000}) {
      rows.put(
          "fan-out/" + consumers,
          oneThread(MESSAGE, payloads -> new Operations.FanOut(payloads, consumers, MESSAGE)));
    }
    for (int threads : new int[] {1, 2, 4}) {
      rows.put(
          "contention/fixed/" + threads + "/0",
          threads(threads, KIB, payloads -> new Operations.RoundTrip(payloads, 4 * KIB, KIB)));
    }
    for (int threads : new int[] {1, 2, 4}) {
      rows.put("contention/buddy/" + threads + "/0", threads(threads, 0, Operations.SteppedSizes::new));
    }
    rows.put("latency/fixed", latency(payloads -> new Operations.FixedLatency(payloads, 4 * KIB)));
    rows.put("latency/buddy", latency(Operations.ChurnLatency::new));
    return rows;
  }

  private static Row oneThread(int largestFill, Function<Payloads, Operation> make) {
    return threads(1, largestFill, make);
  }

  private static Row threads(int threads, int largestFill, Function<Payloads, Operation> make) {
    return (allocator, ms) ->
        Timing.mean(allocator, threads, () -> make.apply(new Payloads(allocator, largestFill)), ms);
  }

  private static Row latency(Function<Payloads, Operations.Latency> make) {
    return (allocator, ms) -> Timing.latency(allocator, () -> make.apply(new Payloads(allocator, 0)), ms);
  }
}
