import type { Trace } from './trace.js';

/** A class of sizes: slots of `capacity` bytes, and the most of its allocations that were live at the same time. */
export interface SizeClass {
  readonly capacity: number;
  readonly slots: number;
}

/** Capacities are multiples of this many bytes: a cache line. */
const GRAIN = 64;

/** The most boundaries between classes that are tried. More make the search slower and the memory hardly smaller. */
const MOST_BOUNDARIES = 40;

/** The capacity of a slot for `size` bytes. */
export function slotFor(size: number): number {
  return Math.ceil(size / GRAIN) * GRAIN;
}

/**
 * The classes that need the least memory, for each number of classes up to `most`. Every allocation of the trace finds a
 * slot of its class.
 *
 * Dynamic programming over the boundaries between classes. The memory of a class is its capacity times the peak of its
 * live allocations, so it only depends on where the class begins and ends.
 */
export function bestClasses(trace: Trace, most: number): readonly (readonly SizeClass[])[] {
  const bounds = boundariesOf(trace.sizes);
  const peaks = peaksOf(trace, bounds);
  const count = bounds.length;
  // costs[k][end]: the least memory of k classes for the sizes up to the boundary `end`; cuts: where the last one begins.
  let costs = [0, ...Array.from({ length: count }, () => Number.POSITIVE_INFINITY)];
  const cuts: number[][] = [];
  const found: SizeClass[][] = [];
  for (let classes = 1; classes <= Math.min(most, count); classes++) {
    const next = Array.from({ length: count + 1 }, () => Number.POSITIVE_INFINITY);
    const cut = Array.from({ length: count + 1 }, () => 0);
    for (let end = 1; end <= count; end++) {
      for (let begin = 0; begin < end; begin++) {
        const memory = (costs[begin] as number) + (bounds[end - 1] as number) * peakOf(peaks, count, begin, end);
        if (memory < (next[end] as number)) {
          next[end] = memory;
          cut[end] = begin;
        }
      }
    }
    costs = next;
    cuts.push(cut);
    found.push(classesOf(cuts, bounds, peaks));
  }
  return found;
}

/** The boundaries of the classes of a search. Classes without an allocation are left out. */
function classesOf(cuts: readonly (readonly number[])[], bounds: readonly number[], peaks: Int32Array): SizeClass[] {
  const classes: SizeClass[] = [];
  let end = bounds.length;
  for (let index = cuts.length - 1; index >= 0; index--) {
    const begin = cuts[index]?.[end] ?? 0;
    const slots = peakOf(peaks, bounds.length, begin, end);
    if (slots > 0) classes.unshift({ capacity: bounds[end - 1] as number, slots });
    end = begin;
  }
  return classes;
}

/** Slot capacities that divide the allocations about equally, the largest included. */
function boundariesOf(sizes: readonly number[]): readonly number[] {
  const sorted = sizes.map(slotFor).sort((a, b) => a - b);
  const distinct = [...new Set(sorted)];
  if (distinct.length <= MOST_BOUNDARIES) return distinct;
  // Half of them by count and half by bytes: many small allocations must not hide the few large ones.
  const chosen = new Set<number>([sorted.at(-1) as number]);
  const bytes = sorted.reduce((sum, size) => sum + size, 0);
  let [index, passed] = [0, 0];
  for (let part = 1; part < MOST_BOUNDARIES / 2; part++) {
    chosen.add(sorted[Math.floor((sorted.length * part) / (MOST_BOUNDARIES / 2))] as number);
    for (; passed < (bytes * part) / (MOST_BOUNDARIES / 2); index++) passed += sorted[index] as number;
    chosen.add(sorted[Math.max(0, index - 1)] as number);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** The most live allocations at the same time, for each range of boundaries: entry `begin * (count + 1) + end`. */
function peaksOf({ steps, sizes }: Trace, bounds: readonly number[]): Int32Array {
  const count = bounds.length;
  const live = new Int32Array((count + 1) * (count + 1));
  const peaks = new Int32Array(live.length);
  const places = new Map<number, number>();
  const placeOf = (size: number): number => {
    const slot = slotFor(size);
    let place = places.get(slot);
    if (place === undefined) {
      place = bounds.findIndex((bound) => bound >= slot);
      places.set(slot, place);
    }
    return place;
  };
  for (const step of steps) {
    const place = placeOf(sizes[step < 0 ? -1 - step : step] as number);
    const change = step < 0 ? -1 : 1;
    for (let begin = 0; begin <= place; begin++) {
      for (let end = place + 1; end <= count; end++) {
        const at = begin * (count + 1) + end;
        const now = (live[at] as number) + change;
        live[at] = now;
        if (now > (peaks[at] as number)) peaks[at] = now;
      }
    }
  }
  return peaks;
}

function peakOf(peaks: Int32Array, count: number, begin: number, end: number): number {
  return peaks[begin * (count + 1) + end] as number;
}
