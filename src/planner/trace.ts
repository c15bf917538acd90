import { TraceError } from './trace-error.js';

/** The largest allocation in a trace, in bytes: what the largest arena holds. */
export const LARGEST_SIZE: number = 2 ** 32;

/** The most allocations in a trace. */
const MOST_ALLOCATIONS = 2 ** 30;

/** What a program allocated and released, in order. */
export class Trace {
  /** Bytes of each allocation, in the order of the allocations. */
  readonly sizes: readonly number[];
  /** One entry for each step: the index of an allocation, or `-1 - index` for its release. */
  readonly steps: readonly number[];
  /** When each step happened, in ms since the beginning. */
  readonly times: readonly number[];

  constructor(sizes: readonly number[], steps: readonly number[], times: readonly number[]) {
    this.sizes = sizes;
    this.steps = steps;
    this.times = times;
  }

  /** The most bytes that were live at the same time. */
  get peakBytes(): number {
    let [live, peak] = [0, 0];
    for (const step of this.steps) {
      live += step < 0 ? -this.sizeOf(-1 - step) : this.sizeOf(step);
      peak = Math.max(peak, live);
    }
    return peak;
  }

  sizeOf(index: number): number {
    return this.sizes[index] as number;
  }
}

/** Collects the steps of a trace, and checks them. */
export class TraceBuilder {
  private readonly sizes: number[] = [];
  private readonly steps: number[] = [];
  private readonly times: number[] = [];
  private readonly live = new Set<number>();

  /** @param time in ms @returns the index of the allocation @throws TraceError */
  allocated(size: number, time: number): number {
    if (!Number.isSafeInteger(size) || size < 1) throw new TraceError(`a size must be a positive integer, not ${size}`);
    if (size > LARGEST_SIZE) throw new TraceError(`an allocation of ${size} bytes is larger than any arena (4 GiB)`);
    const index = this.sizes.length;
    if (index === MOST_ALLOCATIONS) throw new TraceError('the trace has more than 2**30 allocations');
    this.sizes.push(size);
    this.live.add(index);
    this.step(index, time);
    return index;
  }

  /** @throws TraceError */
  released(index: number, time: number): void {
    if (!this.live.delete(index)) throw new TraceError(`allocation ${index} is released, but it is not live`);
    this.step(-1 - index, time);
  }

  get count(): number {
    return this.steps.length;
  }

  get allocations(): number {
    return this.sizes.length;
  }

  /** @throws TraceError for a trace without an allocation */
  build(): Trace {
    if (this.sizes.length === 0) throw new TraceError('the trace has no allocation');
    return new Trace(this.sizes, this.steps, this.times);
  }

  private step(step: number, time: number): void {
    this.steps.push(step);
    this.times.push(time);
  }
}
