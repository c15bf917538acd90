import type { Dice } from './dice.js';
import { integerUpTo } from './hostile.js';
import { refusalOfInteger } from './outcome.js';

/** The arguments `start` and `end` of a call. Each may be left out, which is undefined. */
export interface Range {
  readonly start: number | undefined;
  readonly end: number | undefined;
  /** The failures that the call must throw because of them; 0 for a valid range. */
  readonly refusal: number;
  /** The bytes that they stand for, if they are valid. */
  readonly from: number;
  readonly to: number;
}

/** A range in `length` bytes. If `isHostile`, its ends may be anything. */
export function anyRange(dice: Dice, length: number, isHostile: boolean): Range {
  const end = dice.oneIn(4) ? undefined : integerUpTo(dice, length, isHostile);
  const invalidEnd = end === undefined ? 0 : refusalOfInteger(end, 0, length);
  const to = end === undefined || invalidEnd !== 0 ? length : (end as number) + 0; // never -0
  const start = dice.oneIn(4) ? undefined : integerUpTo(dice, to, isHostile);
  const invalidStart = start === undefined ? 0 : refusalOfInteger(start, 0, to);
  const from = start === undefined || invalidStart !== 0 ? 0 : (start as number) + 0;
  return { start: start as number, end: end as number, refusal: invalidEnd | invalidStart, from, to };
}
