import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import {
  type ArenaBuffer,
  BuddyArena,
  BuddyGeometry,
  type Bytes,
  BytesChannel,
  FixedArena,
  type Leak,
  LeakDetection,
  openSites,
} from 'arena-alligator';
import type { Site } from '#internal/base/site';
import { SAMPLED_ONE_IN } from '#internal/nets/leak-watch';
import { assertAllReturned, frozen } from '../support/arenas.js';
import { collectUntil } from '../support/collector.js';
import { uncaughtDuring } from '../support/uncaught.js';
import { catchWarnings } from '../support/warnings.js';

const warnings = catchWarnings();

function watched(slotCount = 4): FixedArena {
  return FixedArena.withSlotCapacity(slotCount, 16).leakDetection('full').build();
}

test('full lists open allocations with site, stack, age and size, the oldest first, until they are released', () => {
  const arena = watched();
  const first = arena.allocate();
  const second = frozen(arena, 'two');
  const open = arena.openAllocations();
  assert.equal(open.length, 2);
  assert.match(open[0]?.site ?? '', /leak-detection\.test/);
  assert.match(open[1]?.site ?? '', /support\/arenas/, 'the first frame outside the library');
  assert.match(open[1]?.stack ?? '', /support\/arenas.*\n.*leak-detection\.test/);
  assert.doesNotMatch(open[0]?.stack ?? '', /dist\//);
  assert.ok((open[0]?.age ?? -1) >= (open[1]?.age ?? 0));
  assert.deepEqual([open[0]?.bytes, open[0]?.pinned], [16, false]);
  assert.ok(Object.isFrozen(open[0]));
  first.abandon();
  assert.equal(arena.openAllocations().length, 1);
  second.clone().release();
  assert.equal(arena.openAllocations().length, 1, 'open as long as one handle is live');
  second.release();
  assert.deepEqual(arena.openAllocations(), []);
  assertAllReturned(arena);
});

test('an allocation is no longer open after its memory came back, in any way', async () => {
  const arena = FixedArena.withSlotCapacity(2, 16).leakDetection('full').autoSpill().build();
  arena.allocate().freeze();
  arena.allocate().abandon();
  arena.allocate().putBytes(1, 17).freeze().release(); // spilled
  arena.allocate().putU8(1).freeze().intoOwned();
  arena.allocate().putU8(1).freeze().tryIntoMut()?.abandon();
  const bytes = arena.allocate().putU8(1).freeze();
  bytes.truncate(0);
  {
    using kept = arena.allocate();
    kept.putU8(1);
  }
  assert.deepEqual(arena.openAllocations(), []);
  assertAllReturned(arena);
  const raw = FixedArena.withSlotCapacity(1, 16).leakDetection('full').hazmatRawAccess().build();
  const region = raw.rawAllocate();
  assert.equal(raw.openAllocations().length, 1);
  region.release();
  assert.deepEqual(raw.openAllocations(), []);
});

test('leaks are reported once for each site, with the stack and the age of the allocation', async () => {
  const arena = watched(8);
  const leak = (): ArenaBuffer => arena.allocate();
  (() => {
    for (let i = 0; i < 3; i++) leak();
    frozen(arena, 'elsewhere');
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 4));
  assert.deepEqual(warnings.codes, ['ARENA_LEAK', 'ARENA_LEAK']);
  const here = warnings.messages.find((message) => !message.includes('support/arenas'));
  assert.match(here ?? '', /forgotten without release.*16 bytes for \d+ ms.*\n.*leak-detection\.test/);
  assert.deepEqual(arena.openAllocations(), []);
  assertAllReturned(arena);
});

test('a leak that pins memory is reported although a harmless leak of the same site was reported before', async () => {
  const arena = watched(8);
  const allocate = (): ArenaBuffer => arena.allocate();
  const leak = (lends: boolean): void => {
    const buffer = allocate();
    if (lends) buffer.chunkMut();
  };
  leak(false);
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 1));
  leak(true);
  leak(true);
  assert.ok(await collectUntil(() => arena.metrics().leaksPinned === 2));
  assert.deepEqual(warnings.codes, ['ARENA_LEAK', 'ARENA_LEAK_PINNED']);
  assert.equal(arena.openAllocations().length, 2);
});

test('open allocations are listed by age, whether they are pinned or not', async () => {
  const arena = watched();
  const first = arena.allocate();
  (() => {
    arena.allocate().chunkMut();
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksPinned === 1));
  const last = arena.allocate();
  assert.deepEqual(
    arena.openAllocations().map(({ pinned }) => pinned),
    [false, true, false],
  );
  first.abandon();
  last.abandon();
});

