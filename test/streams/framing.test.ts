import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bytes } from 'arena-alligator';
import {
  BytesList,
  FramingError,
  type LengthPrefixOptions,
  lengthPrefixed,
  type RecordOptions,
  splitLines,
  splitOn,
} from 'arena-alligator/streams';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { asyncArena, copies, inChunks } from '../support/chunks.js';

async function linesOf(text: string, size: number, maxLength?: number): Promise<string[]> {
  const arena = asyncArena(64, 64);
  try {
    return (await copies(splitLines(inChunks(arena, text, size), { maxLength }))).map(String);
  } finally {
    assertAllReturned(arena);
  }
}

test('a line ends with LF or CR LF, and the last line needs no line end', async () => {
  for (const size of [1, 2, 3, 5, 64]) {
    assert.deepEqual(await linesOf('', size), []);
    assert.deepEqual(await linesOf('\n', size), ['']);
    assert.deepEqual(await linesOf('a\r\n\r\nb\rc\n\nd', size), ['a', '', 'b\rc', '', 'd']);
    assert.deepEqual(await linesOf('a\nb\r\n', size), ['a', 'b']);
    assert.deepEqual(await linesOf('end\r', size), ['end\r']);
  }
});

test('splitLines gives the same lines as String.split, in chunks of any size', () =>
  fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r'), maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      async (text, size) => {
        const expected = text.split('\n');
        const last = expected.pop();
        const lines = expected.map((line) => line.replace(/\r$/, ''));
        assert.deepEqual(await linesOf(text, size), last === '' || last === undefined ? lines : [...lines, last]);
      },
    ),
  ));

test('a line within one chunk is a slice of it; with pieces, one that straddles chunks is a list of slices', async () => {
  const arena = asyncArena(8, 8);
  const kinds: string[] = [];
  for await (using line of splitLines(inChunks(arena, 'ab\ncdefghijk\n', 8), { pieces: true })) {
    kinds.push(line instanceof BytesList ? `list of ${line.pieceCount}` : 'bytes');
    const [view] = line instanceof BytesList ? line.views() : [line.view];
    assert.equal(view?.buffer.byteLength, 64, 'the line lies in the memory of the arena');
  }
  assert.deepEqual(kinds, ['bytes', 'list of 2']);
  assertAllReturned(arena);
});

test('in chunks of any size, a line longer than maxLength is an error, and one of exactly maxLength is not', async () => {
  for (const size of [1, 3, 64]) {
    assert.deepEqual(await linesOf('12345\r\n1\n12345', size, 5), ['12345', '1', '12345']);
    for (const text of ['123456\n', '1\n123456', '1234567890'.repeat(5), '12345\r1\n']) {
      await assert.rejects(linesOf(text, size, 5), { name: 'FramingError', code: 'RECORD_TOO_LARGE' });
    }
  }
  assert.throws(() => splitLines(inChunks(asyncArena(1, 8), '', 1), { maxLength: 0 }), RangeError);
});

interface Framed {
  readonly prefixBytes?: 1 | 2 | 4;
  readonly littleEndian?: boolean;
  readonly maxLength?: number;
}

function framed(records: readonly string[], { prefixBytes = 4, littleEndian = false }: Framed): string {
  return records
    .map((record) => {
      const prefix = Buffer.alloc(prefixBytes);
      if (littleEndian) prefix.writeUIntLE(record.length, 0, prefixBytes);
      else prefix.writeUIntBE(record.length, 0, prefixBytes);
      return prefix.toString('latin1') + record;
    })
    .join('');
}

async function recordsOf(stream: string, size: number, options: Framed = {}): Promise<string[]> {
  const arena = asyncArena(64, 64);
  try {
    return (await copies(lengthPrefixed(inChunks(arena, stream, size), options))).map(String);
  } finally {
    assertAllReturned(arena);
  }
}

test('records with a length prefix are the same as before the framing, in chunks of any size', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 }), { maxLength: 6 }),
      fc.constantFrom(1, 2, 4),
      fc.boolean(),
      fc.integer({ min: 1, max: 64 }),
      async (records, prefixBytes, littleEndian, size) => {
        const options = { prefixBytes: prefixBytes as 1 | 2 | 4, littleEndian };
        assert.deepEqual(await recordsOf(framed(records, options), size, options), records);
      },
    ),
  ));

test('a record longer than maxLength is an error as soon as its prefix is read', async () => {
  const stream = framed(['12345', '123456'], {});
  assert.deepEqual(await recordsOf(stream, 3, { maxLength: 6 }), ['12345', '123456']);
  await assert.rejects(recordsOf(stream, 3, { maxLength: 5 }), {
    code: 'RECORD_TOO_LARGE',
    message: /6 bytes.*5 bytes/,
  });
  await assert.rejects(recordsOf('\x7f\x7f\x7f\x7f', 4), { code: 'RECORD_TOO_LARGE' });
});

test('a stream that ends in the middle of a record is an error', async () => {
  for (const stream of ['\0', '\0\0\0', '\0\0\0\x02', '\0\0\0\x02a', `${framed(['ab'], {})}\0`]) {
    await assert.rejects(
      recordsOf(stream, 2),
      (error) => error instanceof FramingError && error.code === 'RECORD_TRUNCATED',
    );
  }
});

