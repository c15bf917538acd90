import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { type AsyncFixedArena, type Bytes, FixedArena } from 'arena-alligator';
import { BytesList, Outbox, type OutboxOptions, SlowReceiverError } from 'arena-alligator/node';
import { assertAllReturned } from '../support/arenas.js';
import { asyncArena, textIn } from '../support/chunks.js';
import { FakeClock } from '../support/clock.js';
import { Outcome, settled } from '../support/outcome.js';

/** A stream that finishes a write when it is told to. */
class Slow extends Writable {
  readonly batches: string[][] = [];
  private finish: ((error?: Error) => void) | undefined;

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.batches.push(chunks.map(({ chunk }) => String(chunk)));
    this.finish = done;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this._writev([{ chunk }], done);
  }

  /** Finishes the write that is under way, and lets all that follows from it happen. */
  async take(error?: Error): Promise<void> {
    this.finish?.(error);
    await settled();
  }
}

function frame(arena: AsyncFixedArena, text: string): Bytes {
  return arena.allocate().putUtf8(text).freeze();
}

/** A text of 4 KiB: pieces of that size are not joined. */
function long(letter: string): string {
  return letter.repeat(4096);
}

test('frames of one turn go out as one vectored write, in order', async () => {
  const arena = asyncArena(4, 8192);
  const slow = new Slow();
  const outbox = new Outbox(slow);
  for (const text of ['a', 'b', 'c']) assert.equal(await outbox.send(frame(arena, long(text))), true);
  const other = asyncArena(1, 8192);
  const pieces = new BytesList([frame(arena, long('d')), frame(other, long('e'))]);
  assert.equal(outbox.trySend(pieces), true);
  assert.equal(slow.batches.length, 0);
  await settled();
  assert.deepEqual(slow.batches, [['a', 'b', 'c', 'd', 'e'].map(long)]);
  assert.equal(arena.metrics().bytesLive, 4 * 8192, 'the memory is held while the stream reads it');
  await slow.take();
  const { sentFrames, sentBytes, batches, queuedFrames, stalledFor } = outbox.metrics();
  assert.deepEqual([sentFrames, sentBytes, batches, queuedFrames, stalledFor], [4, 5 * 4096, 1, 0, 0]);
  assertAllReturned(arena);
  assertAllReturned(other);
});

test('small frames of one turn are joined: the stream gets one piece, and the arena has its memory back', async () => {
  const arena = asyncArena(3, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow);
  for (const text of ['a', 'b', 'c']) outbox.trySend(frame(arena, text));
  await settled();
  assert.deepEqual(slow.batches, [['abc']]);
  assertAllReturned(arena);
  assert.deepEqual([outbox.metrics().queuedFrames, outbox.metrics().queuedBytes], [3, 3], 'they count until taken');
  await slow.take();
  assert.equal(outbox.metrics().sentFrames, 3);
});

test('one batch is written at a time, and the next takes all that was queued meanwhile, within its limits', async () => {
  const arena = asyncArena(16, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxBatchFrames: 3, maxBatchBytes: 8 });
  outbox.trySend(frame(arena, '1'));
  outbox.flush();
  for (const text of ['2', '3', '4', '55555', '6666', '77777777']) outbox.trySend(frame(arena, text));
  await settled();
  assert.deepEqual(slow.batches, [['1']]);
  for (let turn = 0; turn < 5; turn++) await slow.take();
  assert.deepEqual(slow.batches, [['1'], ['234'], ['55555'], ['6666'], ['77777777']]);
  assertAllReturned(arena);
});

test('by default send waits for room, in the order of the calls', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxFrames: 2 });
  const sends = ['a', 'b', 'c', 'd'].map((text) => new Outcome(outbox.send(frame(arena, text))));
  await settled();
  assert.deepEqual(
    sends.map(({ state }) => state),
    ['resolved', 'resolved', 'pending', 'pending'],
  );
  const late = frame(arena, 'e');
  assert.equal(outbox.trySend(late), false, 'it does not overtake');
  late.release();
  await slow.take();
  await slow.take();
  assert.deepEqual(slow.batches, [['ab'], ['cd']]);
  assert.deepEqual(
    sends.map(({ value }) => value),
    [true, true, true, true],
  );
  assertAllReturned(arena);
});

test('the limit in bytes counts what is queued and what is written, and a larger frame goes alone', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxBytes: 4 });
  assert.equal(outbox.trySend(frame(arena, '12345678')), true);
  const next = frame(arena, '9');
  assert.equal(outbox.trySend(next), false);
  await settled();
  await slow.take();
  assert.equal(outbox.trySend(next), true);
  assert.equal(outbox.trySend(frame(arena, '123')), true);
  await settled();
  await slow.take();
  assert.deepEqual(slow.batches, [['12345678'], ['9123']]);
  assertAllReturned(arena);
});

