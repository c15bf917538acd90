import { build } from 'hdr-histogram-js';
import type { Case } from '../case.js';
import { type Figures, withCollections } from '../measure.js';
import type { Payloads, Subject } from '../payloads.js';
import { buddy, fixed } from '../subjects/arenas.js';
import { unsafeBuffers } from '../subjects/buffers.js';
import { churnPlan, KIB, LARGEST, LIVE, PLANNED } from '../work.js';

const MOST_NS = 1e10;
const WARM_UP = 200_000;

/**
 * Measures how long single allocations take. Each `turn` returns the time of its allocation in ns: that call alone,
 * between two readings of the clock.
 */
async function latencies(turn: () => number, ms: number): Promise<Figures> {
  for (let call = 0; call < WARM_UP; call++) turn();
  return withCollections(() => {
    const histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: MOST_NS,
      numberOfSignificantValueDigits: 3,
    });
    const end = performance.now() + ms;
    let count = 0;
    do {
      for (let call = 0; call < 256; call++) histogram.recordValue(Math.min(turn(), MOST_NS));
      count += 256;
    } while (performance.now() < end);
    const at = (percent: number): number => histogram.getValueAtPercentile(percent);
    const figures = { ns: histogram.mean, p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue };
    return [count, figures];
  });
}

function timed<Handle>(allocate: () => Handle, drop: (handle: Handle) => void): () => number {
  return () => {
    const start = process.hrtime.bigint();
    const handle = allocate();
    const end = process.hrtime.bigint();
    drop(handle);
    return Number(end - start);
  };
}

const EFFORT = 20;

function oneSize<Handle>(subject: Subject<Handle>): Case {
  return {
    id: `latency/fixed/${subject.name}`,
    run: async (ms) => {
      const payloads = await subject.open({ size: 4 * KIB, live: 1 });
      return latencies(
        timed(
          () => payloads.reserve(4 * KIB),
          (handle) => payloads.dropReserved(handle),
        ),
        ms * EFFORT,
      );
    },
  };
}

function mixed<Handle>(subject: Subject<Handle>): Case {
  return {
    id: `latency/buddy/${subject.name}`,
    run: async (ms) => latencies(churned(await subject.open({ size: LARGEST, live: LIVE })), ms * EFFORT),
  };
}

function churned<Handle>(payloads: Payloads<Handle>): () => number {
  const { sizes, places } = churnPlan();
  const live = Array.from({ length: LIVE }, (_, index) => payloads.reserve(sizes[index] as number));
  let step = 0;
  let place = 0;
  const turn = timed(
    () => payloads.reserve(sizes[step] as number),
    (handle) => {
      live[place] = handle;
    },
  );
  return () => {
    step = (step + 1) & (PLANNED - 1);
    place = places[step] as number;
    payloads.dropReserved(live[place] as Handle);
    return turn();
  };
}

export const latencyRows: readonly Case[] = [
  oneSize(fixed),
  oneSize(unsafeBuffers),
  mixed(buddy),
  mixed(unsafeBuffers),
];
