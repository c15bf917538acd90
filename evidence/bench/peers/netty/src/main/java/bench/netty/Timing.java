package bench.netty;

import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PoolArenaMetric;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/** Warms up operations and times them, in threads for which Netty keeps caches. */
final class Timing {
  private static final long WARM_UP_MS = 2000;
  private static final int MOST_PER_CLOCK = 64;
  private static final double NANOS_PER_CLOCK = 640_000;

  private record Run(long count, long nanos) {
    double nanosEach() {
      return (double) nanos / count;
    }
  }

  private Timing() {}

  /** The mean time per operation of all threads together. Each thread has its own operation. */
  static String mean(ByteBufAllocator allocator, int threads, Supplier<Operation> make, long ms) throws Exception {
    CyclicBarrier start = new CyclicBarrier(threads);
    List<Run> runs =
        inThreads(
            allocator,
            threads,
            () -> {
              Operation operation = make.get();
              int batch = warmUp(operation);
              // The timeout: otherwise the other threads would wait forever for one that failed.
              start.await(60, TimeUnit.SECONDS);
              Run run = run(operation, batch, ms);
              operation.close();
              return run;
            });
    double perNano = runs.stream().mapToDouble(run -> 1 / run.nanosEach()).sum();
    long count = runs.stream().mapToLong(Run::count).sum();
    return String.format(Locale.ROOT, "{\"ns\": %.3f, \"count\": %d}", 1 / perNano, count);
  }

  static String latency(ByteBufAllocator allocator, Supplier<Operations.Latency> make, long ms) throws Exception {
    List<Histogram> histograms =
        inThreads(
            allocator,
            1,
            () -> {
              Operations.Latency operation = make.get();
              int batch = warmUp(operation);
              operation.histogram().reset();
              Run run = run(operation, batch, ms);
              operation.close();
              Payloads.require(operation.histogram().getTotalCount() == run.count(), "unrecorded allocations");
              return operation.histogram();
            });
    Histogram histogram = histograms.get(0);
    return String.format(
        Locale.ROOT,
        "{\"p50\": %d, \"p99\": %d, \"p999\": %d, \"max\": %d, \"ns\": %.3f}",
        histogram.getValueAtPercentile(50),
        histogram.getValueAtPercentile(99),
        histogram.getValueAtPercentile(99.9),
        histogram.getMaxValue(),
        histogram.getMean());
  }

  private static <T> List<T> inThreads(ByteBufAllocator allocator, int threads, Callable<T> work) throws Exception {
    List<FutureTask<T>> tasks = new ArrayList<>();
    List<Thread> started = new ArrayList<>();
    for (int index = 0; index < threads; index++) {
      FutureTask<T> task = new FutureTask<>(work);
      Thread thread = new FastThreadLocalThread(task);
      thread.start();
      tasks.add(task);
      started.add(thread);
    }
    List<T> results = new ArrayList<>();
    for (FutureTask<T> task : tasks) {
      results.add(task.get());
    }
    for (Thread thread : started) {
      thread.join();
    }
    requireEmpty(allocator);
    return results;
  }

  // A thread gives up its caches when it ends. The adaptive allocator does not report what is in use.
  private static void requireEmpty(ByteBufAllocator allocator) {
    if (allocator instanceof PooledByteBufAllocator pooled) {
      long active = pooled.metric().directArenas().stream().mapToLong(PoolArenaMetric::numActiveAllocations).sum();
      Payloads.require(active == 0, active + " buffers were not released");
    }
  }

  /** Returns the number of operations to run between two readings of the clock. */
  private static int warmUp(Operation operation) {
    operation.verify();
    double nanosEach = run(operation, MOST_PER_CLOCK, WARM_UP_MS).nanosEach() * operation.roundTrips();
    return (int) Math.max(1, Math.min(MOST_PER_CLOCK, NANOS_PER_CLOCK / nanosEach));
  }

  private static Run run(Operation operation, int batch, long ms) {
    long nanos = TimeUnit.MILLISECONDS.toNanos(ms);
    long start = System.nanoTime();
    long count = 0;
    long taken;
    do {
      operation.run(batch);
      count += batch;
      taken = System.nanoTime() - start;
    } while (taken < nanos);
    return new Run(count * operation.roundTrips(), taken);
  }
}