test('a site is a place in the program, even if the runtime called the library', async () => {
  const arena = FixedArena.withSlotCapacity(2, 16).shared({ maxThreads: 1 }).leakDetection('full').build();
  const channel = BytesChannel.create(arena, { capacity: 2 });
  channel.trySend(frozen(arena, 'one'));
  channel.close();
  for await (const bytes of channel) {
    const [open] = arena.openAllocations();
    assert.match(open?.site ?? '', /leak-detection\.test|unknown place/);
    assert.doesNotMatch(open?.site ?? '', /\(<anonymous>\)|node:|dist/);
    bytes.release();
  }
  assertAllReturned(arena);
});

test('sites are found when the library is bundled into a script or loaded from a data URL', async () => {
  // Remove the link to the source map, which cannot be found from a data URL.
  const source = readFileSync(new URL('../../../dist/base/site.js', import.meta.url), 'utf8').replace(
    /^\/\/# source.*$/m,
    '',
  );
  const bundled = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as { callSite(): Site };
  assert.match(bundled.callSite().place, /leak-detection\.test/);
  const script = source.replaceAll('import.meta', '({})').replaceAll('export ', '');
  const callSite = runInNewContext(`${script}\ncallSite`, { URL }) as () => Site;
  assert.match(callSite().place, /leak-detection\.test/);
});

test('onLeak gets every leak instead of a warning, pinned or not, with or without a recorded site', async () => {
  for (const level of [LeakDetection.Off, LeakDetection.Full]) {
    const leaks: Leak[] = [];
    const arena = BuddyArena.builder(BuddyGeometry.exact(256, 16))
      .leakDetection(level)
      .onLeak((leak) => leaks.push(leak))
      .build();
    const views: Uint8Array[] = [];
    (() => {
      for (let i = 0; i < 2; i++) arena.allocate(20).putU8(1);
      views.push(arena.allocate(16).chunkMut());
    })();
    assert.ok(await collectUntil(() => leaks.length === 3));
    assert.deepEqual(leaks.map(({ pinned, lent, bytes }) => [pinned, lent, bytes]).sort(), [
      [false, false, 32],
      [false, false, 32],
      [true, true, 16],
    ]);
    for (const { site, stack, age } of leaks) {
      assert.equal(site?.includes('leak-detection.test'), level === 'full' ? true : undefined);
      assert.equal(typeof stack, level === 'full' ? 'string' : 'undefined');
      assert.equal(typeof age, level === 'full' ? 'number' : 'undefined');
    }
    const { leaksReclaimed, leaksPinned } = arena.metrics();
    assert.deepEqual([leaksReclaimed, leaksPinned], [2, 1]);
    assert.equal(arena.openAllocations().filter(({ pinned }) => pinned).length, level === 'full' ? 1 : 0);
  }
  assert.deepEqual(warnings.codes, []);
});

test('an error in onLeak is uncaught and does no harm, and onLeak may use the arena', async () => {
  const arena = FixedArena.withSlotCapacity(2, 16)
    .onLeak(() => {
      arena.allocate().abandon();
      throw new Error('of the program');
    })
    .build();
  const uncaught = await uncaughtDuring(async () => {
    (() => {
      arena.allocate();
      arena.allocate();
    })();
    assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 2));
  });
  assert.deepEqual(
    uncaught.map((error) => (error as Error).message),
    ['of the program', 'of the program'],
  );
  assertAllReturned(arena);
});

test('an arena that is forgotten together with its handles still has its leaks reported', async () => {
  const leaks: Leak[] = [];
  (() => {
    const arena = FixedArena.withSlotCapacity(4, 16)
      .leakDetection('full')
      .onLeak((leak) => leaks.push(leak))
      .build();
    arena.allocate();
    frozen(arena, 'lost');
  })();
  assert.ok(await collectUntil(() => leaks.length === 2));
});

test('leak detection does not keep an arena alive that has no open allocation', async () => {
  const gone = (() => {
    const arena = watched();
    const bytes = frozen(arena, 'back');
    const { buffer } = bytes.view;
    bytes.release();
    return new WeakRef(buffer);
  })();
  assert.ok(await collectUntil(() => gone.deref() === undefined));
});

test('leak detection keeps no handle alive, not even if a method of its holder allocated it', async () => {
  const arena = watched(64);
  class Holder {
    readonly bytes: Bytes;
    constructor() {
      this.bytes = this.make();
    }
    make(): Bytes {
      return arena.allocate().putU8(1).freeze();
    }
  }
  (() => {
    for (let i = 0; i < 20; i++) new Holder();
  })();
  assert.ok(await collectUntil(() => arena.metrics().leaksReclaimed === 20));
  assertAllReturned(arena);
});

