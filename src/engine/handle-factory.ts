import type { Opening, Site } from '../base/site.js';
import type { Allocation, Trace } from '../handles/allocation.js';
import { ArenaBuffer, Bytes } from '../handles/handles.js';
import { RawRegion } from '../handles/raw-region.js';
import type { OpenAllocation } from './leaks.js';

/**
 * Turns the records of granted blocks into handles. The safety nets that watch single allocations are attached here.
 */
export interface HandleFactory {
  /** Where the program asks for an allocation, or undefined when this one is not recorded. */
  site(): Site | undefined;
  buffer(record: Allocation, site: Site | undefined): ArenaBuffer;
  region(record: Allocation, site: Site | undefined): RawRegion;
  /** A handle for bytes that arrived from another thread. */
  bytes(record: Allocation, offset: number, length: number, site: Site | undefined): Bytes;
  /** Called when the collector found the record of `trace`. @returns what is known about its allocation */
  lost(trace: Trace): Opening | undefined;
  /**
   * The recorded allocations that have not come back, the oldest first.
   * @param after number of an opening: only later ones are returned
   */
  openAllocations(after?: number): OpenAllocation[];
  /** The mistakes found so far that no call has thrown. */
  readonly violations: readonly string[];
  /** Looks for mistakes that were not noticed yet. */
  inspect(): void;
}

/** Makes handles, and watches nothing. */
export class PlainHandles implements HandleFactory {
  readonly violations: readonly string[] = [];

  site(): undefined {}

  buffer(record: Allocation): ArenaBuffer {
    return ArenaBuffer.over(record);
  }

  region(record: Allocation): RawRegion {
    return RawRegion.over(record);
  }

  bytes(record: Allocation, offset: number, length: number): Bytes {
    return Bytes.over(record, offset, length);
  }

  lost(): undefined {}

  openAllocations(): OpenAllocation[] {
    return [];
  }

  inspect(): void {}
}

export const PLAIN_HANDLES: HandleFactory = new PlainHandles();
