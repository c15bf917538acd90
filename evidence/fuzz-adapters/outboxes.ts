import assert from 'node:assert/strict';
import type { Bytes } from 'arena-alligator';
import { BytesList, type ChunkArena, type Outbox, OutboxGroup, type OutboxOptions } from 'arena-alligator/node';
import type { Dice } from '../fuzz/dice.js';
import { type Receiver, randomReceiver } from './receivers.js';
import { pause } from './sources.js';

const RULES = ['wait', 'skip', 'dropOldest', 'close'] as const;

/** @param scale larger limits for larger frames */
function randomOptions(dice: Dice, scale: number): OutboxOptions {
  const whenSlow = dice.pick(RULES);
  return {
    maxFrames: 1 + dice.below(6),
    maxBytes: 1 + scale * dice.below(200),
    whenSlow,
    patience: whenSlow === 'close' ? 1 + dice.below(5) : dice.pick([0, 0, 1, 5]),
    maxBatchFrames: 1 + dice.below(6),
    maxBatchBytes: 1 + scale * dice.below(200),
  };
}

class Member {
  readonly receiver: Receiver;
  readonly outbox: Outbox;
  /** What was sent while the stream was in the group. */
  readonly sent: string[] = [];
  isInGroup = true;
  /** Whether the program took the stream out of the group while it was sent to, or ended or destroyed it. */
  wasTouched = false;
  private readonly options: OutboxOptions;

  constructor(group: OutboxGroup, dice: Dice, scale: number) {
    this.receiver = randomReceiver(dice);
    this.options = randomOptions(dice, scale);
    this.outbox = group.add(this.receiver.stream, this.options);
  }

  check(): void {
    const { receiver, sent } = this;
    assert.equal(receiver.damage(), undefined);
    const { queuedFrames, queuedBytes, stalledFor } = this.outbox.metrics();
    assert.deepEqual([queuedFrames, queuedBytes, stalledFor], [0, 0, 0]);
    // A stream that failed may have been given the pieces before the one that it failed at.
    if (!receiver.isSound()) return;
    const got = receiver.got().toString();
    if (this.options.whenSlow === 'wait' && !this.wasTouched) {
      assert.equal(got, sent.join(''));
      return;
    }
    // Some frames are missing, but those that are there are whole and in order.
    let next = 0;
    for (const frame of got.split(';').slice(0, -1)) {
      const at = sent.indexOf(`${frame};`, next);
      assert.ok(at >= 0, `${frame} of ${got} is not one of ${sent.slice(next)}`);
      next = at + 1;
    }
  }
}

/** From this size of a slot on, in bytes, frames are long, so that outboxes do not join them. */
const LONG = 8192;

/** Sends numbered frames to streams that do all that streams do. @returns the number of frames */
export async function runOutboxes(arena: ChunkArena, slotSize: number, dice: Dice): Promise<number> {
  const group = new OutboxGroup();
  const scale = slotSize >= LONG ? 600 : 1;
  const members = Array.from({ length: 1 + dice.below(4) }, () => new Member(group, dice, scale));
  const frames = 1 + dice.below(30);
  const sends: Promise<unknown>[] = [];
  const freeing = setInterval(() => {
    for (const { receiver } of members) receiver.free();
  }, 3);
  try {
    for (let number = 0; number < frames; number++) {
      const text = `${number}:${'x'.repeat(scale * dice.below(10))};`;
      const bytes = await frameOf(arena, text, dice);
      if (dice.oneIn(6)) {
        const member = dice.pick(members);
        if (trySend(member.outbox, bytes)) member.sent.push(text);
      } else {
        for (const member of members) if (member.isInGroup) member.sent.push(text);
        const sending = group.send(bytes);
        sends.push(sending);
        if (!dice.oneIn(4)) await sending;
      }
      if (dice.oneIn(8)) group.flush();
      disturb(dice, group, dice.pick(members));
      if (dice.oneIn(3)) await pause(dice);
    }
    await Promise.all(sends);
    await Promise.allSettled(members.map(({ outbox }) => (dice.oneIn(2) ? outbox.drained() : outbox.end())));
    await group.end();
    await Promise.allSettled(members.map(({ outbox }) => outbox.end()));
    await new Promise((resolve) => setImmediate(resolve)); // what a PassThrough passes on is read
    await Promise.all(members.map(({ receiver }) => receiver.isRead));
  } finally {
    clearInterval(freeing);
    for (const { receiver } of members) receiver.stream.destroy();
  }
  // A stream that was closed gives back what it reads once it is done with it.
  while (members.some(({ outbox }) => outbox.metrics().queuedFrames > 0)) {
    for (const { receiver } of members) receiver.free();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const member of members) member.check();
  return frames;
}

function disturb(dice: Dice, group: OutboxGroup, member: Member): void {
  if (dice.oneIn(20)) {
    group.delete(member.receiver.stream);
    member.isInGroup = false;
    member.wasTouched = true;
  }
  if (dice.oneIn(20)) {
    member.wasTouched = true;
    if (dice.oneIn(2)) member.receiver.stream.end();
    else member.receiver.stream.destroy();
  }
}

async function frameOf(arena: ChunkArena, text: string, dice: Dice): Promise<Bytes | BytesList> {
  const bytes = (await arena.allocateAsync(text.length)).putUtf8(text).freeze();
  if (!dice.oneIn(3)) return bytes;
  const head = bytes.splitTo(dice.below(text.length));
  return new BytesList([head, bytes]);
}

function trySend(outbox: Outbox, bytes: Bytes | BytesList): boolean {
  try {
    if (outbox.trySend(bytes)) return true;
  } catch {
    // The stream has failed.
  }
  bytes.release();
  return false;
}
