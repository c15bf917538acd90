import { environment } from '../base/environment.js';
import { AllocError } from '../base/errors.js';
import { callSite, type Opening, type Site } from '../base/site.js';
import type { Engine } from '../engine/engine.js';
import type { HandleFactory } from '../engine/handle-factory.js';
import type { OpenAllocation } from '../engine/leaks.js';
import type { Allocation, Trace } from '../handles/allocation.js';
import type { ArenaBuffer, Bytes } from '../handles/handles.js';
import type { RawRegion } from '../handles/raw-region.js';
import type { Memory } from '../memory/memory.js';
import { GuardOwner } from './guard-owner.js';
import { GuardedBuffer, GuardedBytes, GuardedRegion, type HandleGuard } from './guarded-handles.js';
import { GuardedRecord, guardedMemory } from './guarded-record.js';
import type { LeakWatch } from './leak-watch.js';
import { Quarantine } from './quarantine.js';

/** Guards with violations. They are kept alive here, so that a test can fail even if it forgot its arena. */
const faulty = new Set<Guard>();

/** At most this many violations are kept for an arena: enough for a test to fail. */
const MOST_VIOLATIONS = 100;

/** Makes handles whose allocations have their own memory, and reports misuse of them (docs/safety.md, N6 to N9). */
export class Guard implements HandleFactory, HandleGuard {
  readonly violations: string[] = [];
  private readonly watch: LeakWatch;
  private readonly zeroes: boolean;
  private readonly owner: GuardOwner;
  private readonly quarantine: Quarantine;

  constructor(engine: Engine, watch: LeakWatch, zeroes: boolean) {
    this.watch = watch;
    this.zeroes = zeroes;
    this.quarantine = new Quarantine(
      ({ stack }) =>
        this.report('ARENA_WRITTEN_AFTER_RELEASE', `memory was written to after its release\nallocated\n${stack}`),
      ({ stack }) =>
        this.report(
          'ARENA_NOT_DETACHED',
          `memory that was given back cannot be detached, so stale views still reach it; it was overwritten\nallocated\n${stack}`,
        ),
    );
    this.owner = new GuardOwner(engine, this.quarantine);
  }

  site(): Site {
    return callSite();
  }

  buffer(record: Allocation, site: Site = callSite()): ArenaBuffer {
    const guarded = this.guarded(record, site);
    return GuardedBuffer.guarding(guarded, guarded.offset, this, site);
  }

  region(record: Allocation, site: Site = callSite()): RawRegion {
    return GuardedRegion.guarding(this.guarded(record, site), this);
  }

  bytes(record: Allocation, offset: number, length: number, site: Site = callSite()): Bytes {
    const start = offset - record.offset;
    const arrived = record.memory.view(offset, offset + length);
    const guarded = this.guarded(record, site);
    guarded.memory.bytes.set(arrived, start);
    guarded.arrived(start, length);
    return GuardedBytes.frozen(guarded, start, length, this);
  }

  lost(trace: Trace): Opening | undefined {
    return this.watch.lose(trace);
  }

  openAllocations(after?: number): OpenAllocation[] {
    return this.watch.openAllocations(after);
  }

  releasedTwice(handle: string, history: string): void {
    const again = `released again\n${callSite().stack}`;
    this.report('ARENA_DOUBLE_RELEASE', `${handle} released twice; the second release did nothing${history}\n${again}`);
  }

  guardHeap(allocation: Allocation, allocated: Site): GuardedRecord {
    return new GuardedRecord(this.owner, allocation, allocation.memory, allocated);
  }

  thaw(record: GuardedRecord): Allocation {
    return this.owner.thaw(record);
  }

  inspect(): void {
    this.quarantine.inspect();
  }

  private guarded(record: Allocation, site: Site): GuardedRecord {
    const memory = this.memoryFor(record);
    this.watch.open(record, site);
    return new GuardedRecord(this.owner, record, memory, site);
  }

  private memoryFor(record: Allocation): Memory {
    try {
      return guardedMemory(record.limit - record.offset, this.zeroes);
    } catch (cause) {
      record.owner.release(record);
      throw new AllocError('ARENA_FULL', { cause });
    }
  }

  private report(code: string, message: string): void {
    if (this.violations.length === MOST_VIOLATIONS) return;
    const isNew = !this.violations.includes(message);
    this.violations.push(message);
    faulty.add(this);
    if (isNew) environment.warn(message, code);
  }
}
