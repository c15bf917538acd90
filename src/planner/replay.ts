import type { Allocator, Candidate } from './candidates.js';
import type { Trace } from './trace.js';

/** What a trace did in an arena. */
export interface Outcome extends Candidate {
  /** Allocations that found no memory. */
  readonly failures: number;
  /** Allocations that went to the heap. */
  readonly spills: number;
  /** The most bytes of the heap at the same time. */
  readonly peakHeap: number;
  /** The memory that the program needs: what the arena reserves, and the peak of the heap. */
  readonly memory: number;
  /** The share of the memory, from 0 to 1, that held no content when the most content was live. */
  readonly waste: number;
  /** Mean time of an allocation or a release, in ns. */
  readonly nanoseconds: number;
}

type Held = ReturnType<Allocator['tryAllocate']>;

/** Runs `trace` in the arena of `candidate`, and measures. */
export function replay(trace: Trace, candidate: Candidate): Outcome {
  const counted = count(trace, candidate.build());
  const nanoseconds = time(trace, candidate.build());
  const memory = candidate.reserved + counted.peakHeap;
  return { ...candidate, ...counted, memory, waste: 1 - trace.peakBytes / memory, nanoseconds };
}

function count(trace: Trace, arena: Allocator): Pick<Outcome, 'failures' | 'spills' | 'peakHeap'> {
  const held = new Map<number, NonNullable<Held>>();
  let [failures, spills, heap, peakHeap] = [0, 0, 0, 0];
  for (const step of trace.steps) {
    if (step >= 0) {
      const buffer = arena.tryAllocate(trace.sizeOf(step));
      if (buffer === undefined) failures++;
      else {
        held.set(step, buffer);
        if (!buffer.isSpilled) continue;
        spills++;
        heap += buffer.capacity;
        peakHeap = Math.max(peakHeap, heap);
      }
      continue;
    }
    const buffer = held.get(-1 - step);
    held.delete(-1 - step);
    if (buffer?.isSpilled) heap -= buffer.capacity;
    buffer?.abandon();
  }
  for (const buffer of held.values()) buffer.abandon();
  arena.close();
  return { failures, spills, peakHeap };
}

function time(trace: Trace, arena: Allocator): number {
  const { steps, sizes } = trace;
  const held: Held[] = Array.from({ length: sizes.length });
  const start = performance.now();
  for (const step of steps) {
    if (step >= 0) held[step] = arena.tryAllocate(sizes[step] as number);
    else held[-1 - step]?.abandon();
  }
  const passed = performance.now() - start;
  for (const buffer of held) buffer?.abandon();
  arena.close();
  return (passed * 1e6) / steps.length;
}
