import { throwLater } from '../base/environment.js';
import { ReleasedError } from '../base/errors.js';
import { callSite, type Site } from '../base/site.js';
import { type Allocation, SPENT } from '../handles/allocation.js';
import { ArenaBuffer, Bytes, type BytesMut } from '../handles/handles.js';
import { RawRegion } from '../handles/raw-region.js';
import { GuardedRecord } from './guarded-record.js';

/** The calls that guarded handles make to the guard of their arena. */
export interface HandleGuard {
  /** Reports that a handle was released a second time. */
  releasedTwice(handle: string, history: string): void;
  /** Returns a record that guards the heap memory that a buffer spilled to. */
  guardHeap(allocation: Allocation, allocated: Site): GuardedRecord;
  /**
   * Makes frozen bytes writable again, and returns the record to write through.
   * @throws GuardError WRITTEN_AFTER_FREEZE when they were already written to
   */
  thaw(record: GuardedRecord): Allocation;
}

/** Where a handle was allocated and where it was used up, for error messages. */
class History {
  readonly guard: HandleGuard;
  readonly allocated: Site;
  private ended: Site | undefined = undefined;
  private wasReleased = false;

  constructor(guard: HandleGuard, allocated: Site) {
    this.guard = guard;
    this.allocated = allocated;
  }

  /** Records that the handle is used up, and where. */
  end(): void {
    this.ended = callSite();
  }

  /**
   * Whether a call of `release` has something to release. A second release is reported. Releasing a converted handle is
   * allowed, and does nothing.
   */
  mayRelease(handle: string, isUsedUp: boolean): boolean {
    if (isUsedUp && this.wasReleased) this.guard.releasedTwice(handle, this.toString());
    if (!isUsedUp) this.wasReleased = true;
    return !isUsedUp;
  }

  /** Forgets the release that the library did itself in a conversion: the program may still release the handle. */
  converted(): void {
    this.wasReleased = false;
  }

  toString(): string {
    const end = this.ended === undefined ? '' : `\nreleased, frozen or converted\n${this.ended.stack}`;
    return `\nallocated\n${this.allocated.stack}${end}`;
  }
}

/** An {@link ArenaBuffer} that remembers where it was allocated and where it was used up. */
export class GuardedBuffer extends ArenaBuffer {
  private readonly history: History;

  private constructor(allocation: Allocation, cursor: number, history: History) {
    super(allocation, cursor);
    this.history = history;
  }

  /**
   * Makes a buffer over a guarded record, or over the heap memory that one spilled to. The bytes before `cursor` are
   * already written.
   */
  static guarding(allocation: Allocation, cursor: number, guard: HandleGuard, allocated: Site): GuardedBuffer {
    return new GuardedBuffer(allocation, cursor, new History(guard, allocated));
  }

  override freeze(): Bytes {
    const { guard, allocated } = this.history;
    const allocation = this.live();
    const { start } = allocation;
    const length = this.cursor - start;
    const bytes = super.freeze();
    if (length === 0) return bytes;
    const record = allocation instanceof GuardedRecord ? allocation : guard.guardHeap(allocation, allocated);
    return GuardedBytes.frozen(record, start, length, guard);
  }

  override abandon(): void {
    if (this.history.mayRelease('ArenaBuffer', this.allocation === SPENT)) super.abandon();
  }

  override [Symbol.dispose](): void {
    if (this.allocation !== SPENT) this.abandon();
  }

  protected override giveUp(allocation: Allocation): void {
    super.giveUp(allocation);
    this.history.end();
  }

  protected override released(): ReleasedError {
    return new ReleasedError('ArenaBuffer', this.history.toString());
  }
}

/** {@link Bytes} that remember where they were allocated and where they were used up. */
export class GuardedBytes extends Bytes {
  private readonly history: History;

  private constructor(record: GuardedRecord, offset: number, size: number, guard: HandleGuard) {
    super(record, offset, size);
    this.history = new History(guard, record.allocated);
  }

