import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { type AsyncFixedArena, type Bytes, FixedArena, SlotSpec } from 'arena-alligator';
import { BytesList, lengthPrefixed, readChunks, splitLines } from 'arena-alligator/node';
import { assertAllReturned } from '../support/arenas.js';
import { asyncArena, copies } from '../support/chunks.js';

const folder = mkdtempSync(join(tmpdir(), 'framing-'));
after(() => rmSync(folder, { recursive: true }));

const short = Array.from({ length: 1489 }, (_, index) => `line ${index} ${'x'.repeat(25)}`);
const long = 'y'.repeat(50_000);

for (const pieces of [false, true]) {
  test(`the last line arrives although its pieces fill the arena, with pieces ${pieces}`, async () => {
    const path = join(folder, 'lines');
    writeFileSync(path, [...short, long].join('\n'));
    const arena = asyncArena(4, 16 * 1024);
    const lines = (await copies(splitLines(readChunks(arena, path), { pieces }))).map(String);
    assert.deepEqual(lines, [...short, long]);
    assertAllReturned(arena);
  });

  test(`a record larger than the arena arrives, with pieces ${pieces}`, async () => {
    const path = join(folder, 'records');
    const record = Buffer.alloc(500_000, 'z');
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(record.length);
    writeFileSync(path, Buffer.concat([prefix, record, prefix, record]));
    const arena = asyncArena(2, 16 * 1024);
    const records = await copies(lengthPrefixed(readChunks(arena, path), { pieces }));
    assert.deepEqual(records, [record, record]);
    assertAllReturned(arena);
  });
}

/** A connection that sent the first half of a line, and its reader. */
async function halfSent(
  arena: AsyncFixedArena,
  pieces: boolean,
): Promise<{ input: PassThrough; line: Promise<string> }> {
  const input = new PassThrough();
  input.write('first half, ');
  const lines = splitLines(readChunks(arena, input), { pieces });
  const line = lines.next().then(async ({ value }) => {
    const text = String(value);
    value?.release();
    await lines.return();
    return text;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return { input, line };
}

for (const pieces of [false, true]) {
  test(`as many half-sent lines as there are slots stop nobody, with pieces ${pieces}`, async () => {
    const arena = asyncArena(3, 64);
    const connections = await Promise.all(Array.from({ length: 12 }, () => halfSent(arena, pieces)));
    (await arena.allocateAsync({ timeout: 5000 })).abandon();
    for (const { input } of connections) input.end('second half\n');
    for (const { line } of connections) assert.equal(await line, 'first half, second half');
    assertAllReturned(arena);
  });
}

test('by default each record is one Bytes, also where it straddles chunks', async () => {
  const arena = asyncArena(4, 8);
  async function* chunks(): AsyncGenerator<Bytes> {
    for (const text of ['ab\ncdef', 'ghijk', '\nl']) yield arena.allocate().putUtf8(text).freeze();
  }
  const lines: string[] = [];
  for await (using line of splitLines(chunks())) {
    lines.push(line.toString());
    assert.ok(line.indexOf(97) <= 0); // a method that a list of pieces has not
  }
  assert.deepEqual(lines, ['ab', 'cdefghijk', 'l']);
  assertAllReturned(arena);
});

test('pieces that were kept stay in the arena while nobody waits for memory', async () => {
  const arena = asyncArena(4, 8);
  async function* chunks(): AsyncGenerator<Bytes> {
    for (const text of ['abc', 'def', '\n']) yield arena.allocate().putUtf8(text).freeze();
  }
  for await (using line of splitLines(chunks(), { pieces: true })) {
    assert.ok(line instanceof BytesList);
    assert.equal(line.pieceCount, 2);
  }
  assertAllReturned(arena);
});

test('a piece that arrives while somebody waits for memory is not kept', async () => {
  const arena = asyncArena(2, 8);
  const held = arena.allocate();
  let send: (chunk: Bytes) => void = () => undefined;
  async function* chunks(): AsyncGenerator<Bytes> {
    for (;;) {
      yield await new Promise<Bytes>((resolve) => {
        send = resolve;
      });
    }
  }
  const lines = splitLines(chunks(), { pieces: true });
  const line = lines.next();
  const half = arena.allocate().putUtf8('half').freeze();
  await new Promise((resolve) => setImmediate(resolve));
  const waiting = arena.allocateAsync({ timeout: 5000 });
  send(half);
  (await waiting).abandon();
  send(arena.allocate().putUtf8('\n').freeze());
  const { value } = await line;
  assert.equal(value?.toString(), 'half');
  value?.release();
  await lines.return();
  held.abandon();
  assertAllReturned(arena);
});

test('a record whose copy fails gives back all memory', async () => {
  for (const pieces of [false, true]) {
    const memory = new ArrayBuffer(64);
    const gone = FixedArena.fromRaw(memory, SlotSpec.count(8)).build();
    const sound = asyncArena(4, 8);
    async function* chunks(): AsyncGenerator<Bytes> {
      yield sound.allocate().putUtf8('a').freeze();
      const chunk = gone.allocate().putUtf8('b').freeze();
      structuredClone(memory, { transfer: [memory] });
      yield chunk;
      yield sound.allocate().putUtf8('c\n').freeze();
    }
    await assert.rejects(copies(splitLines(chunks(), { pieces })), TypeError);
    assertAllReturned(sound);
    assert.equal(gone.metrics().bytesLive, 0);
  }
});
