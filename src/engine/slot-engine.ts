import { type Allocation, Shelf } from '../handles/allocation.js';
import { Engine, type EngineOptions, type FreeVisitor, type ReleaseListener } from './engine.js';
import { type HandleFactory, PLAIN_HANDLES } from './handle-factory.js';

/**
 * The engine of a fixed arena. A record that comes back keeps its slot on the {@link Shelf}, and the next claim takes
 * both. The bitmap only knows slots that were never used, or whose record the collector took. So a round trip needs
 * neither the bitmap nor half of the fields of the record, and takes 14 instead of 22 ns (`round-trip/0/fixed`, Node
 * 24).
 */
export class SlotEngine extends Engine {
  override readonly shelf: Shelf;
  /** Number of slots with a record, on the shelf or in use. The number of slots in use is derived from it. */
  private recorded = 0;
  /** Records of free slots of a closed arena. They are held, so that the collector does not find them as forgotten. */
  private readonly retired: Allocation[] = [];

  constructor(options: EngineOptions) {
    super(options);
    this.shelf = new Shelf(this.counters);
    this.shelf.isDirect = this.mayBeDirect;
  }

  override claim(order: number, capacity: number): Allocation | undefined {
    return this.shelf.count === 0 ? super.claim(order, capacity) : this.shelf.take();
  }

  override claimOrWait(order: number, capacity: number): Allocation | undefined {
    return this.shelf.count === 0 ? super.claimOrWait(order, capacity) : this.shelf.take();
  }

  override release(record: Allocation): void {
    if (this.zeroes && record.dirtyEnd > record.offset) record.memory.zero(record.offset, record.dirtyEnd);
    if (this.isClosed) this.retire(record);
    else this.shelf.put(record);
    if (this.afterRelease !== undefined) this.afterRelease(0);
  }

  override largestFreeOrder(): number {
    return this.shelf.count > 0 ? 0 : super.largestFreeOrder();
  }

  override visitFree(visit: FreeVisitor): boolean {
    this.shelf.visit((record) => visit(record.trace.block, 0, record));
    return super.visitFree(visit);
  }

  override onRelease(listener: ReleaseListener | undefined): void {
    super.onRelease(listener);
    this.shelf.isDirect = this.mayBeDirect;
  }

  override close(): void {
    this.shelf.isDirect = false;
    // Empty the shelf: only a claim that finds no record there checks whether the arena is closed.
    while (this.shelf.count > 0) this.retire(this.shelf.pop());
    super.close();
  }

  override useHandles(handles: HandleFactory): void {
    super.useHandles(handles);
    this.shelf.isDirect = this.mayBeDirect;
  }

  protected override get liveBlocks(): number {
    return this.recorded - this.shelf.count;
  }

  protected override get liveUnits(): number {
    return this.liveBlocks;
  }

  protected override recordOf(slot: number, order: number, capacity: number): Allocation {
    this.recorded++;
    const record = super.recordOf(slot, order, capacity);
    record.room = undefined; // the record keeps its slot, so the room can be made once and kept
    record.shelf = this.shelf;
    return record;
  }

  /** Gives a slot back to the bitmap, after the collector took its record. */
  protected override giveBack(slot: number, order: number): number {
    this.recorded--;
    return this.blocks.release(slot, order);
  }

  /** Whether nobody needs to know when a slot comes or goes. */
  private get mayBeDirect(): boolean {
    const isPlain = this.handles === PLAIN_HANDLES && !this.zeroes;
    return isPlain && !this.isClosed && this.afterRelease === undefined;
  }

  private retire(record: Allocation): void {
    this.recorded--;
    this.retired.push(record);
  }
}
