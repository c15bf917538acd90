// The holders word of a block in use: its order above, the number of its holders below (docs/threads.md).

const ORDER_SHIFT = 24;
const COUNT: number = (1 << ORDER_SHIFT) - 1;

export function holdersWord(order: number, count: number): number {
  return (order << ORDER_SHIFT) | count;
}

export function holderCount(word: number): number {
  return word & COUNT;
}

export function blockOrder(word: number): number {
  return word >>> ORDER_SHIFT;
}
