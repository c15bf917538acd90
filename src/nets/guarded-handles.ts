import { throwLater } from '../base/environment.js';
import { ReleasedError } from '../base/errors.js';
import { callSite, type Site } from '../base/site.js';
import { type Allocation, SPENT } from '../handles/allocation.js';
import { ArenaBuffer, Bytes, type BytesMut } from '../handles/handles.js';
import { RawRegion } from '../handles/raw-region.js';
import { GuardedRecord } from './guarded-record.js';

/** What handles tell the guard of their arena, and ask of it. */
export interface HandleGuard {
  /** A handle that had been released was released again. */
  releasedTwice(handle: string, history: string): void;
  /** A record that guards heap memory, which a buffer outgrew its slot for. */
  guardHeap(allocation: Allocation, allocated: Site): GuardedRecord;
  /** The record to write by, when frozen bytes may be written again. @throws GuardError when they were already */
  thaw(record: GuardedRecord): Allocation;
}

/** The life of a handle, as errors tell it. */
class History {
  readonly guard: HandleGuard;
  readonly allocated: Site;
  private ended: Site | undefined = undefined;
  private wasReleased = false;

  constructor(guard: HandleGuard, allocated: Site) {
    this.guard = guard;
    this.allocated = allocated;
  }

  /** The handle is used up. */
  end(): void {
    this.ended = callSite();
  }

  /** Whether a handle that is told to release can; a second release is reported. What was converted may be released: it does nothing. */
  mayRelease(handle: string, isUsedUp: boolean): boolean {
    if (isUsedUp && this.wasReleased) this.guard.releasedTwice(handle, this.toString());
    if (!isUsedUp) this.wasReleased = true;
    return !isUsedUp;
  }

  /** The library released the handle itself, in converting it. */
  converted(): void {
    this.wasReleased = false;
  }

  toString(): string {
    const end = this.ended === undefined ? '' : `\nreleased, frozen or converted\n${this.ended.stack}`;
    return `\nallocated\n${this.allocated.stack}${end}`;
  }
}

/** An {@link ArenaBuffer} that knows where it came from and where it went. */
export class GuardedBuffer extends ArenaBuffer {
  private readonly history: History;

  private constructor(allocation: Allocation, cursor: number, history: History) {
    super(allocation, cursor);
    this.history = history;
  }

  /** A buffer over a guarded record, or over what spilled from one; what lies before `cursor` is already written. */
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

/** {@link Bytes} that know where they came from and where they went. */
export class GuardedBytes extends Bytes {
  private readonly history: History;

  private constructor(record: GuardedRecord, offset: number, size: number, guard: HandleGuard) {
    super(record, offset, size);
    this.history = new History(guard, record.allocated);
  }

  /** The first handle on bytes that are frozen now, which `record` counts already. */
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
    if (record instanceof GuardedRecord) record.check(); // before anything changes
    const owned = super.intoOwned();
    this.history.converted();
    return owned;
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
      this.history.converted(); // whoever was told may still release it, as in a `finally`
      throw error;
    }
  }

  override [Symbol.dispose](): void {
    if (!this.isReleased) this.release();
  }

  /** For an adapter: its caller may release the handle again, and what it does must not end here. */
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

  /** The same handle, guarded; one on no bytes holds nothing to guard. */
  private guarded(bytes: Bytes): Bytes {
    const { allocation, offset, length } = Bytes.placeOf(bytes);
    return allocation instanceof GuardedRecord
      ? new GuardedBytes(allocation, offset, length, this.history.guard)
      : bytes;
  }
}

/** A {@link RawRegion} that knows where it came from and where it went. */
export class GuardedRegion extends RawRegion {
  private readonly history: History;

  private constructor(record: GuardedRecord, guard: HandleGuard) {
    super(record);
    this.history = new History(guard, record.allocated);
  }

  static guarding(record: GuardedRecord, guard: HandleGuard): GuardedRegion {
    record.owner.lend(record); // its place may be known without asking for a view
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
