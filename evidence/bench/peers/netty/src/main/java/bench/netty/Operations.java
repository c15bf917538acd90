package bench.netty;

import io.netty.buffer.ByteBuf;
import org.HdrHistogram.Histogram;

/**
 * The operations of all rows. Other subjects freeze a buffer once it is written. Here it is left as it is: Netty has no
 * such step, and asReadOnly would only put a view around the buffer.
 */
final class Operations {
  private Operations() {}

  /** Makes one buffer after the other, and releases each one at once. */
  abstract static class OneByOne extends Operation {
    abstract ByteBuf next();

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        ByteBuf buffer = next();
        consume(buffer);
        buffer.release();
      }
    }
  }

  /** Allocates, fills and releases. */
  static final class RoundTrip extends OneByOne {
    private final Payloads payloads;
    private final int capacity;
    private final int size;

    RoundTrip(Payloads payloads, int capacity, int size) {
      this.payloads = payloads;
      this.capacity = capacity;
      this.size = size;
    }

    @Override
    void verify() {
      ByteBuf buffer = next();
      Payloads.require(buffer.capacity() == capacity, "wrong capacity");
      Payloads.check(buffer, size);
      Payloads.releaseLast(buffer);
    }

    @Override
    ByteBuf next() {
      ByteBuf buffer = payloads.allocate(capacity);
      if (size > 0) {
        payloads.fill(buffer, size);
      }
      return buffer;
    }
  }

  /** Makes several buffers, then releases them in reverse order. */
  static final class Lifo extends Operation {
    private final Payloads payloads;
    private final ByteBuf[] buffers;
    private final int size;

    Lifo(Payloads payloads, int count, int size) {
      this.payloads = payloads;
      this.buffers = new ByteBuf[count];
      this.size = size;
    }

    @Override
    void verify() {
      make();
      for (ByteBuf buffer : buffers) {
        Payloads.check(buffer, size);
      }
      release();
      for (ByteBuf buffer : buffers) {
        Payloads.require(buffer.refCnt() == 0, "still referenced");
      }
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        make();
        release();
      }
    }

    @Override
    int roundTrips() {
      return buffers.length;
    }

    private void make() {
      for (int index = 0; index < buffers.length; index++) {
        buffers[index] = payloads.filled(size);
      }
    }

    private void release() {
      for (int index = buffers.length - 1; index >= 0; index--) {
        buffers[index].release();
      }
    }
  }

  /** Releases the oldest buffer of a ring and makes a new one in its place. */
  static final class Fifo extends Operation {
    private final Payloads payloads;
    private final ByteBuf[] ring;
    private final int size;
    private int oldest;

    Fifo(Payloads payloads, int live, int size) {
      this.payloads = payloads;
      this.ring = new ByteBuf[live];
      this.size = size;
      for (int index = 0; index < live; index++) {
        ring[index] = payloads.filled(size);
      }
    }

    @Override
    void verify() {
      ByteBuf first = ring[0];
      Payloads.check(first, size);
      Payloads.require(first.refCnt() == 1, "shared");
      run(1);
      for (ByteBuf buffer : ring) {
        Payloads.check(buffer, size);
      }
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        ring[oldest].release();
        ring[oldest] = payloads.filled(size);
        oldest = oldest + 1 & ring.length - 1;
      }
    }

    @Override
    void close() {
      releaseAll(ring);
    }
  }

  static final class RandomSizes extends Operation {
    private final Payloads payloads;
    private final int[] sizes = Plans.randomSizes();
    private int step;

    RandomSizes(Payloads payloads) {
      this.payloads = payloads;
    }

    @Override
    void verify() {
      ByteBuf buffer = payloads.filled(sizes[0]);
      Payloads.check(buffer, sizes[0]);
      Payloads.releaseLast(buffer);
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        ByteBuf buffer = payloads.filled(sizes[step]);
        consume(buffer);
        buffer.release();
        step = step + 1 & Plans.STEPS - 1;
      }
    }
  }

  /** Replaces one of many live buffers of mixed sizes with another. */
  static final class Churn extends Operation {
    private final Payloads payloads;
    private final Plans.Churn plan = Plans.churn();
    private final int[] sizes = plan.sizes();
    private final int[] places = plan.places();
    private final ByteBuf[] live;
    private int step;

    Churn(Payloads payloads) {
      this.payloads = payloads;
      this.live = firstOf(payloads, sizes);
    }

    @Override
    void verify() {
      int place = places[step + 1];
      Payloads.require(live[place].refCnt() == 1, "shared");
      run(1);
      Payloads.require(live[place].capacity() == sizes[step] && live[place].refCnt() == 1, "wrong size, or shared");
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        step = step + 1 & Plans.STEPS - 1;
        int place = places[step];
        live[place].release();
        live[place] = payloads.allocate(sizes[step]);
      }
    }

    @Override
    void close() {
      releaseAll(live);
    }
  }

  static final class Clone extends Operation {
    private static final int SIZE = 1024;
    private final ByteBuf payload;

    Clone(Payloads payloads) {
      payload = payloads.filled(SIZE);
    }

    @Override
    void verify() {
      ByteBuf clone = payload.retainedDuplicate();
      Payloads.require(payload.refCnt() == 2, "not retained");
      Payloads.check(clone, SIZE);
      clone.release();
      Payloads.require(payload.refCnt() == 1, "not released");
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        ByteBuf clone = payload.retainedDuplicate();
        consume(clone);
        clone.release();
      }
    }

    @Override
    void close() {
      Payloads.releaseLast(payload);
    }
  }

  static final class Slice extends Operation {
    private static final int SIZE = 1024;
    private static final int START = 10;
    private static final int END = 900;
    private final ByteBuf payload;

    Slice(Payloads payloads) {
      payload = payloads.filled(SIZE);
    }

    @Override
    void verify() {
      ByteBuf slice = payload.retainedSlice(START, END - START);
      Payloads.require(payload.refCnt() == 2, "not retained");
      Payloads.check(slice, END - START);
      slice.release();
      Payloads.require(payload.refCnt() == 1, "not released");
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        ByteBuf slice = payload.retainedSlice(START, END - START);
        consume(slice);
        slice.release();
      }
    }

    @Override
    void close() {
      Payloads.releaseLast(payload);
    }
  }

  /** Gives each message to every consumer. */
  static final class FanOut extends Operation {
    private final Payloads payloads;
    private final Queue[] queues;
    private final int size;
    private long sum;

    FanOut(Payloads payloads, int consumers, int size) {
      this.payloads = payloads;
      this.size = size;
      queues = new Queue[consumers];
      for (int index = 0; index < consumers; index++) {
        queues[index] = new Queue();
      }
      for (int place = 0; place < Queue.CAPACITY; place++) {
        ByteBuf message = payloads.filled(size);
        for (Queue queue : queues) {
          queue.ring[place] = message.retainedDuplicate();
        }
        message.release();
      }
    }

    @Override
    void verify() {
      long before = sum;
      ByteBuf message = payloads.filled(size);
      Payloads.check(message, size);
      send(message);
      Payloads.require(message.refCnt() == queues.length + 1, "some consumers have no handle on the message");
      message.release();
      Payloads.require(sum - before == (long) queues.length * Payloads.FILL, "wrong sum");
      for (Queue queue : queues) {
        for (ByteBuf held : queue.ring) {
          Payloads.require(held.readableBytes() == size && held.getByte(size - 1) == Payloads.FILL, "wrong message");
        }
      }
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        ByteBuf message = payloads.filled(size);
        send(message);
        message.release();
      }
    }

    @Override
    void close() {
      Payloads.require(sum % Payloads.FILL == 0, "wrong sum");
      for (Queue queue : queues) {
        releaseAll(queue.ring);
      }
    }

    private void send(ByteBuf message) {
      for (Queue queue : queues) {
        sum += queue.push(message.retainedDuplicate());
      }
    }

    /** The messages that a consumer has yet to read. */
    private static final class Queue {
      private static final int CAPACITY = 16;
      private final ByteBuf[] ring = new ByteBuf[CAPACITY];
      private int oldest;

      /** Pushes the newest message, and returns the first byte of the oldest. */
      int push(ByteBuf newest) {
        ByteBuf read = ring[oldest];
        ring[oldest] = newest;
        oldest = oldest + 1 & CAPACITY - 1;
        int value = read.getByte(0);
        read.release();
        return value;
      }
    }
  }

  /** Round trips of mixed sizes. Each one writes a single byte. */
  static final class SteppedSizes extends OneByOne {
    private final Payloads payloads;
    private final int[] sizes = Plans.steppedSizes();
    private int step;

    SteppedSizes(Payloads payloads) {
      this.payloads = payloads;
    }

    @Override
    void verify() {
      ByteBuf buffer = next();
      Payloads.require(buffer.capacity() == sizes[0], "wrong size");
      Payloads.require(buffer.readableBytes() == 1 && buffer.getByte(0) == 1, "not written");
      Payloads.releaseLast(buffer);
    }

    @Override
    ByteBuf next() {
      ByteBuf buffer = payloads.allocate(sizes[step]).writeByte(1);
      step = step + 1 & sizes.length - 1;
      return buffer;
    }
  }

  /** An operation that records the time of each call to allocate. */
  abstract static class Latency extends Operation {
    private final Payloads payloads;
    private final Histogram histogram = new Histogram(60_000_000_000L, 3);

    Latency(Payloads payloads) {
      this.payloads = payloads;
    }

    final Histogram histogram() {
      return histogram;
    }

    final ByteBuf allocate(int size) {
      long before = System.nanoTime();
      ByteBuf buffer = payloads.allocate(size);
      long after = System.nanoTime();
      histogram.recordValue(after - before);
      return buffer.writeByte(1);
    }
  }

  static final class FixedLatency extends Latency {
    private final int size;

    FixedLatency(Payloads payloads, int size) {
      super(payloads);
      this.size = size;
    }

    @Override
    void verify() {
      ByteBuf buffer = allocate(size);
      Payloads.require(buffer.capacity() == size && buffer.readableBytes() == 1, "wrong size");
      Payloads.releaseLast(buffer);
      Payloads.require(histogram().getTotalCount() == 1, "not recorded");
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        ByteBuf buffer = allocate(size);
        consume(buffer);
        buffer.release();
      }
    }
  }

  static final class ChurnLatency extends Latency {
    private final Plans.Churn plan = Plans.churn();
    private final int[] sizes = plan.sizes();
    private final int[] places = plan.places();
    private final ByteBuf[] live;
    private int step;

    ChurnLatency(Payloads payloads) {
      super(payloads);
      live = firstOf(payloads, sizes);
    }

    @Override
    void verify() {
      run(1);
      ByteBuf buffer = live[places[step]];
      Payloads.require(buffer.capacity() == sizes[step] && buffer.readableBytes() == 1, "wrong size");
      Payloads.require(histogram().getTotalCount() == 1, "not recorded");
    }

    @Override
    void run(int times) {
      for (int time = 0; time < times; time++) {
        step = step + 1 & Plans.STEPS - 1;
        int place = places[step];
        live[place].release();
        live[place] = allocate(sizes[step]);
      }
    }

    @Override
    void close() {
      releaseAll(live);
    }
  }

  private static ByteBuf[] firstOf(Payloads payloads, int[] sizes) {
    ByteBuf[] live = new ByteBuf[Plans.LIVE];
    for (int index = 0; index < live.length; index++) {
      live[index] = payloads.allocate(sizes[index]);
    }
    return live;
  }

  private static void releaseAll(ByteBuf[] buffers) {
    for (ByteBuf buffer : buffers) {
      buffer.release();
    }
  }
}
