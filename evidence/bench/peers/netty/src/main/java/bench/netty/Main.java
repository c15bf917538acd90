package bench.netty;

import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.Version;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * {@code ID MS} measures a case and prints its figures as JSON. {@code --list} prints the ids. {@code --version} prints
 * the versions that are measured.
 */
public final class Main {
  private interface Case {
    String measure(long ms) throws Exception;
  }

  private Main() {}

  public static void main(String[] args) {
    // Netty reads these properties when its classes load, and none has loaded yet. Without the second property, pooled
    // allocators keep caches only for the threads of Netty's event loops.
    System.setProperty("io.netty.leakDetection.level", "disabled");
    System.setProperty("io.netty.allocator.useCacheForAllThreads", "true");
    try {
      System.out.println(answer(args));
    } catch (Throwable failure) {
      failure.printStackTrace();
      // Exit explicitly: threads of a failed case may still run.
      System.exit(1);
    }
  }

  private static String answer(String[] args) throws Exception {
    if (args.length == 1 && args[0].equals("--list")) {
      return String.join("\n", cases().keySet());
    }
    if (args.length == 1 && args[0].equals("--version")) {
      String netty = Version.identify().get("netty-buffer").artifactVersion();
      return "netty-buffer %s, JDK %s".formatted(netty, Runtime.version());
    }
    if (args.length != 2) {
      throw new IllegalArgumentException("usage: ID MS | --list | --version");
    }
    Case chosen = cases().get(args[0]);
    if (chosen == null) {
      throw new IllegalArgumentException("no such case: " + args[0]);
    }
    return chosen.measure(Long.parseLong(args[1]));
  }

  private static Map<String, Case> cases() {
    Map<String, Case> cases = new LinkedHashMap<>();
    Rows.ALL.forEach(
        (name, row) -> {
          cases.put(name + "/netty-pooled", ms -> row.measure(new PooledByteBufAllocator(true), ms));
          // The second argument does for the adaptive allocator what the cache property above does for the pooled one.
          cases.put(name + "/netty-adaptive", ms -> row.measure(new AdaptiveByteBufAllocator(true, true), ms));
        });
    return cases;
  }
}
