package bench.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;

/** Allocates payloads and fills them. */
final class Payloads {
  static final byte FILL = 0x5a;

  private final ByteBufAllocator allocator;
  private final ByteBuf source;

  Payloads(ByteBufAllocator allocator, int largestFill) {
    this.allocator = allocator;
    // From another allocator: otherwise the allocator under test would never be empty.
    source = PooledByteBufAllocator.DEFAULT.directBuffer(largestFill);
    for (int index = 0; index < largestFill; index++) {
      source.setByte(index, FILL);
    }
  }

  ByteBuf allocate(int size) {
    return allocator.directBuffer(size);
  }

  /**
   * Fills a buffer that was just allocated. Of the ways tried, copying from direct memory was the fastest, or within
   * the noise of the fastest, at every size. A loop of writeLong took a little longer for 64 bytes, twice as long for
   * 1 KiB, and four to eight times as long from 4 to 64 KiB. Copying from a byte array took up to half as long again
   * for 4 and 16 KiB. At those sizes the alignment of the source matters. It is best aligned like the buffers, so the
   * source comes from a chunk like theirs.
   */
  void fill(ByteBuf buffer, int size) {
    buffer.setBytes(0, source, 0, size).writerIndex(size);
  }

  ByteBuf filled(int size) {
    ByteBuf buffer = allocate(size);
    if (size > 0) {
      fill(buffer, size);
    }
    return buffer;
  }

  static void check(ByteBuf buffer, int size) {
    require(buffer.isDirect() && buffer.refCnt() > 0, "not a live direct buffer");
    // Even a buffer of size 0 has some room. Only the shared empty buffer has none.
    require(buffer.maxFastWritableBytes() > 0 || size > 0, "nothing was allocated");
    require(buffer.readableBytes() == size, "%d bytes instead of %d".formatted(buffer.readableBytes(), size));
    int other = buffer.forEachByte(value -> value == FILL);
    require(other == -1, "wrong byte at " + other);
  }

  static void releaseLast(ByteBuf buffer) {
    require(buffer.release() && buffer.refCnt() == 0, "still referenced");
  }

  static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalStateException(otherwise);
    }
  }
}
