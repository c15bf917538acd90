import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes } from 'arena-alligator';
import {
  type LengthPrefixOptions,
  lengthPrefixed,
  type RecordOptions,
  splitLines,
  splitOn,
} from 'arena-alligator/streams';
import fc from 'fast-check';
import { assertAllReturned } from '../support/arenas.js';
import { asyncArena, copies, inChunks } from '../support/chunks.js';

type Cut = (chunks: AsyncIterable<Bytes>) => AsyncIterable<Bytes>;

/** The records of `stream` as latin1 text, in chunks of `size` bytes. */
async function recordsOf(stream: Uint8Array | string, size: number, cut: Cut): Promise<string[]> {
  const arena = asyncArena(64, 64);
  try {
    return (await copies(cut(inChunks(arena, stream, size)))).map((record) => Buffer.from(record).toString('latin1'));
  } finally {
    assertAllReturned(arena);
  }
}

const sizes = [1, 2, 3, 5, 64];

test('splitOn cuts at any delimiter, wherever chunks end, as String.split does', () =>
  fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n'), maxLength: 60 }),
      fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n'), minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 12 }),
      fc.boolean(),
      async (text, delimiter, size, pieces) => {
        const expected = text.split(delimiter);
        if (expected.at(-1) === '') expected.pop();
        assert.deepEqual(
          await recordsOf(text, size, (chunks) => splitOn(chunks, delimiter, { pieces }) as never),
          expected,
        );
      },
    ),
    { numRuns: 400 },
  ));

test('a delimiter is a byte, a text or a run of bytes', async () => {
  for (const delimiter of [59, ';', Uint8Array.of(59), Bytes.fromUtf8(';')]) {
    assert.deepEqual(await recordsOf('a;b;;c', 2, (chunks) => splitOn(chunks, delimiter)), ['a', 'b', '', 'c']);
  }
});

test('a record that is too long is skipped on request, and the others arrive', async () => {
  const options = { maxLength: 5, tooLong: 'skip' } as const;
  for (const size of sizes) {
    const text = `12345\n123456\r\nab\n${'x'.repeat(50)}\ncd\n1234567`;
    assert.deepEqual(await recordsOf(text, size, (chunks) => splitLines(chunks, options)), ['12345', 'ab', 'cd']);
    const parts = `12345--123456--a-b--${'x'.repeat(50)}-----cd`;
    const kept = parts.split('--').filter((part) => part.length <= 5);
    assert.deepEqual(await recordsOf(parts, size, (chunks) => splitOn(chunks, '--', options)), kept);
    const prefixed = Buffer.from(['\x05abcde', '\x06abcdef', '\x00', '\x40', 'x'.repeat(64), '\x01z'].join(''));
    const cut: Cut = (chunks) => lengthPrefixed(chunks, { ...options, prefixBytes: 1 });
    assert.deepEqual(await recordsOf(prefixed, size, cut), ['abcde', '', 'z']);
    await assert.rejects(recordsOf('\x40xx', size, cut), { code: 'RECORD_TRUNCATED' });
    const cutShort: Cut = (chunks) => splitOn(chunks, '--', options);
    assert.deepEqual(await recordsOf(`ab--${'x'.repeat(50)}`, size, cutShort), ['ab'], 'it ends while it skips');
    const whole: Cut = (chunks) => lengthPrefixed(chunks, { ...options, prefixBytes: 1, strip: 0 });
    assert.deepEqual(await recordsOf(prefixed, size, whole), ['\x05abcde', '\0', '\x01z']);
    const wide = Buffer.from(['\0\x06abcdef', '\0\x01z'].join(''));
    const two: Cut = (chunks) => lengthPrefixed(chunks, { ...options, prefixBytes: 2, strip: 0 });
    assert.deepEqual(await recordsOf(wide, size, two), ['\0\x01z']);
  }
});

