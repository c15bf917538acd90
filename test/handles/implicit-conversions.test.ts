import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { Bytes, BytesMut, FixedArena } from 'arena-alligator';
import { BytesList } from 'arena-alligator/node';
import { assertAllReturned } from '../support/arenas.js';

// In plain JavaScript nothing keeps Bytes from being taken for an array. Every such use must be right, or throw. The
// table in docs/safety.md lists them.

type Loose = Uint8Array & string & number;

const TEXT = [0x61, 0xc3, 0xa9]; // "aé"
const BINARY = [0xff, 0x00, 0x80];

const arena = FixedArena.withSlotCapacity(8, 16).build();
const guarded = FixedArena.withSlotCapacity(8, 16).guarded().build();

const kinds: Readonly<Record<string, (content: number[]) => Bytes | BytesList>> = {
  'Bytes in an arena': (content) => arena.allocate().putSlice(Uint8Array.from(content)).freeze(),
  'guarded Bytes': (content) => guarded.allocate().putSlice(Uint8Array.from(content)).freeze(),
  'Bytes on the heap': (content) => Bytes.copyFrom(Uint8Array.from(content)),
  'Bytes that were read from': (content) => {
    const bytes = arena.allocate().putU8(9).putSlice(Uint8Array.from(content)).freeze();
    bytes.getU8();
    return bytes;
  },
  'a BytesList': (content) => new BytesList(content.map((byte) => arena.allocate().putU8(byte).freeze())),
};

/** What each use gives for the bytes, if it does not throw. */
const right: Readonly<Record<string, (bytes: Loose) => ArrayLike<number>>> = {
  'Buffer.from(bytes)': (bytes) => Buffer.from(bytes),
};

const rightForBytes: Readonly<Record<string, (bytes: Loose) => ArrayLike<number>>> = {
  'new Uint8Array(bytes)': (bytes) => new Uint8Array(bytes),
  'Uint8Array.from(bytes)': (bytes) => Uint8Array.from(bytes),
  'Array.from(bytes)': (bytes) => Array.from(bytes),
  '[...bytes]': (bytes) => [...bytes],
};

const loud: Readonly<Record<string, (bytes: Loose) => unknown>> = {
  'u8.set(bytes)': (bytes) => new Uint8Array(8).set(bytes),
  'bytes[0]': (bytes) => bytes[0],
  'Array.prototype.slice.call(bytes)': (bytes) => Array.prototype.slice.call(bytes),
  'String.fromCharCode.apply(null, bytes)': (bytes) => String.fromCharCode.apply(null, bytes as unknown as number[]),
  'Number(bytes)': (bytes) => Number(bytes),
  'bytes * 1': (bytes) => bytes * 1,
  'Buffer.concat([bytes])': (bytes) => Buffer.concat([bytes]),
  'Buffer.alloc(4).fill(bytes)': (bytes) => Buffer.alloc(4).fill(bytes),
  'Buffer.compare(buffer, bytes)': (bytes) => Buffer.compare(Buffer.alloc(1), bytes),
  'new TextDecoder().decode(bytes)': (bytes) => new TextDecoder().decode(bytes),
  'new DataView(bytes)': (bytes) => new DataView(bytes as unknown as ArrayBuffer),
  'fs.writeFileSync(path, bytes)': (bytes) => writeFileSync('/dev/null', bytes),
  'hash.update(bytes)': (bytes) => createHash('sha256').update(bytes),
  'structuredClone(bytes)': (bytes) => structuredClone(bytes),
  'port.postMessage(bytes)': (bytes) => {
    const { port1 } = new MessageChannel();
    try {
      port1.postMessage(bytes);
    } finally {
      port1.close();
    }
  },
};

const text: Readonly<Record<string, (bytes: Loose) => string | Promise<string>>> = {
  'a template literal': (bytes) => `${bytes}`,
  "'' + bytes": (bytes) => {
    let joined = '';
    joined += bytes;
    return joined;
  },
  'String(bytes)': (bytes) => String(bytes),
  'new Blob([bytes])': (bytes) => new Blob([bytes]).text(),
  'new Response(bytes)': (bytes) => new Response(bytes).text(),
};

for (const [kind, make] of Object.entries(kinds)) {
  for (const content of [TEXT, BINARY, []]) {
    const what = `${kind} of ${content.length === 0 ? 'no bytes' : content === TEXT ? 'text' : 'binary data'}`;

    test(`${what}: Buffer.from and iteration give the bytes`, () => {
      const uses = kind === 'a BytesList' ? right : { ...right, ...rightForBytes };
      for (const [name, use] of Object.entries(uses)) {
        using bytes = make(content);
        assert.deepEqual([...(use(bytes as unknown as Loose) as number[])], content, name);
      }
    });

    if (content.length > 0) {
      test(`${what}: uses that would give zeros or a copy of the arena throw`, () => {
        for (const [name, use] of Object.entries(loud)) {
          using bytes = make(content);
          assert.throws(() => use(bytes as unknown as Loose), { name: /^(TypeError|DataCloneError)$/ }, name);
        }
      });
    }

    test(`${what}: becomes text by itself only if it is UTF-8`, async () => {
      for (const [name, use] of Object.entries(text)) {
        using bytes = make(content);
        if (content === BINARY) await assert.rejects(async () => use(bytes as unknown as Loose), TypeError, name);
        else assert.equal(await use(bytes as unknown as Loose), Buffer.from(content).toString(), name);
      }
    });
  }

  test(`${kind}: JSON shows the length and never the content`, () => {
    using bytes = make(TEXT);
    assert.match(JSON.stringify(bytes), /^\{"type":"Bytes(List)?","length":3\}$/);
  });
}

test('buffers are no arrays either', () => {
  const writable = [arena.allocate().putU8(7), BytesMut.withCapacity(4).putU8(7)];
  for (const buffer of writable) {
    const loose = buffer as unknown as Loose;
    assert.throws(() => Buffer.from(loose), TypeError);
    assert.throws(() => new Uint8Array(loose), TypeError);
    assert.throws(() => new Uint8Array(4).set(loose), TypeError);
    assert.throws(() => structuredClone(loose), { name: 'DataCloneError' });
  }
  (writable[0] as { abandon(): void }).abandon();
});

test('the error of postMessage(bytes) names the right way', () => {
  using bytes = Bytes.copyFrom(Uint8Array.of(1));
  assert.throws(() => structuredClone(bytes), /toTicket/i);
});

test('a released handle throws ReleasedError in all of these', () => {
  const bytes = Bytes.copyFrom(Uint8Array.of(1));
  bytes.release();
  const loose = bytes as unknown as Loose;
  for (const use of [() => Buffer.from(loose), () => `${bytes}`, () => new Uint8Array(loose)]) {
    assert.throws(use, { code: 'RELEASED' });
  }
});

test('nothing is left of the arenas of this file', () => {
  assertAllReturned(arena);
  assertAllReturned(guarded);
});
