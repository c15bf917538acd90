import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { FixedArena } from 'arena-alligator';
import { serveInspector } from 'arena-alligator/inspector';
import type { Case } from '../case.js';
import type { Figures } from '../measure.js';

const SLOTS = 1_000_000;
/** ms of work between two turns of the event loop, as in a busy server. */
const TURN = 2;
/** The inspector sends four times a second, so short runs would see none of it. */
const EFFORT = 30;

/** A process that reads the events of the inspector at `url`, as a page does. */
const READER = (url: string): string => `
  fetch('${url}events').then(async ({ body }) => {
    console.log('reading');
    for await (const _ of body);
  });`;

/** Round trips in an arena of a million slots that were all used before. */
async function roundTrips(ms: number, isOpen: boolean): Promise<Figures> {
  const arena = FixedArena.withSlotCapacity(SLOTS, 64).build();
  const all = Array.from({ length: SLOTS }, () => arena.allocate());
  for (const buffer of all) buffer.abandon();
  await using inspector = await serveInspector({ arenas: { arena } });
  const reader = isOpen ? spawn(process.execPath, ['-e', READER(inspector.url)]) : undefined;
  if (reader !== undefined) await once(reader.stdout, 'data');
  const run = async (duration: number): Promise<Figures> => {
    let count = 0;
    const start = performance.now();
    for (let now = start; now - start < duration; now = performance.now()) {
      for (const end = now + TURN; now < end; now = performance.now()) {
        for (let trip = 0; trip < 100; trip++) arena.allocate().putU8(1).freeze().release();
        count += 100;
      }
      await setImmediate();
    }
    return { ns: ((performance.now() - start) * 1e6) / count };
  };
  await run(300);
  const figures = await run(ms * EFFORT);
  reader?.kill();
  assert.equal(arena.metrics().bytesLive, 0);
  return figures;
}

/** The price of an open inspector. */
export const inspectorRows: readonly Case[] = [
  { id: `inspector/${SLOTS}/closed`, nodeOnly: true, run: (ms) => roundTrips(ms, false) },
  { id: `inspector/${SLOTS}/open`, nodeOnly: true, run: (ms) => roundTrips(ms, true) },
];
