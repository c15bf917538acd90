import { environment } from '../base/environment.js';
import type { Engine } from '../engine/engine.js';
import { PLAIN_HANDLES, PlainHandles } from '../engine/handle-factory.js';
import type { Allocation } from '../handles/allocation.js';
import type { ArenaBuffer } from '../handles/handles.js';
import type { RawRegion } from '../handles/raw-region.js';
import { PassingOwner } from './passing-owner.js';

/** One allocation, while an arena is recorded. Times in ms; sizes in bytes. */
export interface Recorded {
  readonly allocated: number;
  /** Undefined while the allocation is live. */
  released: number | undefined;
  /** What was written, once that is known. */
  size: number;
}

/** Makes plain handles, and notes when each allocation came and went, and how much was written. */
export class RecordedHandles extends PlainHandles {
  /** In the order of the allocations. */
  readonly all: Recorded[] = [];
  private readonly owner: RecordingOwner;

  constructor(engine: Engine) {
    super();
    this.owner = new RecordingOwner(engine);
  }

  /** Ends the recording. Allocations that are live then have no release. */
  stop(): void {
    this.owner.stop();
  }

  override buffer(record: Allocation): ArenaBuffer {
    this.open(record);
    return super.buffer(record);
  }

  override region(record: Allocation): RawRegion {
    this.open(record);
    return super.region(record);
  }

  private open(record: Allocation): void {
    const recorded: Recorded = { allocated: environment.now(), released: undefined, size: 1 };
    this.all.push(recorded);
    this.owner.open(record, recorded);
  }
}

/**
 * The owner of recorded allocations. It passes everything on to the engine. It holds their records, so the collector
 * finds no forgotten handle of them meanwhile.
 */
class RecordingOwner extends PassingOwner {
  private readonly recorded = new Map<Allocation, Recorded>();

  open(record: Allocation, recorded: Recorded): void {
    this.recorded.set(record, recorded);
    record.owner = this;
  }

  /** Notes the sizes of what is live, and gives all records back to the engine. */
  stop(): void {
    for (const record of this.recorded.keys()) this.close(record, undefined);
  }

  override release(record: Allocation): void {
    this.close(record, environment.now());
    super.release(record);
  }

  override departed(record: Allocation): void {
    this.close(record, environment.now());
    super.departed(record);
  }

  private close(record: Allocation, released: number | undefined): void {
    const recorded = this.recorded.get(record);
    this.recorded.delete(record);
    record.owner = this.engine;
    if (recorded === undefined) return;
    recorded.size = Math.max(1, record.dirtyEnd - record.offset);
    recorded.released = released;
  }
}

/** Records an engine from now on. @throws TypeError when it has safety nets */
export function recordHandles(engine: Engine): { readonly handles: RecordedHandles; stop(): void } {
  if (engine.handles !== PLAIN_HANDLES) {
    throw new TypeError('an arena with leak detection, with the guarded mode, or that is recorded cannot be recorded');
  }
  const handles = new RecordedHandles(engine);
  engine.useHandles(handles);
  return {
    handles,
    stop: () => {
      handles.stop();
      engine.useHandles(PLAIN_HANDLES);
    },
  };
}
