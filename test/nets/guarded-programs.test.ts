import assert from 'node:assert/strict';
import { createWriteStream, read, write } from 'node:fs';
import { test } from 'node:test';
import {
  BuddyArena,
  BuddyGeometry,
  type Bytes,
  BytesChannel,
  FixedArena,
  GuardError,
  type RawBuddyArena,
  type RawFixedArena,
  type SharedBuddyArena,
  type SharedFixedArena,
} from 'arena-alligator';
import { assertAllReleased, UnreleasedError } from 'arena-alligator/testing';
import { environment } from '#internal/base/environment';
import { assertAllReturned } from '../support/arenas.js';
import { settled } from '../support/outcome.js';
import { overHttp, overSocket, withPipe } from '../support/slow-io.js';
import { answer, inWorker } from '../support/threads.js';

// Each program makes one mistake on purpose. In a plain arena the program sees or changes the bytes of another owner,
// and nothing is reported. A guarded arena must catch the mistake: the program sees no bytes or only filling, or there
// is an error or a report. It must never see the bytes of another owner.

type Arena = FixedArena | BuddyArena;
type RawArena = RawFixedArena | RawBuddyArena;
type SharedArena = SharedFixedArena | SharedBuddyArena;

interface Program<Of> {
  readonly name: string;
  /** What is seen when it runs in a plain arena. */
  readonly plain: string;
  /** What is seen in a guarded arena, or the name of the error that is thrown. */
  readonly guarded: string;
  /** What the guard reports without throwing it. */
  readonly report?: { readonly code: string; readonly message: RegExp };
  /** Bytes of an allocation. The arena has one block, so the next allocation gets the same block. */
  readonly size: number;
  readonly run: (arena: Of) => string | Promise<string>;
}

const OWN = 'own bytes';
const NEXT = 'next ones';
/** `OWN` after its first byte was overwritten with `MARK`. */
const WRITTEN = '!wn bytes';
const MARK = 0x21;

const SIZE = 64;
/** More than a socket takes while the other side does not read. */
const LARGE = 1024 * 1024;

function own(arena: Arena): Bytes {
  return arena.allocate(SIZE).putUtf8(OWN).freeze();
}

/** Returns what `look` sees after the next owner of the memory has written to it. */
function nextSeenBy(arena: Arena, look: () => string): string {
  using next = arena.allocate(SIZE).putUtf8(NEXT);
  assert.equal(next.length, NEXT.length);
  return look();
}

/** Returns what the next owner reads after `act` has run, which uses the memory without a right to it. */
async function nextAfter(arena: Arena, act: () => void | Promise<void>): Promise<string> {
  using next = arena.allocate(SIZE).putUtf8(NEXT).freeze();
  await act();
  return next.toString();
}

/** Returns the first bytes of a view as text, or an empty string if the view is detached. */
function text(view: Uint8Array): string {
  if (view.length === 0) {
    assert.equal(view[0], undefined);
    return '';
  }
  return Buffer.from(view.subarray(0, OWN.length)).toString('latin1');
}

