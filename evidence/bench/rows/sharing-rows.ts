import assert from 'node:assert/strict';
import { type Case, operationCase } from '../case.js';
import type { Subject } from '../payloads.js';
import { countedHandle, fixed } from '../subjects/arenas.js';
import { unsafeBuffers, viewedBuffers } from '../subjects/buffers.js';
import { bufferLists, uint8ArrayLists } from '../subjects/lists.js';
import { mixedFixed } from '../subjects/mixed.js';
import { checkFilled, FILL, KIB } from '../work.js';

type Row = <Handle>(subject: Subject<Handle>) => Case;

const clone: Row = (subject) =>
  operationCase(`clone/${subject.name}`, async () => {
    const payloads = await subject.open({ size: KIB, live: 1 });
    const { share } = payloads;
    assert.ok(share !== undefined);
    const shared = payloads.make(KIB);
    checkFilled(payloads.view(share(shared), KIB), KIB);
    const turn = (): unknown => {
      const handle = share(shared);
      payloads.drop(handle);
      return handle;
    };
    return { turn };
  });

const slice: Row = (subject) =>
  operationCase(`slice/${subject.name}`, async () => {
    const payloads = await subject.open({ size: KIB, live: 1 });
    const { slice } = payloads;
    assert.ok(slice !== undefined);
    const shared = payloads.make(KIB);
    checkFilled(payloads.view(slice(shared, 10, 900), 890), 890);
    const turn = (): unknown => {
      const handle = slice(shared, 10, 900);
      payloads.drop(handle);
      return handle;
    };
    return { turn };
  });

const MESSAGE = 16 * KIB;
/** How many messages each consumer lags behind. */
const BEHIND = 16;

/** Gives one message to all consumers. Each consumer then reads the first byte of the oldest message in its queue. */
const fanOut =
  (consumers: number): Row =>
  (subject) =>
    operationCase(`fan-out/${consumers}/${subject.name}`, async () => {
      const payloads = await subject.open({ size: MESSAGE, live: 1 });
      const { share } = payloads;
      assert.ok(share !== undefined);
      const looked = payloads.make(MESSAGE);
      checkFilled(payloads.view(looked, MESSAGE), MESSAGE);
      payloads.drop(looked);
      const deal = (): ReturnType<typeof payloads.make>[] => {
        const message = payloads.make(MESSAGE);
        const handles = Array.from({ length: consumers }, () => share(message));
        payloads.drop(message);
        return handles;
      };
      // One queue per consumer.
      const filled = Array.from({ length: BEHIND }, deal);
      const queues = Array.from({ length: consumers }, (_, consumer) =>
        filled.map((handles) => handles[consumer] as ReturnType<typeof payloads.make>),
      );
      let oldest = 0;
      let sum = 0;
      const turn = (): unknown => {
        const message = payloads.make(MESSAGE);
        for (let consumer = 0; consumer < consumers; consumer++) {
          const queue = queues[consumer] as (typeof queues)[number];
          const taken = queue[oldest] as (typeof queue)[number];
          queue[oldest] = share(message);
          sum = (sum + payloads.first(taken)) | 0;
          payloads.drop(taken);
        }
        payloads.drop(message);
        oldest = (oldest + 1) % BEHIND;
        return sum;
      };
      turn();
      assert.equal(sum, FILL * consumers);
      const end = (): void => {
        for (const queue of queues) for (const handle of queue) payloads.drop(handle);
        payloads.end?.();
      };
      // Long enough that collections happen in the arena's case too.
      return { turn, end, effort: 10 };
    });

function withLists(row: Row): Case[] {
  return [
    row(fixed),
    row(countedHandle),
    row(unsafeBuffers),
    row(viewedBuffers),
    row(uint8ArrayLists),
    row(bufferLists),
  ];
}

export const sharingRows: readonly Case[] = [
  clone(fixed),
  clone(mixedFixed),
  clone(viewedBuffers),
  clone(uint8ArrayLists),
  clone(bufferLists),
  slice(fixed),
  slice(mixedFixed),
  slice(unsafeBuffers),
  slice(uint8ArrayLists),
  slice(bufferLists),
  ...[8, 1000].flatMap((consumers) => withLists(fanOut(consumers))),
];