test('a small frame does not overtake a large one that waits for room', async () => {
  const arena = asyncArena(8, 16);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxBytes: 10 });
  await outbox.send(frame(arena, '666666'));
  const large = new Outcome(outbox.send(frame(arena, '88888888')));
  const small = new Outcome(outbox.send(frame(arena, '22')));
  const other = frame(arena, '1');
  assert.equal(outbox.trySend(other), false);
  other.release();
  await settled();
  assert.deepEqual([large.state, small.state], ['pending', 'pending']);
  await slow.take();
  await slow.take();
  assert.deepEqual(slow.batches, [['666666'], ['8888888822']]);
  assertAllReturned(arena);
});

test('frames that lie side by side are written as one, and others are not', async () => {
  const arena = asyncArena(1, 8192);
  const other = asyncArena(2, 8192);
  const slow = new Slow();
  const outbox = new Outbox(slow);
  const chunk = frame(arena, long('a') + long('b'));
  for (const cut of [2000, 2000, 4192]) outbox.trySend(chunk.splitTo(cut));
  // It begins where the chunk ends, but in other memory.
  const [first, second] = [other.allocate(), other.allocate()];
  const next = second.putUtf8(long('n')).freeze();
  first.abandon();
  assert.equal(next.view.byteOffset, 8192);
  outbox.trySend(next.clone());
  outbox.trySend(next.slice(0, 1));
  await settled();
  assert.deepEqual(slow.batches, [[long('a') + long('b'), long('n'), 'n']]);
  next.release();
  await slow.take();
  assertAllReturned(arena);
  assertAllReturned(other);
});

test('the memory of a batch is held until its last piece is written', async () => {
  const arena = asyncArena(2, 8192);
  const written: (() => void)[] = [];
  const single = new Writable({ write: (_chunk, _encoding, done) => void written.push(done) });
  const outbox = new Outbox(single);
  for (const text of ['a', 'b']) outbox.trySend(frame(arena, long(text)));
  await settled();
  written[0]?.();
  await settled();
  assert.deepEqual([written.length, arena.metrics().bytesLive], [2, 16_384]);
  written[1]?.();
  await settled();
  assertAllReturned(arena);
});

test('a slow receiver is skipped until all that was queued for it is written', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxFrames: 2, maxBatchFrames: 1, whenSlow: 'skip', patience: 0 });
  const send = (text: string): Promise<boolean> => outbox.send(frame(arena, text));
  assert.deepEqual([await send('a'), await send('b'), await send('c')], [true, true, false]);
  await settled();
  await slow.take(); // "b" is being written
  assert.equal(await send('d'), false, 'there is room again, but it has not caught up');
  await slow.take();
  assert.equal(await send('e'), true);
  await settled();
  await slow.take();
  assert.deepEqual(slow.batches, [['a'], ['b'], ['e']]);
  assert.equal(outbox.metrics().skippedFrames, 2);
  assertAllReturned(arena);
});

test('a receiver has the whole patience before its frames are skipped', async () => {
  using clock = new FakeClock();
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxFrames: 1, whenSlow: 'skip', patience: 100 });
  outbox.trySend(frame(arena, 'a'));
  await settled();
  const second = new Outcome(outbox.send(frame(arena, 'b')));
  clock.advance(99);
  await settled();
  assert.equal(second.state, 'pending');
  await slow.take();
  assert.equal(second.value, true);
  const third = new Outcome(outbox.send(frame(arena, 'c')));
  clock.advance(99);
  await settled();
  assert.deepEqual([third.state, outbox.metrics().stalledFor], ['pending', 99], 'it has taken something since');
  clock.advance(1);
  await settled();
  assert.equal(third.value, false);
  assert.equal(await outbox.send(frame(arena, 'd')), false, 'it is slow, and nobody waits for it');
  await slow.take();
  const fifth = new Outcome(outbox.send(frame(arena, 'e')));
  await settled();
  assert.equal(fifth.value, true, 'it has caught up');
  await slow.take();
  assert.equal(clock.pendingTimers, 0);
  assertAllReturned(arena);
});

test('dropOldest keeps the newest frames, and what is being written', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxFrames: 3, whenSlow: 'dropOldest', patience: 0 });
  await outbox.send(frame(arena, 'a'));
  await settled();
  for (const text of ['b', 'c', 'd', 'e']) assert.equal(await outbox.send(frame(arena, text)), true);
  await slow.take();
  await slow.take();
  assert.deepEqual(slow.batches, [['a'], ['de']]);
  assert.equal(outbox.metrics().droppedFrames, 2);
  assertAllReturned(arena);
});

test('a frame that would not fit beside what is being written is skipped', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxBytes: 4, whenSlow: 'dropOldest', patience: 0 });
  await outbox.send(frame(arena, 'aa'));
  await settled();
  await outbox.send(frame(arena, 'b'));
  assert.equal(await outbox.send(frame(arena, 'ccc')), false);
  const { droppedFrames, skippedFrames } = outbox.metrics();
  assert.deepEqual([droppedFrames, skippedFrames], [0, 1], 'nothing was dropped in vain');
  await slow.take();
  await slow.take();
  assertAllReturned(arena);
});

