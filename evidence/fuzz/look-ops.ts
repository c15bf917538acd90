import { isUtf8 } from 'node:buffer';
import { inspect } from 'node:util';
import type { TextEncoding } from 'arena-alligator';
import type { Operation } from './arena-ops.js';
import { checkBytes, contentOf, gone } from './checks.js';
import type { Dice } from './dice.js';
import { anything, hostileSource, integerUpTo, plainSource, trueBytes } from './hostile.js';
import type { BytesModel, World } from './model.js';
import { attempt, expectBytes, expectSame, Fails, refusalOfInteger } from './outcome.js';
import { anyRange } from './ranges.js';

/** What bytes and lists have in common. */
interface Readable {
  at(index: number): number;
  copyTo(target: Uint8Array, targetStart?: number, start?: number, end?: number): number;
  [Symbol.toPrimitive](hint: string): string;
}

const ENCODINGS: readonly TextEncoding[] = ['utf8', 'hex', 'base64', 'latin1'];

/** An encoding; undefined when it is left out. If `isHostile`, it may be anything. */
export function anyEncoding(dice: Dice, isHostile: boolean): { encoding: TextEncoding; refusal: number } {
  const isAny = isHostile && dice.oneIn(4);
  const encoding = isAny ? anything(dice) : dice.pick([...ENCODINGS, undefined]);
  return { encoding: encoding as TextEncoding, refusal: isAny && encoding !== undefined ? Fails.Type : 0 };
}

export function checkText(found: string | undefined, content: Uint8Array, encoding: TextEncoding | undefined): void {
  if (found !== undefined) expectSame(found, Buffer.from(content).toString(encoding), `toString of ${encoding}`);
}

export function checkAt(world: World, dice: Dice, handle: Readable, content: Uint8Array): void {
  const index = integerUpTo(dice, content.length, world.isHostile);
  const must = refusalOfInteger(index, 0, content.length - 1);
  const { value } = attempt('at', must, 0, () => handle.at(index as number));
  if (value !== undefined) expectSame(value, content[index as number], 'at');
}

/** What a template literal makes of bytes or of a list. */
export function checkTemplate(handle: Readable, content: Uint8Array): void {
  const { value } = attempt('a template literal', isUtf8(content) ? 0 : Fails.Type, 0, () => `${handle}`);
  checkText(value, content, 'utf8');
  attempt('a conversion to a number', Fails.Type, 0, () => Number(handle));
}

/** Copies bytes into a target, of which only the part that was asked for may change. */
export function checkCopyTo(world: World, dice: Dice, handle: Readable, content: Uint8Array): void {
  const most = content.length + 4;
  const isHostile = world.isHostile && dice.oneIn(2);
  const { value, isBytes } = isHostile
    ? hostileSource(dice, most)
    : { value: plainSource(dice, most).slice(), isBytes: true };
  const target = value as Uint8Array;
  const before = isBytes ? trueBytes(target) : new Uint8Array(0);
  const at = dice.oneIn(4) ? undefined : integerUpTo(dice, before.length, world.isHostile);
  const { start, end, refusal, from, to } = anyRange(dice, content.length, world.isHostile);
  const invalid =
    refusal | (isBytes ? 0 : Fails.Type) | (at === undefined ? 0 : refusalOfInteger(at, 0, before.length));
  // A target that lost its memory may count as empty, or be refused.
  const may = isBytes ? (before.length === 0 ? Fails.Type : 0) : Fails.Marker;
  const result = attempt('copyTo', invalid, may, () => handle.copyTo(target, at as number, start, end));
  if (!isBytes) return;
  const after = before.slice();
  if (result.failure === 0) {
    const targetStart = ((at ?? 0) as number) + 0; // never -0
    const part = content.slice(from, Math.min(to, from + before.length - targetStart));
    after.set(part, targetStart);
    expectSame(result.value, part.length, 'the result of copyTo');
  }
  expectBytes(trueBytes(target), after, 'the target of copyTo');
  // Some hostile targets are used again, by other programs too.
  if (before.length > 0) target.set(before);
}

type Look = (world: World, dice: Dice, model: BytesModel, content: Uint8Array) => void;

const LOOKS: readonly Look[] = [
  (_world, _dice, { handle }, content) => expectBytes(handle.view, content, 'view'),
  (_world, _dice, { handle }, content) => expectBytes(Uint8Array.from(handle), content, 'iteration'),
  (world, dice, { handle }, content) => checkAt(world, dice, handle, content),
  (_world, _dice, { handle }, content) => checkTemplate(handle, content),
  (world, dice, { handle }, content) => {
    const { encoding, refusal } = anyEncoding(dice, world.isHostile);
    const range = anyRange(dice, content.length, world.isHostile);
    const { value } = attempt('toString', refusal | range.refusal, 0, () =>
      handle.toString(encoding, range.start, range.end),
    );
    checkText(value, content.subarray(range.from, range.to), encoding);
  },
  (_world, _dice, model, content) => {
    inspect(model.handle);
    expectSame(model.handle.toJSON().length, content.length, 'length in JSON');
    checkBytes(model);
  },
];

export const lookAtBytes: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined) return;
  const { handle } = model;
  const may = gone(model);
  if (may === 0) return dice.pick(LOOKS)(world, dice, model, contentOf(model));
  attempt('a look at memory that is gone', 0, may, () => handle.view[0]);
  attempt('a look at memory that is gone', 0, may, () => handle.toString());
  attempt('a copy of memory that is gone', 0, may, () => handle.copyTo(new Uint8Array(4)));
  inspect(handle);
  checkBytes(model);
};

export const copyTo: Operation = (world, dice) => {
  const model = dice.from(world.bytes);
  if (model === undefined || gone(model) !== 0) return;
  checkCopyTo(world, dice, model.handle, contentOf(model));
  checkBytes(model);
};
