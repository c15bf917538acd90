import { writeFileSync } from 'node:fs';
import { describe } from '../base/check.js';
import { BuddyArena, FixedArena } from '../index.js';
import { TraceEncoder } from './trace-file.js';

/** A recording of an arena. */
export interface ArenaRecording {
  /**
   * Ends the recording, and writes it to a file for `arena-alligator plan`. A second call writes the same again.
   * @returns the number of allocations that were recorded
   */
  save(path: string): number;
}

/**
 * Records from now on when an arena's allocations come and go, and how many bytes are written to each. In a shared
 * arena, those of this thread. Every recorded allocation takes memory until `save`, and the arena is slower meanwhile.
 * Forgotten handles of recorded allocations are not reclaimed before `save`.
 * @throws TypeError for what is no arena, and for an arena with leak detection or the guarded mode
 */
export function recordArena(arena: FixedArena | BuddyArena): ArenaRecording {
  if (!(arena instanceof FixedArena || arena instanceof BuddyArena)) {
    throw new TypeError(`arena must be a FixedArena or a BuddyArena, got ${describe(arena)}`);
  }
  const { handles, stop } = arena.record();
  let hasStopped = false;
  return {
    save: (path) => {
      if (!hasStopped) stop();
      hasStopped = true;
      const encoder = new TraceEncoder();
      const indexes: number[] = [];
      const [first] = handles.all;
      const start = first?.allocated ?? 0;
      const events = handles.all.flatMap(({ allocated, released }, index) => [
        { time: allocated, index, isRelease: false },
        ...(released === undefined ? [] : [{ time: released, index, isRelease: true }]),
      ]);
      // Of one time, in the order in which they were noted: an allocation before its own release.
      events.sort((a, b) => a.time - b.time);
      for (const { time, index, isRelease } of events) {
        const now = (time - start) * 1000;
        if (isRelease) encoder.released(indexes[index] as number, now);
        else indexes[index] = encoder.allocated(handles.all[index]?.size ?? 1, now);
      }
      writeFileSync(path, encoder.end());
      return handles.all.length;
    },
  };
}