  /** Freezes bytes, and makes the first handle on them. `record` already counts that handle. */
  static frozen(record: GuardedRecord, offset: number, size: number, guard: HandleGuard): GuardedBytes {
    record.freeze(offset, size);
    return new GuardedBytes(record, offset, size, guard);
  }

  override clone(): Bytes {
    return this.guarded(super.clone());
  }

  override slice(start?: number, end?: number): Bytes {
    return this.guarded(super.slice(start, end));
  }

  override splitTo(at: number): Bytes {
    return this.guarded(super.splitTo(at));
  }

  override splitOff(at: number): Bytes {
    return this.guarded(super.splitOff(at));
  }

  override intoOwned(): BytesMut {
    const record = this.live();
    if (record instanceof GuardedRecord) record.check(); // it throws before anything changes
    const owned = super.intoOwned();
    this.history.converted();
    return owned;
  }

  override compact(arena?: { allocate(length: number): ArenaBuffer }): Bytes {
    const record = this.live();
    if (record instanceof GuardedRecord) record.check();
    const compact = super.compact(arena);
    this.history.converted();
    return compact;
  }

  override tryIntoMut(): ArenaBuffer | undefined {
    const record = this.live();
    if (!(record instanceof GuardedRecord) || !this.isUnique) return undefined;
    const { guard, allocated } = this.history;
    const { offset, size } = this;
    const writable = guard.thaw(record);
    this.giveUp();
    writable.start = offset;
    return GuardedBuffer.guarding(writable, offset + size, guard, allocated);
  }

  override release(): void {
    if (!this.history.mayRelease('Bytes', this.isReleased)) return;
    try {
      super.release();
    } catch (error) {
      this.history.converted(); // the caller that gets this error may still release the handle, as in a `finally`
      throw error;
    }
  }

  override [Symbol.dispose](): void {
    if (!this.isReleased) this.release();
  }

  /**
   * Releases the handle for an adapter. The adapter's caller may still release it. An error is thrown in a task of its
   * own, so that the adapter can go on.
   */
  protected override giveBack(): void {
    try {
      super.release();
    } catch (error) {
      throwLater(error);
    }
  }

  protected override giveUp(): void {
    super.giveUp();
    this.history.end();
  }

  protected override released(): ReleasedError {
    return new ReleasedError('Bytes', this.history.toString());
  }

  /** Returns the same handle, guarded. A handle on no bytes has nothing to guard, and is returned as it is. */
  private guarded(bytes: Bytes): Bytes {
    const { allocation, offset, length } = Bytes.placeOf(bytes);
    return allocation instanceof GuardedRecord
      ? new GuardedBytes(allocation, offset, length, this.history.guard)
      : bytes;
  }
}

/** A {@link RawRegion} that remembers where it was allocated and where it was used up. */
export class GuardedRegion extends RawRegion {
  private readonly history: History;

  private constructor(record: GuardedRecord, guard: HandleGuard) {
    super(record);
    this.history = new History(guard, record.allocated);
  }

  static guarding(record: GuardedRecord, guard: HandleGuard): GuardedRegion {
    record.owner.lend(record); // the program may know the address without asking for a view
    return new GuardedRegion(record, guard);
  }

  override freeze(start: number, end: number): Bytes {
    const record = this.live();
    const bytes = super.freeze(start, end);
    this.history.end();
    if (start === end || !(record instanceof GuardedRecord)) return bytes;
    return GuardedBytes.frozen(record, start, end - start, this.history.guard);
  }

  override release(): void {
    if (!this.history.mayRelease('RawRegion', this.allocation === SPENT)) return;
    super.release();
    this.history.end();
  }

  override [Symbol.dispose](): void {
    if (this.allocation !== SPENT) this.release();
  }

  protected override released(): ReleasedError {
    return new ReleasedError('RawRegion', this.history.toString());
  }
}