/** The length field of a header. */
function field(length: number, bytes: number | 'varint', littleEndian: boolean): Buffer {
  if (bytes === 'varint') {
    const groups: number[] = [];
    let rest = length;
    for (; rest >= 128; rest = Math.floor(rest / 128)) groups.push((rest % 128) + 128);
    return Buffer.from([...groups, rest]);
  }
  const digits = Array.from({ length: bytes }, (_, index) => Math.floor(length / 256 ** index) % 256);
  return Buffer.from(littleEndian ? digits : digits.reverse());
}

test('any header is read as it was written, wherever chunks end', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 }), { maxLength: 6 }),
      fc.constantFrom<NonNullable<LengthPrefixOptions['prefixBytes']>>(1, 2, 3, 4, 5, 6, 7, 8, 'varint'),
      fc.record({
        littleEndian: fc.boolean(),
        lengthOffset: fc.nat(3),
        lengthAdjustment: fc.integer({ min: -12, max: 0 }),
        strip: fc.option(fc.nat(2), { nil: undefined }),
      }),
      fc.integer({ min: 1, max: 64 }),
      async (records, prefixBytes, others, size) => {
        const shortest = others.lengthOffset + (prefixBytes === 'varint' ? 1 : prefixBytes);
        const strip = others.strip === undefined ? undefined : Math.min(others.strip, shortest);
        const frames = records.map((record) => {
          const length = field(record.length - others.lengthAdjustment, prefixBytes, others.littleEndian);
          const header = Buffer.concat([Buffer.alloc(others.lengthOffset, 't'), length]);
          return { header, record };
        });
        const stream = Buffer.concat(frames.flatMap(({ header, record }) => [header, Buffer.from(record)]));
        const expected = frames.map(
          ({ header, record }) => header.subarray(strip ?? header.length).toString('latin1') + record,
        );
        const cut: Cut = (chunks) => lengthPrefixed(chunks, { ...others, strip, prefixBytes });
        assert.deepEqual(await recordsOf(stream, size, cut), expected);
      },
    ),
    { numRuns: 300 },
  ));

test('a length of zero, negative, huge, or beyond a double gives a record or a clear error', async () => {
  for (const size of sizes) {
    const read = (stream: readonly number[], options: LengthPrefixOptions): Promise<string[]> =>
      recordsOf(Uint8Array.from(stream), size, (chunks) => lengthPrefixed(chunks, options) as AsyncIterable<Bytes>);
    assert.deepEqual(await read([0, 0, 0, 0, 0, 0, 0, 1, 65], {}), ['', 'A']);
    assert.deepEqual(await read([0, 1, 65], { prefixBytes: 'varint' }), ['', 'A']);
    await assert.rejects(read([3], { prefixBytes: 1, lengthAdjustment: -4 }), {
      code: 'RECORD_MALFORMED',
      message: /-1 bytes/,
    });
    await assert.rejects(read([0xff, 0xff, 0xff, 0xff], {}), { code: 'RECORD_TOO_LARGE', message: /4294967295/ });
    for (const tooLong of ['error', 'skip'] as const) {
      const huge = { prefixBytes: 8, tooLong } as const;
      await assert.rejects(read([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], huge), { code: 'RECORD_TOO_LARGE' });
      const varint = { prefixBytes: 'varint', tooLong } as const;
      await assert.rejects(read([...Array(9).fill(0xff), 1], varint), { code: 'RECORD_TOO_LARGE' });
      await assert.rejects(read(Array(10).fill(0xff), varint), { code: 'RECORD_MALFORMED' });
    }
  }
});

