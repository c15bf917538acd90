import type { Engine } from '../engine/engine.js';
import type { HandleFactory } from '../engine/handle-factory.js';
import { LeakDetection, type LeakListener } from '../engine/leaks.js';
import { Guard } from './guard.js';
import { LeakWatch, WatchedHandles } from './leak-watch.js';

/** Which safety nets an arena has. */
export interface Nets {
  readonly leakDetection: LeakDetection;
  readonly onLeak: LeakListener | undefined;
  readonly guarded: boolean;
  readonly zeroes: boolean;
}

/** Of arenas in this thread of which every allocation is watched. */
const watched = new Set<WeakRef<HandleFactory>>();

/** Those that are gone are looked for whenever there are twice as many as were there the last time. */
const FEW = 64;
let pruneAt = 2 * FEW;

/** Fastens the nets to an engine that has granted nothing yet. */
export function fasten(engine: Engine, { leakDetection, onLeak, guarded, zeroes }: Nets): void {
  engine.onLeak(onLeak);
  if (!guarded && leakDetection === LeakDetection.Off) return;
  const watch = new LeakWatch(engine);
  const samples = leakDetection === LeakDetection.Sampled;
  engine.handles = guarded ? new Guard(engine, watch, zeroes) : new WatchedHandles(watch, samples);
  if (!guarded && samples) return;
  if (watched.size >= pruneAt) {
    watchedHandles();
    pruneAt = 2 * Math.max(watched.size, FEW);
  }
  watched.add(new WeakRef(engine.handles));
}

/** Of all arenas in this thread of which every allocation is watched, as long as they are there. */
export function watchedHandles(): HandleFactory[] {
  const found: HandleFactory[] = [];
  for (const reference of watched) {
    const handles = reference.deref();
    if (handles === undefined) watched.delete(reference);
    else found.push(handles);
  }
  return found;
}
