import { Bytes, type Needle as BytesNeedle } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { contentOf, gone } from './checks.js';
import type { Dice } from './dice.js';
import { anyText, hostileSource, integerUpTo, trueBytes } from './hostile.js';
import type { World } from './model.js';
import { attempt, expectSame, Fails, refusalOfInteger } from './outcome.js';

/** What bytes and lists have in common. */
interface Comparable {
  compare(other: Uint8Array): number;
  equals(other: Uint8Array): boolean;
}
interface Searchable {
  indexOf(needle: BytesNeedle, from?: number): number;
  includes(needle: BytesNeedle, from?: number): boolean;
}

/** A value to look for or to compare with. */
export interface Needle {
  readonly value: unknown;
  /** The bytes that it stands for. */
  readonly run: Uint8Array;
  /** The failures that a search for it must throw, and those it may throw. */
  readonly must: number;
  readonly may: number;
}

/** A search, and the naive one that must find the same. Without `from`, a search has only one argument. */
export interface Search<Handle> {
  readonly name: string;
  readonly hasFrom: boolean;
  call(handle: Handle, needle: BytesNeedle, from: number | undefined): unknown;
  expected(content: Uint8Array, run: Uint8Array, from: number | undefined): unknown;
}

export const SEARCHES: readonly Search<Searchable>[] = [
  { name: 'indexOf', hasFrom: true, call: (h, needle, from) => h.indexOf(needle, from), expected: firstAt },
  {
    name: 'includes',
    hasFrom: true,
    call: (h, needle, from) => h.includes(needle, from),
    expected: (content, run, from) => firstAt(content, run, from) >= 0,
  },
];
const BYTES_SEARCHES: readonly Search<Bytes>[] = [
  ...SEARCHES,
  { name: 'lastIndexOf', hasFrom: true, call: (h, needle, from) => h.lastIndexOf(needle, from), expected: lastAt },
  {
    name: 'startsWith',
    hasFrom: false,
    call: (h, needle) => h.startsWith(needle),
    expected: (content, run) => isAt(content, run, 0),
  },
  {
    name: 'endsWith',
    hasFrom: false,
    call: (h, needle) => h.endsWith(needle),
    expected: (content, run) => isAt(content, run, content.length - run.length),
  },
];

function isAt(content: Uint8Array, run: Uint8Array, at: number): boolean {
  if (at < 0 || at + run.length > content.length) return false;
  for (let index = 0; index < run.length; index++) if (content[at + index] !== run[index]) return false;
  return true;
}

function firstAt(content: Uint8Array, run: Uint8Array, from = 0): number {
  for (let at = from + 0; at + run.length <= content.length; at++) if (isAt(content, run, at)) return at;
  return -1;
}

function lastAt(content: Uint8Array, run: Uint8Array, from = content.length): number {
  for (let at = from + 0; at >= 0; at--) if (isAt(content, run, at)) return at;
  return -1;
}

/** A part of `content`, often at one of its ends. One in three parts differs from it in one bit. */
function anyPart(dice: Dice, content: Uint8Array): Uint8Array {
  const length = Math.min(content.length, dice.oneIn(3) ? dice.below(content.length + 1) : dice.below(4));
  const rest = content.length - length;
  const start = dice.pick([0, rest, dice.below(rest + 1)]);
  const part = content.slice(start, start + length);
  const at = dice.below(length);
  if (length > 0 && dice.oneIn(3)) part[at] = (part[at] ?? 0) ^ (1 << dice.below(8));
  return part;
}

/** A run of bytes, a text or a byte to look for in `content`. If the world is hostile, it may be anything. */
export function anyNeedle(world: World, dice: Dice, content: Uint8Array): Needle {
  const part = anyPart(dice, content);
  const other = dice.from(world.bytes);
  switch (dice.below(world.isHostile ? 7 : 5)) {
    case 0:
      return { value: part, run: part, must: 0, may: 0 };
    case 1:
      return { value: Bytes.copyFrom(part), run: part, must: 0, may: 0 };
    case 2:
      if (other === undefined || gone(other) !== 0)
        return { value: Bytes.empty, run: new Uint8Array(0), must: 0, may: 0 };
      return { value: other.handle, run: contentOf(other), must: 0, may: 0 };
    case 3:
      return needleOf(dice.oneIn(2) ? (part[0] ?? 0) : integerUpTo(dice, 255, world.isHostile));
    case 4:
      return needleOf(dice.oneIn(2) ? Buffer.from(part).toString() : anyText(dice, world.isHostile));
    default: {
      const { value, isBytes } = hostileSource(dice, 8);
      if (!isBytes) return needleOf(value);
      const run = trueBytes(value as Uint8Array);
      // A source that lost its memory may count as empty, or be refused.
      return { value, run, must: 0, may: run.length === 0 ? Fails.Type : 0 };
    }
  }
}

/** The needle for a value that is not bytes. */
function needleOf(value: unknown): Needle {
  const none = new Uint8Array(0);
  if (typeof value === 'string') return { value, run: Buffer.from(value), must: 0, may: 0 };
  if (typeof value !== 'number') return { value, run: none, must: Fails.Type, may: Fails.Marker };
  const must = refusalOfInteger(value, 0, 255);
  return { value, run: must === 0 ? Uint8Array.of(value) : none, must, may: 0 };
}

/** Compares bytes or a list with a needle. Only bytes can be compared, no numbers and no texts. */
export function checkOrder(handle: Comparable, content: Uint8Array, needle: Needle): void {
  const { value, run } = needle;
  const isBytes = typeof value === 'object' && needle.must === 0;
  const must = isBytes ? 0 : Fails.Type;
  const order = Math.sign(Buffer.compare(content, run));
  const compared = attempt('compare', must, needle.may, () => handle.compare(value as Uint8Array));
  if (compared.failure === 0) expectSame(compared.value, order, 'compare');
  const equal = attempt('equals', must, needle.may, () => handle.equals(value as Uint8Array));
  if (equal.failure === 0) expectSame(equal.value, order === 0, 'equals');
}

/** Searches in bytes or in a list. */
export function checkSearch<Handle>(
  world: World,
  dice: Dice,
  handle: Handle,
  content: Uint8Array,
  { name, hasFrom, call, expected }: Search<Handle>,
): void {
  const { value: needle, run, must, may } = anyNeedle(world, dice, content);
  const anyFrom = hasFrom && !dice.oneIn(3) ? integerUpTo(dice, content.length, world.isHostile) : undefined;
  const invalid = anyFrom === undefined ? must : must | refusalOfInteger(anyFrom, 0, content.length);
  const from = anyFrom as number | undefined;
  const { failure, value } = attempt(name, invalid, may, () => call(handle, needle as BytesNeedle, from));
  if (failure === 0) expectSame(value, expected(content, run, from), name);
}

/** Compares bytes with those of another handle, with a part of their own content, or with a hostile value. */
export const compare: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined || gone(model) !== 0) return;
  const content = contentOf(model);
  checkOrder(model.handle, content, anyNeedle(world, dice, content));
};

export const search: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined || gone(model) !== 0) return;
  checkSearch(world, dice, model.handle, contentOf(model), dice.pick(BYTES_SEARCHES));
};