test('openSites groups allocations by site, the sites with the most bytes first', () => {
  const arena = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).leakDetection('full').build();
  const small = [1, 2, 3].map(() => arena.allocate(64));
  const large = arena.allocate(1024);
  const sites = openSites(arena.openAllocations());
  assert.deepEqual(
    sites.map(({ count, bytes }) => [count, bytes]),
    [
      [1, 1024],
      [3, 192],
    ],
  );
  assert.ok(sites.every(({ site, stack, oldest }) => stack.includes(site) && oldest >= 0));
  for (const buffer of [...small, large]) buffer.abandon();
  assert.deepEqual(openSites(arena.openAllocations()), []);
  assertAllReturned(arena);
});

test('openSites shows the stack of the oldest allocation of a site', () => {
  const open = [1, 5, 3].map((age) => ({ site: 'here', stack: `${age} old`, age, bytes: 1, pinned: false }));
  assert.deepEqual(openSites(open), [{ site: 'here', stack: '5 old', count: 3, bytes: 3, oldest: 5 }]);
});

test('sampled watches about one allocation in 8,192, whatever the rhythm of the program', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).leakDetection('sampled').build();
  const rounds = 60 * SAMPLED_ONE_IN;
  const seen = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const buffer = arena.allocate();
    if (arena.openAllocations().length > 0) seen[round % 2] = (seen[round % 2] ?? 0) + 1;
    buffer.abandon();
  }
  const [even = 0, odd = 0] = seen;
  // 60 on average with a standard deviation below 5. The count is outside these bounds once in 10^15 runs.
  assert.ok(even + odd > 20 && even + odd < 110, `${even + odd} of ${rounds}`);
  assert.ok(even > 0 && odd > 0);
  assert.deepEqual(arena.openAllocations(), []);
  assertAllReturned(arena);
});

test('the site of a request that waited is where the program asked, not where memory was released', async () => {
  const arena = FixedArena.withSlotCapacity(1, 16).leakDetection('full').buildAsync();
  const first = arena.allocate();
  const askingPlace = (): Promise<ArenaBuffer> => arena.allocateAsync();
  const waiting = askingPlace();
  first.abandon();
  const second = await waiting;
  assert.match(arena.openAllocations()[0]?.site ?? '', /askingPlace/);
  second.abandon();
  assertAllReturned(arena);
});

test('bytes that leave by ticket are no longer open, and are watched where they arrive', () => {
  const arena = FixedArena.withSlotCapacity(2, 16).shared({ maxThreads: 1 }).leakDetection('full').build();
  const ticket = frozen(arena, 'sent').toTicket();
  assert.deepEqual(arena.openAllocations(), []);
  const arrived = arena.redeem(ticket);
  assert.match(arena.openAllocations()[0]?.site ?? '', /leak-detection\.test/);
  arrived.release();
  assert.deepEqual(arena.openAllocations(), []);
  assertAllReturned(arena);
});

test('a program whose Error.prepareStackTrace throws or returns no stack can still allocate', () => {
  const arena = watched();
  const { prepareStackTrace } = Error;
  try {
    for (const prepare of [
      () => {
        throw new Error('bad');
      },
      () => Object.create(null),
      () => [],
      () => 'not a stack',
    ]) {
      Error.prepareStackTrace = prepare;
      arena.allocate().putU8(1).freeze().release();
    }
  } finally {
    Object.assign(Error, { prepareStackTrace });
  }
  assertAllReturned(arena);
});

test('the site is found below any first line of the stack', () => {
  const arena = watched();
  const { prepareStackTrace } = Error;
  try {
    for (const heading of ['Error', 'Error: ', '']) {
      Error.prepareStackTrace = (_error, frames) => [heading, ...frames.map((frame) => `    at ${frame}`)].join('\n');
      const buffer = arena.allocate();
      Object.assign(Error, { prepareStackTrace });
      assert.match(arena.openAllocations()[0]?.site ?? '', /leak-detection\.test/);
      buffer.abandon();
    }
  } finally {
    Object.assign(Error, { prepareStackTrace });
  }
  assertAllReturned(arena);
});

test('the stack trace limit of the program is left as it was', () => {
  const limit = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = 7;
    watched().allocate().abandon();
    assert.equal(Error.stackTraceLimit, 7);
  } finally {
    Error.stackTraceLimit = limit;
  }
});

test('without leak detection no open allocation is listed', () => {
  const arena = FixedArena.withSlotCapacity(1, 16).build();
  const buffer = arena.allocate();
  assert.deepEqual(arena.openAllocations(), []);
  buffer.abandon();
  assertAllReturned(arena);
});

test('invalid levels and listeners are refused', () => {
  const builder = FixedArena.withSlotCapacity(1, 16);
  for (const level of ['on', true, 1, null, undefined]) {
    assert.throws(() => builder.leakDetection(level as 'full'), TypeError);
  }
  for (const listener of ['x', {}, null, undefined]) assert.throws(() => builder.onLeak(listener as never), TypeError);
  const buffer = builder.build().allocate();
  assert.equal(buffer.capacity, 16);
  buffer.abandon();
});