test('a slow receiver is closed on request, with an error that says so', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxFrames: 1, whenSlow: 'close', patience: 1 });
  await outbox.send(frame(arena, 'a'));
  await settled();
  await assert.rejects(outbox.send(frame(arena, 'b')), { code: 'SLOW_RECEIVER' });
  await settled();
  assert.ok(slow.errored instanceof SlowReceiverError);
  assert.equal(slow.errored.code, 'SLOW_RECEIVER');
  await assert.rejects(outbox.send(frame(arena, 'c')), { code: 'SLOW_RECEIVER' });
  assertAllReturned(arena);
});

test('when the stream fails, queued and waiting frames are released, and the calls report the error', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxFrames: 2, maxBatchFrames: 1 });
  const sends = ['a', 'b', 'c'].map((text) => new Outcome(outbox.send(frame(arena, text))));
  const drained = new Outcome(outbox.drained());
  await settled();
  await slow.take(new Error('broken'));
  assert.deepEqual(
    sends.map(({ state }) => state),
    ['resolved', 'resolved', 'rejected'],
  );
  assert.match(String(sends[2]?.error), /broken/);
  assert.match(String(drained.error), /broken/);
  for (const call of [outbox.send(frame(arena, 'd')), outbox.drained(), outbox.end()])
    await assert.rejects(call, /broken/);
  const kept = frame(arena, 'e');
  assert.throws(() => outbox.trySend(kept), /broken/);
  kept.release();
  assertAllReturned(arena);
});

test('memory that is being written is held until the stream has closed', async () => {
  const arena = asyncArena(8, 8);
  let close: () => void = () => undefined;
  const reading = new Writable({
    write: () => undefined, // its callback never comes
    destroy: (error, closed) => {
      close = () => closed(error);
    },
  });
  const outbox = new Outbox(reading);
  await outbox.send(frame(arena, 'a'));
  await settled();
  await outbox.send(frame(arena, 'b'));
  reading.destroy(new Error('gone'));
  await settled();
  assert.equal(arena.metrics().bytesLive, 16);
  close();
  await settled();
  await assert.rejects(outbox.drained(), /gone/);
  assertAllReturned(arena);
});

test('end() writes what is queued and ends the stream; after it nothing is taken', async () => {
  const arena = asyncArena(8, 8);
  const slow = new Slow();
  const outbox = new Outbox(slow, { maxFrames: 1 });
  const sends = ['a', 'b'].map((text) => new Outcome(outbox.send(frame(arena, text))));
  const end = new Outcome(outbox.end());
  await assert.rejects(outbox.send(frame(arena, 'c')), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  await settled();
  await slow.take();
  await slow.take();
  assert.deepEqual(
    [end.state, slow.writableFinished, slow.batches, sends[1]?.value],
    ['resolved', true, [['a'], ['b']], true],
  );
  assertAllReturned(arena);
});

test('a stream that passes its memory on gets a copy', async () => {
  const arena = asyncArena(1, 8);
  const passing = new PassThrough();
  const outbox = new Outbox(passing);
  for (const text of ['aaaa', 'bbbb']) {
    await outbox.send(frame(arena, text));
    await outbox.drained();
  }
  assert.equal(textIn(passing), 'aaaabbbb');
  assertAllReturned(arena);
});

test('empty frames and frames of several pieces arrive', async () => {
  const arena = FixedArena.withSlotCapacity(4, 8).buildAsync();
  const slow = new Slow();
  const outbox = new Outbox(slow);
  await outbox.send(new BytesList());
  await settled();
  assert.deepEqual([outbox.metrics().sentFrames, slow.batches], [1, []]);
  await outbox.send(new BytesList([frame(arena, 'a'), frame(arena, 'b')]));
  await outbox.send(frame(arena, ''));
  await settled();
  await slow.take();
  await outbox.drained();
  assert.deepEqual([slow.batches, outbox.metrics().sentFrames], [[['ab']], 3]);
  assertAllReturned(arena);
});

test('bad arguments are refused', async () => {
  const slow = new Slow();
  assert.throws(() => new Outbox({} as Writable), TypeError);
  assert.throws(() => new Outbox(slow, null as unknown as OutboxOptions), TypeError);
  assert.throws(() => new Outbox(slow, { whenSlow: 'drop' as 'skip' }), TypeError);
  for (const name of ['maxFrames', 'maxBytes', 'patience', 'maxBatchFrames', 'maxBatchBytes']) {
    assert.throws(() => new Outbox(slow, { [name]: -1 }), RangeError);
  }
  const outbox = new Outbox(slow);
  await assert.rejects(outbox.send('text' as unknown as Bytes), TypeError);
  assert.throws(() => outbox.trySend(null as unknown as Bytes), TypeError);
});
