/** The intervals of one region that are in use, as a naive list. An allocator must never contradict it. */
export class IntervalOracle {
  private readonly taken: { start: number; end: number }[] = [];
  private readonly total: number;

  constructor(total: number) {
    this.total = total;
  }

  /** Marks `[start, end)` as taken. @throws when it overlaps a taken interval or leaves the region */
  take(start: number, end: number): void {
    if (start < 0 || end > this.total) throw new Error(`[${start}, ${end}) leaves the region`);
    for (const other of this.taken) {
      if (start < other.end && other.start < end) {
        throw new Error(`[${start}, ${end}) overlaps [${other.start}, ${other.end})`);
      }
    }
    this.taken.push({ start, end });
  }

  give(start: number): void {
    const index = this.taken.findIndex((interval) => interval.start === start);
    if (index < 0) throw new Error(`${start} was not taken`);
    this.taken.splice(index, 1);
  }

  get bytesTaken(): number {
    return this.taken.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** The free blocks of a buddy system with eager coalescing: the largest aligned free power-of-two intervals. */
  freeBlocks(minBlock: number): number[] {
    const blocks: number[] = [];
    const visit = (start: number, size: number): void => {
      const overlapping = this.taken.filter((interval) => interval.start < start + size && start < interval.end);
      if (overlapping.length === 0) {
        blocks.push(size);
      } else if (size > minBlock && !overlapping.some((interval) => interval.end - interval.start >= size)) {
        visit(start, size / 2);
        visit(start + size / 2, size / 2);
      }
    };
    visit(0, this.total);
    return blocks;
  }
}
