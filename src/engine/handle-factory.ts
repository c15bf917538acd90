import type { Opening, Site } from '../base/site.js';
import type { Allocation, Trace } from '../handles/allocation.js';
import { ArenaBuffer, Bytes } from '../handles/handles.js';
import { RawRegion } from '../handles/raw-region.js';
import type { OpenAllocation } from './leaks.js';

/** Turns the records of granted blocks into handles: where the safety nets that look at single allocations are fastened. */
export interface HandleFactory {
  /** Where the program asked for an allocation, if that is to be recorded of this one. */
  site(): Site | undefined;
  buffer(record: Allocation, site: Site | undefined): ArenaBuffer;
  region(record: Allocation, site: Site | undefined): RawRegion;
  /** Bytes that arrived from another thread. */
  bytes(record: Allocation, offset: number, length: number, site: Site | undefined): Bytes;
  /** The collector found the record of `trace`: what is known about it. */
  lost(trace: Trace): Opening | undefined;
  /** What has not come back, as far as it was recorded, the oldest first. @param after only what was opened after that opening's number */
  openAllocations(after?: number): OpenAllocation[];
  /** What was done wrong so far and was thrown at nobody. */
  readonly violations: readonly string[];
  /** Looks for what was done wrong and nobody noticed yet. */
  inspect(): void;
}

class PlainHandles implements HandleFactory {
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
