import type { Dice } from '../fuzz/dice.js';

/** Bytes to send, and the records in them. */
export interface Content {
  readonly bytes: Buffer;
  readonly records: readonly string[];
  readonly framing: Framing;
}

export type Framing =
  | { readonly kind: 'lines' }
  | { readonly kind: 'delimiter'; readonly delimiter: string }
  | { readonly kind: 'prefix'; readonly prefixBytes: 1 | 2 | 3 | 4 | 'varint'; readonly littleEndian: boolean };

const DELIMITERS = ['\0', '--', '\r\n\r\n', 'aba'];
/** Letters that make parts of delimiters likely. */
const LETTERS = 'ab-\r\0x';

export function randomContent(dice: Dice, most: number): Content {
  const kind = dice.pick(['lines', 'delimiter', 'prefix'] as const);
  if (kind === 'prefix') return prefixed(dice, most);
  const text = randomText(dice, dice.below(most), kind === 'lines' ? 'ab\r\nxyz' : LETTERS);
  const framing: Framing = kind === 'lines' ? { kind } : { kind, delimiter: dice.pick(DELIMITERS) };
  const records = text.split(framing.kind === 'delimiter' ? framing.delimiter : '\n');
  const last = records.pop();
  const whole = framing.kind === 'lines' ? records.map((line) => line.replace(/\r$/, '')) : records;
  return { bytes: Buffer.from(text, 'latin1'), framing, records: last ? [...whole, last] : whole };
}

function prefixed(dice: Dice, most: number): Content {
  const framing: Framing = {
    kind: 'prefix',
    prefixBytes: dice.pick([1, 2, 3, 4, 'varint'] as const),
    littleEndian: dice.oneIn(2),
  };
  const longest = framing.prefixBytes === 1 ? 255 : most;
  const records = Array.from({ length: dice.below(8) }, () => randomText(dice, dice.below(longest), LETTERS));
  const parts = records.flatMap((record) => [lengthField(record.length, framing), Buffer.from(record, 'latin1')]);
  return { bytes: Buffer.concat(parts), framing, records };
}

function lengthField(length: number, framing: Framing & { readonly kind: 'prefix' }): Buffer {
  const { prefixBytes, littleEndian } = framing;
  if (prefixBytes === 'varint') {
    const groups: number[] = [];
    let rest = length;
    for (; rest > 127; rest >>>= 7) groups.push((rest & 127) | 128);
    return Buffer.from([...groups, rest]);
  }
  const field = Buffer.alloc(prefixBytes);
  if (littleEndian) field.writeUIntLE(length, 0, prefixBytes);
  else field.writeUIntBE(length, 0, prefixBytes);
  return field;
}

function randomText(dice: Dice, length: number, letters: string): string {
  return Array.from({ length }, () => letters[dice.below(letters.length)]).join('');
}
