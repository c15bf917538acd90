import { throwLater } from '../base/environment.js';
import type { Memory } from '../memory/memory.js';
import { Allocation, HeapOwner, Trace, UNCOUNTED } from './allocation.js';
import type { MemoryPressure } from './memory-pressure.js';

interface Foreign {
  readonly trace: Trace;
  readonly onRelease: () => void;
}

/** Notices when all handles on memory of somebody else were forgotten. */
const forgotten = new FinalizationRegistry<Foreign>(({ trace, onRelease }) => {
  if (!trace.lent) onRelease(); // a lent view may still be read
});

/** Memory of somebody else, who is told when the last handle on it is released. */
class ForeignOwner extends HeapOwner {
  override readonly pressure: MemoryPressure | undefined;
  private readonly onRelease: () => void;

  constructor(onRelease: () => void, pressure: MemoryPressure | undefined) {
    super(false);
    this.onRelease = onRelease;
    this.pressure = pressure;
  }

  override lend(allocation?: Allocation): void {
    if (allocation !== undefined) allocation.trace.lent = true;
  }

  override release(allocation: Allocation): void {
    forgotten.unregister(allocation.trace);
    try {
      this.onRelease();
    } catch (error) {
      throwLater(error); // the memory is released all the same
    }
  }
}

/**
 * An allocation over memory of somebody else, with one holder. `onRelease` is called once, after the last.
 * @param pressure that of the arena whose memory it keeps in use, if it does
 */
export function foreignAllocation(memory: Memory, onRelease: () => void, pressure?: MemoryPressure): Allocation {
  const trace = new Trace();
  const allocation = new Allocation(new ForeignOwner(onRelease, pressure), memory, trace, UNCOUNTED);
  allocation.holders = 1;
  allocation.limit = memory.byteLength;
  allocation.room = undefined;
  forgotten.register(allocation, { trace, onRelease }, trace);
  return allocation;
}
