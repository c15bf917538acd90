import { FixedArena } from 'arena-alligator';
import { type Case, operationCase } from '../case.js';
import { checkFilled, FILL, KIB } from '../work.js';

const spill = (size: number): Case =>
  operationCase(`spill/${size}/fixed`, () => {
    const arena = FixedArena.withSlotCapacity(64, KIB).autoSpill().build();
    const chunk = new Uint8Array(KIB).fill(FILL);
    const make = (): ReturnType<ReturnType<typeof arena.allocate>['freeze']> => {
      const buffer = arena.allocate();
      for (let written = 0; written < size; written += KIB) buffer.putSlice(chunk);
      return buffer.freeze();
    };
    const looked = make();
    checkFilled(looked.toUint8Array(), size);
    looked.release();
    const turn = (): unknown => {
      const bytes = make();
      bytes.release();
      return bytes;
    };
    return { turn };
  });

/** The same bytes in a plain Buffer, whose size is known from the start. */
const knownSize = (size: number): Case =>
  operationCase(`spill/${size}/buffer-unsafe`, () => {
    const chunk = new Uint8Array(KIB).fill(FILL);
    const make = (): Buffer => {
      const buffer = Buffer.allocUnsafe(size);
      for (let written = 0; written < size; written += KIB) buffer.set(chunk, written);
      return buffer;
    };
    checkFilled(make(), size);
    return { turn: make };
  });

export const spillRows: readonly Case[] = [2 * KIB, 8 * KIB].flatMap((size) => [spill(size), knownSize(size)]);
