import type { Engine } from './engine.js';
import { Guard } from './guard.js';
import { LeakWatch, WatchedHandles } from './leak-watch.js';
import { LeakDetection, type LeakListener } from './leaks.js';

/** Which safety nets an arena has. */
export interface Nets {
  readonly leakDetection: LeakDetection;
  readonly onLeak: LeakListener | undefined;
  readonly guarded: boolean;
  readonly zeroes: boolean;
}

/** What is known of an arena of which every allocation is watched. */
export interface WatchedArena {
  readonly watch: LeakWatch;
  /** Where it is guarded. */
  readonly guard: Guard | undefined;
}

/** Arenas of which every allocation is watched, as long as there are any. */
const watchedArenas = new Set<WeakRef<WatchedArena>>();
const byEngine = new WeakMap<Engine, WatchedArena>();

/** Fastens the nets to an engine that has granted nothing yet. */
export function fasten(engine: Engine, { leakDetection, onLeak, guarded, zeroes }: Nets): void {
  engine.onLeak(onLeak);
  if (!guarded && leakDetection === LeakDetection.Off) return;
  const watch = new LeakWatch(engine);
  const guard = guarded ? new Guard(engine, watch, zeroes) : undefined;
  engine.handles = guard ?? new WatchedHandles(watch, leakDetection === LeakDetection.Sampled);
  if (guard === undefined && leakDetection === LeakDetection.Sampled) return;
  const arena = { watch, guard };
  byEngine.set(engine, arena);
  watchedArenas.add(new WeakRef(arena));
}

/** What is known of the engine's allocations, where all of them are watched. */
export function watchedArenaOf(engine: Engine): WatchedArena | undefined {
  return byEngine.get(engine);
}

/** All arenas in this thread of which every allocation is watched. */
export function allWatchedArenas(): WatchedArena[] {
  const arenas: WatchedArena[] = [];
  for (const reference of watchedArenas) {
    const arena = reference.deref();
    if (arena === undefined) watchedArenas.delete(reference);
    else arenas.push(arena);
  }
  return arenas;
}