function fieldsText(fields: DataView): string {
  try {
    return String.fromCharCode(...Array.from(OWN, (_, index) => fields.getUint8(index)));
  } catch (error) {
    return nameOf(error);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

/** Reads bytes and then releases them. This must be the last reference. */
function lastRead(bytes: Bytes): string {
  const content = bytes.toString();
  bytes.release();
  return content;
}

/** Returns every distinct byte, in order of first occurrence. */
function distinct(bytes: Uint8Array): string {
  return Buffer.from([...new Set(bytes)]).toString('latin1');
}

const OWN_BYTE = 0x6f; // o
const NEXT_BYTE = 0x6e; // n
/** The filling of memory that was given back to a guarded arena. */
const RETIRED = '\xdd';

/** Gives `send` a view of bytes. When `send` returns, the bytes are released and the next owner overwrites them. */
async function releasedUnder(
  arena: Arena,
  size: number,
  send: (view: Uint8Array) => void | Promise<void>,
): Promise<void> {
  {
    using bytes = arena.allocate(size).putBytes(OWN_BYTE, size).freeze();
    await send(bytes.view);
  }
  arena.allocate(size).putBytes(NEXT_BYTE, size).abandon();
}

function written(file: number, view: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    write(file, view, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Reads four bytes into `view`, as soon as they arrive. */
function arrived(file: number, view: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    read(file, view, 0, 4, null, (error) => (error === null ? resolve() : reject(error)));
  });
}

const LATE = 'late';
const LATE_READ = {
  code: 'ARENA_WRITTEN_AFTER_RELEASE',
  message: /written to after its release\nallocated\n.*guarded-programs/,
};

function stale<Of>(name: string, run: Program<Of>['run'], guarded = ''): Program<Of> {
  return { name, plain: NEXT, guarded, size: SIZE, run };
}

function writtenFrozen<Of>(name: string, run: Program<Of>['run']): Program<Of> {
  return { name, plain: WRITTEN, guarded: 'GuardError', size: SIZE, run };
}

const PROGRAMS: readonly Program<Arena>[] = [
  stale('a view is read after its bytes are released', (arena) => {
    const bytes = own(arena);
    const { view } = bytes;
    bytes.release();
    return nextSeenBy(arena, () => text(view));
  }),
  stale('a subarray of the view is read after the bytes are released', (arena) => {
    const bytes = own(arena);
    const part = bytes.view.subarray(0, OWN.length);
    bytes.release();
    return nextSeenBy(arena, () => text(part));
  }),
  stale(
    'a DataView over the buffer of the view is read after the bytes are released',
    (arena) => {
      const bytes = own(arena);
      const { buffer, byteOffset, length } = bytes.view;
      const fields = new DataView(buffer, byteOffset, length);
      bytes.release();
      return nextSeenBy(arena, () => fieldsText(fields));
    },
    'TypeError',
  ),
  stale('a Buffer over the buffer of the view is read after the bytes are released', (arena) => {
    const bytes = own(arena);
    const { buffer, byteOffset, length } = bytes.view;
    const copyless = Buffer.from(buffer, byteOffset, length);
    bytes.release();
    return nextSeenBy(arena, () => text(copyless));
  }),
  stale('a view lent for writing is read after freeze and release', (arena) => {
    const buffer = arena.allocate(SIZE);
    const chunk = buffer.chunkMut();
    buffer.putUtf8(OWN).freeze().release();
    return nextSeenBy(arena, () => text(chunk));
  }),
  stale('a view lent for writing is read after the buffer is abandoned', (arena) => {
    const buffer = arena.allocate(SIZE);
    const chunk = buffer.chunkMut();
    buffer.putUtf8(OWN).abandon();
    return nextSeenBy(arena, () => text(chunk));
  }),
  stale('the view of a clone is read after the last release', (arena) => {
    const bytes = own(arena);
    const clone = bytes.clone();
    const { view } = clone;
    clone.release();
    assert.equal(text(view), OWN);
    bytes.release();
    return nextSeenBy(arena, () => text(view));
  }),
  stale('the view of a slice is read after the last release', (arena) => {
    const bytes = own(arena);
    const slice = bytes.slice(0, OWN.length);
    const { view } = slice;
    bytes.release();
    slice.release();
    return nextSeenBy(arena, () => text(view));
  }),
  stale('a view is read after the bytes are truncated to nothing', (arena) => {
    const bytes = own(arena);
    const { view } = bytes;
    bytes.truncate(0);
    const seen = nextSeenBy(arena, () => text(view));
    bytes.release();
    return seen;
  }),
  stale('a view is read after its bytes became a buffer again and that buffer is abandoned', (arena) => {
    const bytes = own(arena);
    const { view } = bytes;
    bytes.tryIntoMut()?.abandon();
    return nextSeenBy(arena, () => text(view));
  }),
  stale('a view is read after its bytes are moved to the heap', (arena) => {
    const bytes = own(arena);
    const { view } = bytes;
    assert.equal(bytes.intoOwned().length, OWN.length);
    return nextSeenBy(arena, () => text(view));
  }),
  stale(
    'a view is posted to a worker after its bytes are released',
    async (arena) => {
      const bytes = own(arena);
      const { view } = bytes;
      bytes.release();
      using next = arena.allocate(SIZE).putUtf8(NEXT);
      const worker = inWorker('port.on("message", (view) => port.postMessage(Buffer.from(view).toString()))');
      try {
        worker.postMessage(view);
        assert.equal(next.length, NEXT.length);
        return await answer<string>(worker);
      } catch (error) {
        return nameOf(error);
      } finally {
        await worker.terminate();
      }
    },
    'DataCloneError',
  ),
  {
    name: 'a view is written to after its bytes are released',
    plain: '!!!!!!!!!',
    guarded: NEXT,
    size: SIZE,
    run: (arena) => {
      const bytes = own(arena);
      const view: Uint8Array = bytes.view;
      bytes.release();
      return nextAfter(arena, () => {
        for (let index = 0; index < OWN.length; index++) view[index] = MARK;
      });
    },
  },
  {
    name: 'a view lent for writing is written to after the buffer is abandoned',
    plain: '!ext ones',
    guarded: NEXT,
    size: SIZE,
    run: (arena) => {
      const buffer = arena.allocate(SIZE);
      const chunk = buffer.chunkMut();
      buffer.abandon();
      return nextAfter(arena, () => {
        chunk[0] = MARK;
      });
    },
  },
  writtenFrozen('frozen bytes are written to through a view lent for writing', (arena) => {
    const buffer = arena.allocate(SIZE);
    const chunk = buffer.chunkMut();
    const bytes = buffer.putUtf8(OWN).freeze();
    chunk[0] = MARK;
    return lastRead(bytes);
  }),
  writtenFrozen('frozen bytes are written to through their view', (arena) => {
    const bytes = own(arena);
    const view: Uint8Array = bytes.view;
    view[0] = MARK;
    return lastRead(bytes);
  }),
  writtenFrozen('frozen bytes are written to through a Buffer over the buffer of their view', (arena) => {
    const bytes = own(arena);
    const { buffer, byteOffset, length } = bytes.view;
    Buffer.from(buffer, byteOffset, length).fill(MARK, 0, 1);
    return lastRead(bytes);
  }),
  writtenFrozen('frozen bytes are written to through the view of a clone that was released', (arena) => {
    const bytes = own(arena);
    const clone = bytes.clone();
    const view: Uint8Array = clone.view;
    clone.release();
    view[0] = MARK;
    return lastRead(bytes);
  }),
  {
    name: 'a pending system read writes into bytes that are already frozen',
    plain: LATE,
    guarded: 'GuardError',
    size: SIZE,
    run: (arena) =>
      withPipe(async (pipe) => {
        const buffer = arena.allocate(SIZE);
        const late = arrived(pipe.file, buffer.chunkMut());
        const bytes = buffer.advanceMut(LATE.length).freeze();
        pipe.write(LATE);
        await late;
        return lastRead(bytes);
      }),
  },
  {
    name: 'a pending system read writes into a buffer that was abandoned',
    plain: 'late ones',
    guarded: NEXT,
    report: LATE_READ,
    size: SIZE,
    run: (arena) =>
      withPipe(async (pipe) => {
        const buffer = arena.allocate(SIZE);
        const late = arrived(pipe.file, buffer.chunkMut());
        buffer.abandon();
        return nextAfter(arena, async () => {
          pipe.write(LATE);
          await late;
        });
      }),
  },
  {
    name: 'a pending system read writes into bytes that were released',
    plain: 'late ones',
    guarded: NEXT,
    report: LATE_READ,
    size: SIZE,
    run: (arena) =>
      withPipe(async (pipe) => {
        const buffer = arena.allocate(SIZE);
        const late = arrived(pipe.file, buffer.chunkMut());
        buffer.putUtf8(OWN).freeze().release();
        return nextAfter(arena, async () => {
          pipe.write(LATE);
          await late;
        });
      }),
  },
  {
    name: 'bytes are released before the callback of fs.write',
    plain: 'n',
    guarded: RETIRED,
    size: SIZE,
    run: (arena) =>
      withPipe(async (pipe) => {
        pipe.fill();
        let done: Promise<void> | undefined;
        await releasedUnder(arena, SIZE, (view) => {
          done = written(pipe.file, view);
        });
        return distinct(Buffer.from(await pipe.drain(Promise.resolve(done)), 'latin1'));
      }),
  },
  {
    name: 'bytes are released before the callback of a file stream',
    plain: 'n',
    guarded: RETIRED,
    size: SIZE,
    run: (arena) =>
      withPipe(async (pipe) => {
        pipe.fill();
        const stream = createWriteStream('', { fd: pipe.file, autoClose: false });
        await settled(); // now the stream is ready
        let done: Promise<void> | undefined;
        await releasedUnder(arena, SIZE, (view) => {
          done = new Promise((resolve) => stream.write(view, () => resolve()));
        });
        return distinct(Buffer.from(await pipe.drain(Promise.resolve(done)), 'latin1'));
      }),
  },
  {
    name: 'bytes are released before the callback of socket.write',
    plain: 'on',
    guarded: `o${RETIRED}`,
    size: LARGE,
    run: async (arena) =>
      distinct(
        await overSocket((send) =>
          releasedUnder(arena, LARGE, async (view) => {
            send(view);
            await settled();
          }),
        ),
      ),
  },
  {
    name: 'bytes are released while they wait in a socket behind other bytes',
    plain: '.n',
    guarded: '.', // the released bytes are missing
    size: LARGE,
    run: async (arena) =>
      distinct(
        await overSocket((send) =>
          releasedUnder(arena, LARGE, async (view) => {
            send(Buffer.alloc(LARGE, '.'));
            await settled();
            send(view);
          }),
        ),
      ),
  },
  {
    name: 'bytes are released before the callback of an http response',
    plain: 'on',
    guarded: `o${RETIRED}`,
    size: LARGE,
    run: async (arena) =>
      distinct(
        await overHttp((response) =>
          releasedUnder(arena, LARGE, async (view) => {
            response.setHeader('content-length', view.length);
            response.end(view);
            await settled();
          }),
        ),
      ),
  },
];

const RAW_PROGRAMS: readonly Program<RawArena>[] = [
  stale('a view of a region is read after the region is released', (arena) => {
    const region = arena.rawAllocate(SIZE);
    const { bytes } = region;
    region.release();
    return nextSeenBy(arena, () => text(bytes));
  }),
  stale('a view of a region is read after freeze and release', (arena) => {
    const region = arena.rawAllocate(SIZE);
    const { bytes } = region;
    region.freeze(0, SIZE).release();
    return nextSeenBy(arena, () => text(bytes));
  }),
  stale(
    'a DataView over the memory of a region is read after the region is released',
    (arena) => {
      const region = arena.rawAllocate(SIZE);
      const fields = new DataView(region.memory, region.byteOffset, SIZE);
      region.release();
      return nextSeenBy(arena, () => fieldsText(fields));
    },
    'TypeError',
  ),
  {
    name: 'a view of a region is written to after the region is released',
    plain: '!ext ones',
    guarded: NEXT,
    size: SIZE,
    run: (arena) => {
      const region = arena.rawAllocate(SIZE);
      const { bytes } = region;
      region.release();
      return nextAfter(arena, () => {
        bytes[0] = MARK;
      });
    },
  },
  writtenFrozen('frozen bytes are written to through a view of their region', (arena) => {
    const region = arena.rawAllocate(SIZE);
    const { bytes } = region;
    bytes.set(Buffer.from(OWN), 7);
    const frozen = region.freeze(7, 7 + OWN.length);
    bytes[7] = MARK;
    return lastRead(frozen);
  }),
  {
    name: 'a pending system read writes into a region that is already frozen',
    plain: LATE,
    guarded: 'GuardError',
    size: SIZE,
    run: (arena) =>
      withPipe(async (pipe) => {
        const region = arena.rawAllocate(SIZE);
        const late = arrived(pipe.file, region.bytes);
        const bytes = region.freeze(0, LATE.length);
        pipe.write(LATE);
        await late;
        return lastRead(bytes);
      }),
  },
];

const SPILL_PROGRAMS: readonly Program<Arena>[] = [
  stale('a view lent for writing is read after the buffer spilled to the heap', (arena) => {
    using buffer = arena.allocate(SIZE);
    const chunk = buffer.chunkMut();
    buffer.putBytes(OWN_BYTE, SIZE + 1);
    assert.ok(buffer.isSpilled);
    return nextSeenBy(arena, () => text(chunk));
  }),
  {
    name: 'a view lent for writing is written to after the buffer spilled to the heap',
    plain: '!ext ones',
    guarded: NEXT,
    size: SIZE,
    run: (arena) => {
      using buffer = arena.allocate(SIZE);
      const chunk = buffer.chunkMut();
      buffer.putBytes(OWN_BYTE, SIZE + 1);
      return nextAfter(arena, () => {
        chunk[0] = MARK;
      });
    },
  },
  {
    name: 'frozen bytes that spilled to the heap are written to through their view',
    plain: '!o',
    guarded: 'GuardError',
    size: SIZE,
    run: (arena) => {
      const bytes = arena
        .allocate(SIZE)
        .putBytes(OWN_BYTE, SIZE + 1)
        .freeze();
      const view: Uint8Array = bytes.view;
      view[0] = MARK;
      return distinct(Buffer.from(lastRead(bytes)));
    },
  },
];

/** Sends bytes through a channel, and returns the bytes that arrive. */
function throughChannel(arena: SharedArena, bytes: Bytes): Bytes {
  const channel = BytesChannel.create(arena, { capacity: 1 });
  using sent = bytes; // releases the bytes if they are not sent
  assert.ok(channel.trySend(sent));
  const received = channel.tryReceive();
  assert.ok(received !== undefined);
  return received;
}

function throughTicket(arena: SharedArena, bytes: Bytes): Bytes {
  using sent = bytes; // releases the bytes if there is no ticket
  return arena.redeem(sent.toTicket());
}

const SHARED_PROGRAMS: readonly Program<SharedArena>[] = [
  ...(
    [
      ['a ticket', throughTicket],
      ['a channel', throughChannel],
    ] as const
  ).flatMap(([way, through]): Program<SharedArena>[] => [
    stale(`a view of bytes that left by ${way} is read`, (arena) => {
      const bytes = own(arena);
      const { view } = bytes;
      through(arena, bytes).release();
      return nextSeenBy(arena, () => text(view));
    }),
    stale(`a view of bytes that arrived by ${way} is read after the bytes are released`, (arena) => {
      const received = through(arena, own(arena));
      const { view } = received;
      assert.equal(text(view), OWN);
      received.release();
      return nextSeenBy(arena, () => text(view));
    }),
    {
      name: `a view of bytes that left by ${way} is written to`,
      plain: WRITTEN,
      guarded: OWN,
      size: SIZE,
      run: (arena) => {
        const bytes = own(arena);
        const view: Uint8Array = bytes.view;
        const received = through(arena, bytes);
        view[0] = MARK;
        return lastRead(received);
      },
    },
    writtenFrozen(`frozen bytes are written to through their view before they leave by ${way}`, (arena) => {
      const bytes = own(arena);
      const view: Uint8Array = bytes.view;
      view[0] = MARK;
      return lastRead(through(arena, bytes));
    }),
    writtenFrozen(`bytes that arrived by ${way} are written to through their view`, (arena) => {
      const received = through(arena, own(arena));
      const view: Uint8Array = received.view;
      view[0] = MARK;
      return lastRead(received);
    }),
  ]),
  {
    name: 'a view was posted to a worker, which reads it after the bytes are released',
    plain: NEXT,
    guarded: OWN, // the worker has its own copy
    size: SIZE,
    run: async (arena) => {
      const worker = inWorker(`
        let view;
        port.on('message', (message) => {
          if (message !== 'look') view = message;
          port.postMessage(Buffer.from(view).toString());
        });
      `);
      try {
        const bytes = own(arena);
        worker.postMessage(bytes.view);
        assert.equal(await answer<string>(worker), OWN);
        bytes.release();
        using next = arena.allocate(SIZE).putUtf8(NEXT);
        worker.postMessage('look');
        assert.equal(next.length, NEXT.length);
        return await answer<string>(worker);
      } finally {
        await worker.terminate();
      }
    },
  },
];

const THREADS = { maxThreads: 2 };

function fixed(size: number, guarded: boolean) {
  return FixedArena.withSlotCapacity(1, size).guarded(guarded);
}

function buddy(size: number, guarded: boolean) {
  return BuddyArena.builder(BuddyGeometry.exact(size, 16)).guarded(guarded);
}

/** Makes an arena of each kind with one block of `size` bytes. */
type Kinds<Of> = { readonly [kind: string]: (size: number, guarded: boolean) => Of };

const SHARED: Kinds<SharedArena> = {
  'shared fixed': (size, guarded) => fixed(size, guarded).shared(THREADS).build(),
  'shared buddy': (size, guarded) => buddy(size, guarded).shared(THREADS).build(),
};

const ALL: Kinds<Arena> = {
  fixed: (size, guarded) => fixed(size, guarded).build(),
  buddy: (size, guarded) => buddy(size, guarded).build(),
  ...SHARED,
};

const RAW: Kinds<RawArena> = {
  fixed: (size, guarded) => fixed(size, guarded).hazmatRawAccess().build(),
  buddy: (size, guarded) => buddy(size, guarded).hazmatRawAccess().build(),
  'shared fixed': (size, guarded) => fixed(size, guarded).shared(THREADS).hazmatRawAccess().build(),
  'shared buddy': (size, guarded) => buddy(size, guarded).shared(THREADS).hazmatRawAccess().build(),
};

const SPILLING: Kinds<Arena> = {
  fixed: (size, guarded) => fixed(size, guarded).autoSpill().build(),
  buddy: (size, guarded) => buddy(size, guarded).autoSpill().build(),
  'shared fixed': (size, guarded) => fixed(size, guarded).shared(THREADS).autoSpill().build(),
  'shared buddy': (size, guarded) => buddy(size, guarded).shared(THREADS).autoSpill().build(),
};

const realWarn = environment.warn;
let warned: string[] = [];
environment.warn = (_message, code) => warned.push(code);
process.on('exit', () => {
  environment.warn = realWarn;
});

/** Runs a program. Returns what is seen, and what is reported. */
async function play<Of extends Arena>(program: Program<Of>, arena: Of): Promise<{ seen: string; report: string }> {
  warned = [];
  let seen: string;
  try {
    seen = await program.run(arena);
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    seen = nameOf(error);
  }
  assertAllReturned(arena);
  return { seen, report: reportOf(arena) };
}

function reportOf(arena: Arena): string {
  try {
    assertAllReleased(arena);
    return '';
  } catch (error) {
    if (!(error instanceof UnreleasedError)) throw error;
    return error.message;
  }
}

function check<Of extends Arena>(programs: readonly Program<Of>[], kinds: Kinds<Of>): void {
  for (const program of programs) {
    const { name, plain, guarded, report, size } = program;
    test(`a guarded arena prevents or reports it, and a plain one does not: ${name}`, { timeout: 20_000 }, async () => {
      for (const [kind, make] of Object.entries(kinds)) {
        assert.deepEqual(await play(program, make(size, false)), { seen: plain, report: '' }, `plain ${kind}`);
        assert.deepEqual(warned, [], `plain ${kind}`);
        const caught = await play(program, make(size, true));
        assert.equal(caught.seen, guarded, `guarded ${kind}`);
        assert.match(caught.report, report?.message ?? /^$/, `guarded ${kind}`);
        assert.deepEqual(warned, report === undefined ? [] : [report.code], `guarded ${kind}`);
      }
    });
  }
}

check(PROGRAMS, ALL);
check(RAW_PROGRAMS, RAW);
check(SPILL_PROGRAMS, SPILLING);
check(SHARED_PROGRAMS, SHARED);