test('batches hold the same records, in order, for every way to cut', () =>
  fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', '\n', '\x01'), maxLength: 80 }),
      fc.integer({ min: 1, max: 20 }),
      async (text, size) => {
        const ways: ((chunks: AsyncIterable<Bytes>, options: RecordOptions) => AsyncIterable<unknown>)[] = [
          (chunks, options) => splitLines(chunks, options),
          (chunks, options) => splitOn(chunks, 'a\n', options),
        ];
        for (const way of ways) {
          const single = await recordsOf(text, size, (chunks) => way(chunks, {}) as AsyncIterable<Bytes>);
          const batched = await recordsOf(text, size, async function* (chunks) {
            for await (const batch of way(chunks, { batches: true })) yield* batch as Iterable<Bytes>;
          });
          assert.deepEqual(batched, single);
        }
      },
    ),
  ));

test('records of a batch that were not taken are released with it', async () => {
  const arena = asyncArena(4, 64);
  const firsts: string[] = [];
  for await (const batch of splitLines(inChunks(arena, 'a\nb\nc\nd\ne\nf', 6), { batches: true })) {
    for (const line of batch) {
      firsts.push(line.toString());
      line.release();
      break;
    }
  }
  assert.deepEqual(firsts, ['a', 'd', 'f']);
  assertAllReturned(arena);
  for await (const batch of splitLines(inChunks(arena, 'a\nb\nc\nd\ne\nf', 6), { batches: true })) {
    for (const line of batch) line.release();
    break;
  }
  const lines = splitLines(inChunks(arena, 'a\nb\nc\nd\ne\nf', 6), { batches: true });
  const { value: batch } = await lines.next();
  await lines.return();
  assert.deepEqual([...(batch ?? [])], [], 'a batch is over with its iterator');
  assertAllReturned(arena);
});

test('an error within a batch is thrown where the record is taken', async () => {
  const arena = asyncArena(4, 64);
  const lines: string[] = [];
  const read = async (): Promise<void> => {
    for await (const batch of splitLines(inChunks(arena, 'a\nb\nlong\nc\n', 11), { batches: true, maxLength: 2 })) {
      for (const line of batch) {
        lines.push(line.toString());
        line.release();
      }
    }
  };
  await assert.rejects(read(), { code: 'RECORD_TOO_LARGE' });
  assert.deepEqual(lines, ['a', 'b']);
  assertAllReturned(arena);
});

test('calls of next() that do not wait for each other are served in order', async () => {
  const arena = asyncArena(8, 64);
  const lines = splitLines(inChunks(arena, 'a\nb\nc\nd', 3));
  const results = await Promise.all([1, 2, 3, 4, 5, 6].map(() => lines.next()));
  assert.deepEqual(
    results.map(({ done, value }) => (done ? 'done' : String(value))),
    ['a', 'b', 'c', 'd', 'done', 'done'],
  );
  for (const { value } of results) value?.release();
  assertAllReturned(arena);
});

test('a chunk that comes after return() is released, and the pending next() gives done', async () => {
  const arena = asyncArena(2, 64);
  let send: (result: IteratorResult<Bytes>) => void = () => undefined;
  const source: AsyncIterable<Bytes> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise((resolve) => (send = resolve)) }),
  };
  for (const lines of [splitLines(source), splitOn(source, '--'), lengthPrefixed(source)]) {
    const asked = lines.next();
    await lines.return();
    send({ done: false, value: arena.allocate().putUtf8('late\n').freeze() });
    assert.equal((await asked).done, true);
    assert.equal((await lines.next()).done, true);
  }
  assertAllReturned(arena);
});

test('a source that failed is not stopped as well', async () => {
  let stops = 0;
  const source: AsyncIterable<Bytes> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(new Error('source')),
      return: () => {
        stops++;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  const lines = splitLines(source);
  await assert.rejects(lines.next(), /source/);
  assert.deepEqual([(await lines.next()).done, stops], [true, 0]);
});

test('an error of a source that was returned from is not reported', async () => {
  let fail: (error: Error) => void = () => undefined;
  const source: AsyncIterable<Bytes> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise((_resolve, reject) => (fail = reject)) }),
  };
  const lines = splitLines(source);
  const asked = lines.next();
  await lines.return();
  fail(new Error('late'));
  assert.equal((await asked).done, true);
});
