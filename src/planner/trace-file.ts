import { type Trace, TraceBuilder } from './trace.js';
import { TraceError } from './trace-error.js';

// A trace file: MAGIC, and then for each step two varints (LEB128).
//
//     time since the step before, in us
//     size * 2                for an allocation
//     distance * 2 + 1        for a release; 1 is the last allocation, 2 the one before
//
// At the end a 0 in place of the second varint, and the number of steps. A file without it was cut off.

const MAGIC = 'ARENATR1';

/** Bytes of a varint that is a safe integer. */
const LONGEST_VARINT = 8;

/** Writes the steps of a program, as they happen. */
export class TraceEncoder {
  private bytes: number[] = [...Buffer.from(MAGIC)];
  private allocations = 0;
  private steps = 0;
  private last = 0;

  /** @param now in us @returns the index of the allocation, for {@link released} */
  allocated(size: number, now: number): number {
    this.step(size * 2, now);
    return this.allocations++;
  }

  released(index: number, now: number): void {
    this.step((this.allocations - index) * 2 + 1, now);
  }

  /** Bytes that wait to be taken. */
  get length(): number {
    return this.bytes.length;
  }

  /** What was encoded since the last call. */
  take(): Uint8Array {
    const taken = Uint8Array.from(this.bytes);
    this.bytes = [];
    return taken;
  }

  end(): Uint8Array {
    this.varint(0);
    this.varint(0);
    this.varint(this.steps);
    return this.take();
  }

  private step(what: number, now: number): void {
    const time = Math.max(this.last, Math.round(now));
    this.varint(time - this.last);
    this.varint(what);
    this.last = time;
    this.steps++;
  }

  private varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bytes.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.bytes.push(rest);
  }
}

/** Whether `data` is the content of a trace file. */
export function isTraceFile(data: Uint8Array): boolean {
  return Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, MAGIC.length)).toString('latin1') === MAGIC;
}

/** @throws TraceError for damaged or truncated data */
export function decodeTrace(data: Uint8Array): Trace {
  const decoder = new Decoder(data);
  const builder = new TraceBuilder();
  let time = 0;
  for (;;) {
    time += decoder.varint();
    const what = decoder.varint();
    if (what === 0) break;
    decoder.explain(() => {
      if (what % 2 === 0) builder.allocated(what / 2, time / 1000);
      else builder.released(builder.allocations - (what - 1) / 2, time / 1000);
    });
  }
  const steps = decoder.varint();
  if (steps !== builder.count) decoder.fail(`it says that it has ${steps} steps, but it has ${builder.count}`);
  if (!decoder.isAtEnd) decoder.fail('there is more after its end');
  return builder.build();
}

class Decoder {
  private at = MAGIC.length;
  private readonly data: Uint8Array;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  get isAtEnd(): boolean {
    return this.at === this.data.length;
  }

  varint(): number {
    let value = 0;
    for (let index = 0; index < LONGEST_VARINT; index++) {
      const byte = this.data[this.at];
      if (byte === undefined) this.fail('it was cut off: the program that wrote it did not finish');
      this.at++;
      value += (byte & 127) * 2 ** (7 * index);
      if (byte < 128) return value;
    }
    return this.fail('a number is too long');
  }

  explain(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  fail(reason: string): never {
    throw new TraceError(`the trace cannot be read at byte ${this.at}: ${reason}`);
  }
}
