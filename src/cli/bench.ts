import { BuddyArena, BuddyGeometry, type Bytes, FixedArena } from '../index.js';

/** Sizes of the payloads, in bytes. */
const SIZES = [256, 4096, 65_536];

/** ms for which each case runs. */
const TIME = 300;

const FILL = 7;

/** The result of the last call: a compiler cannot remove work whose result is kept. */
let last: unknown;

interface Case {
  readonly row: string;
  readonly subject: string;
  readonly run: () => unknown;
}

function casesFor(size: number): Case[] {
  const row = `make, fill and drop ${size < 1024 ? `${size} B` : `${size / 1024} KiB`}`;
  const fixed = FixedArena.withSlotCapacity(64, size).build();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(64 * 65_536, 256)).build();
  const drop = (bytes: Bytes): Bytes => {
    bytes.release();
    return bytes;
  };
  return [
    { row, subject: 'FixedArena', run: () => drop(fixed.allocate().putBytes(FILL, size).freeze()) },
    { row, subject: 'BuddyArena', run: () => drop(buddy.allocate(size).putBytes(FILL, size).freeze()) },
    { row, subject: 'Buffer.allocUnsafe', run: () => Buffer.allocUnsafe(size).fill(FILL) },
    { row, subject: 'Buffer.alloc', run: () => Buffer.alloc(size, FILL) },
  ];
}

function sharing(): Case[] {
  const row = 'another reference, and drop it';
  const bytes = FixedArena.withSlotCapacity(1, 4096).build().allocate().putBytes(FILL, 4096).freeze();
  const buffer = Buffer.alloc(4096, FILL);
  return [
    { row, subject: 'Bytes.clone', run: () => bytes.clone().release() },
    { row, subject: 'Buffer.subarray', run: () => buffer.subarray() },
  ];
}

/**
 * Measures a few operations beside plain Buffers on this machine.
 * @returns a table, in ns
 * @throws Error when tinybench is not installed
 */
export async function bench(): Promise<string> {
  const { Bench } = await import('tinybench').catch((cause: unknown) => {
    throw new Error('the package tinybench is missing, run npm install tinybench', { cause });
  });
  const cases = [...SIZES.flatMap(casesFor), ...sharing()];
  const runner = new Bench({ time: TIME, warmupTime: TIME / 3 });
  // A call of tinybench takes as long as an operation of an arena, so each call runs a thousand of them.
  const times = 1000;
  for (const [index, { run }] of cases.entries()) {
    runner.add(String(index), () => {
      for (let call = 0; call < times; call++) last = run();
    });
  }
  await runner.run();
  void last;
  const lines = ['', `node ${process.version}, ns for each operation, collections included`];
  let row = '';
  for (const [index, one] of cases.entries()) {
    if (one.row !== row) lines.push('', one.row);
    row = one.row;
    const { result } = runner.getTask(String(index)) ?? {};
    const mean = result !== undefined && 'latency' in result ? result.latency.mean : Number.NaN;
    lines.push(`  ${one.subject.padEnd(20)}${((mean * 1e6) / times).toFixed(1).padStart(10)}`);
  }
  return `${lines.join('\n')}\n`;
}
