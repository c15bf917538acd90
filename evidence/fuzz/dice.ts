/** Makes the choices of one operation: a small generator (mulberry32) that each number of a program seeds again. */
export class Dice {
  private state = 0;

  reseed(seed: number): this {
    this.state = seed | 0;
    return this;
  }

  /** The next 32 bits, unsigned. */
  next(): number {
    const state = (this.state + 0x6d2b79f5) | 0;
    this.state = state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer in `[0, limit)`. */
  below(limit: number): number {
    return Math.floor((this.next() * limit) / 2 ** 32);
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** A random element, or undefined for an empty list. */
  from<Item>(items: readonly Item[]): Item | undefined {
    return items[this.below(items.length)];
  }
}
