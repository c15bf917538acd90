import type { Engine } from '../engine/engine.js';
import type { HandleFactory } from '../engine/handle-factory.js';
import { LeakDetection, type LeakListener } from '../engine/leaks.js';
import { Guard } from './guard.js';
import { LeakWatch, WatchedHandles } from './leak-watch.js';

/** The safety nets of an arena. */
export interface Nets {
  readonly leakDetection: LeakDetection;
  readonly onLeak: LeakListener | undefined;
  readonly guarded: boolean;
  readonly zeroes: boolean;
}

/** The handle factories of arenas in this thread that watch every allocation. */
const watched = new Set<WeakRef<HandleFactory>>();

/** Collected entries are removed whenever the set has twice as many entries as were left the last time. */
const FEW = 64;
let pruneAt = 2 * FEW;

/** Adds the nets to an engine that has not granted any block yet. */
export function fasten(engine: Engine, { leakDetection, onLeak, guarded, zeroes }: Nets): void {
  engine.onLeak(onLeak);
  if (!guarded && leakDetection === LeakDetection.Off) return;
  const watch = new LeakWatch(engine);
  const samples = leakDetection === LeakDetection.Sampled;
  engine.useHandles(guarded ? new Guard(engine, watch, zeroes) : new WatchedHandles(watch, samples));
  if (!guarded && samples) return;
  if (watched.size >= pruneAt) {
    watchedHandles();
    pruneAt = 2 * Math.max(watched.size, FEW);
  }
  watched.add(new WeakRef(engine.handles));
}

/** Returns the handle factories of all arenas in this thread that watch every allocation and were not collected. */
export function watchedHandles(): HandleFactory[] {
  const found: HandleFactory[] = [];
  for (const reference of watched) {
    const handles = reference.deref();
    if (handles === undefined) watched.delete(reference);
    else found.push(handles);
  }
  return found;
}