test('bad options are refused at the call', () => {
  const chunks = inChunks(asyncArena(1, 8), '', 1);
  for (const options of [{ prefixBytes: 0 }, { prefixBytes: 9 }, { prefixBytes: 1.5 }, { maxLength: -1 }]) {
    assert.throws(() => lengthPrefixed(chunks, options as LengthPrefixOptions), RangeError);
  }
  for (const options of [{ lengthOffset: -1 }, { lengthAdjustment: 0.5 }, { strip: 5 }, { strip: -1 }]) {
    assert.throws(() => lengthPrefixed(chunks, options), RangeError);
  }
  for (const options of [{ tooLong: 'drop' }, { pieces: 4 }, { batches: false }]) {
    assert.throws(() => lengthPrefixed(chunks, options as unknown as LengthPrefixOptions), TypeError);
    assert.throws(() => splitLines(chunks, options as unknown as RecordOptions), TypeError);
  }
  assert.throws(() => splitOn(chunks, ''), RangeError);
  assert.throws(() => splitOn(chunks, 256), RangeError);
  assert.throws(() => splitOn(chunks, null as unknown as string), TypeError);
});

test('a peer that sends single bytes cannot hold a slot with each of them', async () => {
  const arena = asyncArena(24, 64);
  const text = 'x'.repeat(500);
  let most = 0;
  async function* dripping(): AsyncGenerator<Bytes> {
    for await (const chunk of inChunks(arena, `${text}\n`, 1)) {
      most = Math.max(most, arena.metrics().bytesLive / 64);
      yield chunk;
    }
  }
  assert.deepEqual((await copies(splitLines(dripping()))).map(String), [text]);
  assert.ok(most <= 6, `${most} slots were held`);
  assertAllReturned(arena);
});

test('an endless line is refused once it is too long, and a length above 2^31 is not taken as negative', async () => {
  const arena = asyncArena(8, 64);
  let chunks = 0;
  async function* endless(): AsyncGenerator<Bytes> {
    for (; ; chunks++) yield (await arena.allocateAsync()).putBytes(120, 64).freeze();
  }
  await assert.rejects(copies(splitLines(endless(), { maxLength: 640 })), { code: 'RECORD_TOO_LARGE' });
  assert.ok(chunks <= 11, `${chunks} chunks`);
  async function* large(): AsyncGenerator<Bytes> {
    yield (await arena.allocateAsync()).putU32(0xffffffff).freeze();
  }
  await assert.rejects(copies(lengthPrefixed(large())), { code: 'RECORD_TOO_LARGE', message: /4294967295/ });
  assertAllReturned(arena);
});

test('a record longer than the arena is copied instead of waiting forever', async () => {
  const arena = asyncArena(6, 64);
  const text = 'y'.repeat(2000);
  assert.deepEqual((await copies(splitLines(inChunks(arena, `${text}\n`, 64)))).map(String), [text]);
  assertAllReturned(arena);
});

test('return() stops a source whose next() is pending', async () => {
  let stopped = 0;
  const quiet = (): AsyncIterable<Bytes> => {
    let end: (result: IteratorResult<Bytes>) => void = () => undefined;
    return {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            end = resolve;
          }),
        return: () => {
          stopped++;
          end({ done: true, value: undefined });
          return Promise.resolve({ done: true as const, value: undefined });
        },
      }),
    };
  };
  for (const records of [splitLines(quiet()), lengthPrefixed(quiet())]) {
    const asked = records.next();
    await records.return();
    assert.equal((await asked).done, true);
  }
  assert.equal(stopped, 2);
});

test('stopping early releases the part of a record that was kept, and stops the source', async () => {
  const arena = asyncArena(8, 8);
  let stopped = false;
  async function* source(): AsyncGenerator<Bytes> {
    try {
      yield* inChunks(arena, 'ab\ncd\nefghijklmnop', 8);
    } finally {
      stopped = true;
    }
  }
  for (const pieces of [false, true]) {
    stopped = false;
    for await (using line of splitLines(source(), { pieces })) {
      assert.equal(line.toString(), 'ab');
      break;
    }
    assert.equal(stopped, true);
    assertAllReturned(arena);
  }
  async function* failing(): AsyncGenerator<Bytes> {
    yield* inChunks(arena, 'begun', 2);
    throw new Error('source');
  }
  for (const pieces of [false, true]) await assert.rejects(copies(splitLines(failing(), { pieces })), /source/);
  await assert.rejects(copies(lengthPrefixed(failing(), { prefixBytes: 1 })), /source/);
  assertAllReturned(arena);
});

test('a record in 16 chunks is not copied, and a record in one more chunk is', async () => {
  const arena = asyncArena(32, 64);
  const kinds: (number | 'copied')[] = [];
  for (const count of [16, 17]) {
    const text = 'abc'.repeat(count);
    for await (using line of splitLines(inChunks(arena, `${text}\n`, 3), { pieces: true })) {
      kinds.push(line instanceof BytesList ? line.pieceCount : 'copied');
      assert.equal(line.toString(), text);
    }
  }
  assert.deepEqual(kinds, [16, 'copied']);
  assertAllReturned(arena);
});

test('chunks may be an array, and what cannot be iterated is refused at the call', async () => {
  const arena = asyncArena(4, 8);
  const chunks = ['a\nb', 'c\n'].map((text) => arena.allocate().putUtf8(text).freeze());
  assert.deepEqual((await copies(splitLines(chunks))).map(String), ['a', 'bc']);
  assertAllReturned(arena);
  for (const source of [undefined, null, 7, {}]) {
    assert.throws(() => splitLines(source as unknown as Bytes[]), TypeError);
    assert.throws(() => lengthPrefixed(source as unknown as Bytes[]), TypeError);
  }
});
