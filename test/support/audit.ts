import { blockOrder, holderCount, MAX_MESSAGES, MESSAGE_WORDS, WAITING } from '#internal/shared/control';
import {
  CELL,
  CELLS,
  COUNTED,
  CURRENT,
  EPOCH,
  LANE_FREE,
  MESSAGE,
  ORDER,
  OWNED,
  RECLAIMING,
  STATE,
} from '#internal/shared/lane';
import type { Tools } from '#internal/shared/recovery';
import type { Level, TreeShape } from '#internal/shared/tree';

const FREE = 'free';

/**
 * Checks the invariants of docs/threads.md, one by one, in a shared arena on which no thread works. It uses plain reads
 * and changes nothing.
 * @param isSettled whether no word may rest, because a thread has searched for all free blocks
 * @returns a message for everything that is wrong
 */
export function auditArena({ control }: Tools, isSettled = false): string[] {
  const wrong: string[] = [];
  const { words, plan, tree, messageTree } = control;
  const owners = new Array<string | undefined>(plan.units);
  const own = (block: number, order: number, who: string): void => {
    for (let unit = block; unit < block + 2 ** order; unit++) {
      if (owners[unit] !== undefined) wrong.push(`unit ${unit} is ${owners[unit]} and ${who}`);
      owners[unit] = who;
    }
  };
  freeBlocks(words, tree, (block, order) => own(block, order, FREE));

  const holders = new Map<number, number>();
  const hold = (block: number, count: number): void => void holders.set(block, (holders.get(block) ?? 0) + count);
  const journalled = new Set<number>();
  for (let number = 0; number < control.lanesUsed; number++) {
    const lane = control.lane(number);
    const word = (index: number): number => lane.words[index] as number;
    if (word(OWNED) !== 0) own(word(OWNED) - 1, word(ORDER), `owned by lane ${number}`);
    if (word(MESSAGE) !== 0) journalled.add(word(MESSAGE) - 1);
    if (word(EPOCH) % 2 !== 0) wrong.push(`lane ${number} has an operation under way`);
    if (word(STATE) === LANE_FREE && (word(RECLAIMING) !== 0 || word(COUNTED) !== 0))
      wrong.push(`lane ${number} is free, but has a reclaim or a counted message`);
    for (let cell = 0; cell < CELLS; cell++) {
      const state = word(CELL + 2 * cell);
      if ((state & 3) === 2) hold(state >>> 2, 1);
      if ((state & 3) === 1 && words[WAITING] === 0)
        wrong.push(`lane ${number} waits, but the word for waiters is not set`);
    }
    lane.holds.forEach((count, block) => {
      if (count !== 0) hold(block, count);
    });
  }
  const [messageLevel] = messageTree.levels;
  for (let message = 0; messageLevel !== undefined && message < MAX_MESSAGES; message++) {
    const word = words[messageLevel.start + (message >>> 5)] as number;
    if (word === -1 && journalled.size === 0) message |= 31; // the whole word is free
    const isFree = ((word >>> (message & 31)) & 1) === 1;
    if (isFree && journalled.has(message)) wrong.push(`message ${message} is free and owned`);
    if (isFree || journalled.has(message)) continue;
    const block = words[control.messages + message * MESSAGE_WORDS + 1] as number;
    if (block >= 0) hold(block, 1);
  }
  for (const [block, count] of holders) {
    const word = words[control.holders + block] as number;
    if (holderCount(word) !== count) wrong.push(`block ${block} counts ${holderCount(word)} holders, but has ${count}`);
    own(block, blockOrder(word), `held by ${count}`);
  }
  owners.forEach((owner, unit) => {
    if (owner === undefined) wrong.push(`unit ${unit} is neither free nor in use`);
  });
  for (let unit = 0; unit < plan.units; unit++)
    if (!(unit in owners)) wrong.push(`unit ${unit} is neither free nor in use`);
  const currents = Array.from(isSettled ? [] : Array(control.lanesUsed).keys(), (lane) =>
    control.laneWord(lane, CURRENT),
  );
  const mayRest = (level: number, index: number): boolean => currents.some((at) => words[at + level] === index);
  for (const shape of [tree, messageTree]) wrong.push(...auditTree(words, shape, mayRest));
  return wrong;
}

function freeBlocks(words: Int32Array, shape: TreeShape, onFree: (block: number, order: number) => void): void {
  for (const level of shape.levels) {
    for (let index = 0; index < level.count; index++) {
      for (let word = words[level.start + index] as number; word !== 0; word &= word - 1) {
        const bit = 31 - Math.clz32(word & -word);
        onFree((index * 2 ** level.width + bit) * 2 ** level.childOrder, level.childOrder);
      }
    }
  }
}

function auditTree(
  words: Int32Array,
  { levels }: TreeShape,
  mayRest: (level: number, index: number) => boolean,
): string[] {
  const wrong: string[] = [];
  for (const [number, level] of levels.entries()) {
    for (let index = 0; index < level.count; index++) {
      const word = words[level.start + index] as number;
      if (word === level.full && level !== levels.at(-1) && !mayRest(number, index))
        wrong.push(`word ${index} of order ${level.childOrder} is full, but neither closed nor claimed from`);
      const rank = naiveRank(word, level);
      for (let hints = level.hints, size = level.count, at = index; size > 1; size = Math.ceil(size / 8), at >>>= 3) {
        const hint = ((words[hints + (at >>> 3)] as number) >>> ((at & 7) * 4)) & 7;
        if (hint < rank)
          wrong.push(`word ${index} of order ${level.childOrder} has rank ${rank}, but hints say ${hint}`);
        hints += Math.ceil(size / 8);
      }
    }
  }
  return wrong;
}

function naiveRank(word: number, level: Level): number {
  if (level.longest === 0) return word === 0 ? 0 : 1;
  for (let order = level.longest; order >= 0; order--) {
    const bits = 2 ** order;
    for (let bit = 0; bit < 2 ** level.width; bit += bits) {
      let all = true;
      for (let at = bit; at < bit + bits; at++) all &&= ((word >>> at) & 1) === 1;
      if (all) return order + 1;
    }
  }
  return 0;
}
