import assert from 'node:assert/strict';
import { type Case, operationCase } from '../case.js';
import type { Payloads, Subject } from '../payloads.js';
import { buddy, fixed } from '../subjects/arenas.js';
import { slowBuffers, unsafeBuffers } from '../subjects/buffers.js';
import { mixedBuddy, mixedFixed } from '../subjects/mixed.js';
import { bufferReusePool, thiNgMalloc, typedArrayPool } from '../subjects/pools.js';
import { checkFilled, churnPlan, KIB, LARGEST, LIVE, PLANNED, randomSizes, SIZES } from '../work.js';

/** Makes one payload, checks it and drops it. */
function look<Handle>(payloads: Payloads<Handle>, size: number): void {
  const handle = payloads.make(size);
  checkFilled(payloads.view(handle, size), size);
  payloads.drop(handle);
}

type Row = <Handle>(subject: Subject<Handle>) => Case;

/** Makes a payload and drops it at once. */
const roundTrip =
  (size: number): Row =>
  (subject) =>
    operationCase(`round-trip/${size}/${subject.name}`, async () => {
      const payloads = await subject.open({ size: Math.max(size, 1), live: 1 });
      look(payloads, size);
      const turn = (): unknown => {
        const handle = payloads.make(size);
        payloads.drop(handle);
        return handle;
      };
      return { turn, end: payloads.end };
    });

/** Like {@link roundTrip}, but takes a Uint8Array over the bytes before they are dropped. */
const viewed =
  (size: number): Row =>
  (subject) =>
    operationCase(`viewed/${size}/${subject.name}`, async () => {
      const payloads = await subject.open({ size, live: 1 });
      look(payloads, size);
      const turn = (): unknown => {
        const handle = payloads.make(size);
        const { length } = payloads.view(handle, size);
        payloads.drop(handle);
        return length;
      };
      assert.equal(turn(), size);
      return { turn, end: payloads.end };
    });

const STACKED = 64;

const lastInFirstOut =
  (size: number): Row =>
  (subject) =>
    operationCase(`lifo-${STACKED}/${size}/${subject.name}`, async () => {
      const payloads = await subject.open({ size, live: 1 });
      look(payloads, size);
      const stack = Array.from({ length: STACKED }, () => payloads.make(size));
      for (const handle of stack) payloads.drop(handle);
      const turn = (): unknown => {
        for (let index = 0; index < STACKED; index++) stack[index] = payloads.make(size);
        for (let index = STACKED - 1; index >= 0; index--) payloads.drop(stack[index] as (typeof stack)[number]);
        return stack;
      };
      return { turn, count: STACKED, end: payloads.end };
    });

const firstInFirstOut =
  (live: number, size: number): Row =>
  (subject) =>
    operationCase(`fifo-${live}/${size}/${subject.name}`, async () => {
      const payloads = await subject.open({ size, live });
      look(payloads, size);
      const ring = Array.from({ length: live }, () => payloads.make(size));
      let oldest = 0;
      const turn = (): unknown => {
        payloads.drop(ring[oldest] as (typeof ring)[number]);
        ring[oldest] = payloads.make(size);
        oldest = (oldest + 1) & (live - 1);
        return ring;
      };
      const end = (): void => {
        for (const handle of ring) payloads.drop(handle);
        payloads.end?.();
      };
      return { turn, end };
    });

const mixedRoundTrip: Row = (subject) =>
  operationCase(`random-sizes/${subject.name}`, async () => {
    const payloads = await subject.open({ size: LARGEST, live: 1 });
    look(payloads, 1000);
    const sizes = randomSizes();
    let step = 0;
    const turn = (): unknown => {
      step = (step + 1) & (PLANNED - 1);
      const handle = payloads.make(sizes[step] as number);
      payloads.drop(handle);
      return handle;
    };
    return { turn, end: payloads.end };
  });

/** Drops one of many live payloads of mixed sizes and reserves another in its place. Nothing is written. */
const churn: Row = (subject) =>
  operationCase(`churn/${subject.name}`, async () => {
    const payloads = await subject.open({ size: LARGEST, live: LIVE });
    const { sizes, places } = churnPlan();
    const live = Array.from({ length: LIVE }, (_, index) => payloads.reserve(sizes[index] as number));
    assert.equal(live.length, LIVE);
    let step = 0;
    const turn = (): unknown => {
      step = (step + 1) & (PLANNED - 1);
      const place = places[step] as number;
      payloads.dropReserved(live[place] as (typeof live)[number]);
      live[place] = payloads.reserve(sizes[step] as number);
      return live;
    };
    const end = (): void => {
      for (const handle of live) payloads.dropReserved(handle);
      payloads.end?.();
    };
    return { turn, end };
  });

/** The cases of a row, one for every subject. */
function withAll(row: Row): Case[] {
  return [
    row(fixed),
    row(buddy),
    row(unsafeBuffers),
    row(slowBuffers),
    row(thiNgMalloc),
    row(typedArrayPool),
    row(bufferReusePool),
  ];
}

export const payloadRows: readonly Case[] = [
  ...SIZES.flatMap((size) => withAll(roundTrip(size))),
  ...[0, 256, 4 * KIB].flatMap((size) => [roundTrip(size)(mixedFixed), roundTrip(size)(mixedBuddy)]),
  ...[256, 4 * KIB, 16 * KIB, 64 * KIB].flatMap((size) => withAll(viewed(size))),
  ...[256, 4 * KIB].flatMap((size) => withAll(lastInFirstOut(size))),
  ...[64, 1024, 8192].flatMap((live) => [256, 4 * KIB].flatMap((size) => withAll(firstInFirstOut(live, size)))),
  ...withAll(mixedRoundTrip),
  ...withAll(churn),
];
