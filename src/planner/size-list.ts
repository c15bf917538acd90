import { type Trace, TraceBuilder } from './trace.js';
import { TraceError } from './trace-error.js';

/**
 * A trace from text: a size in bytes on each line. A second column is the lifetime in ms, a third the time of the
 * allocation in ms. Columns are separated by commas, semicolons, tabs or spaces. A first line of names is skipped, and so
 * are empty lines and lines that begin with `#`.
 *
 * Without lifetimes, `live` allocations are alive at the same time, and the oldest is released first. Without times, an
 * allocation comes every ms.
 * @throws TraceError that names the line
 */
export function traceOfSizes(text: string, live: number): Trace {
  const rows = rowsOf(text);
  const events = rows.some(({ lifetime }) => lifetime !== undefined) ? timed(rows) : inTurn(rows, live);
  const builder = new TraceBuilder();
  const indexes: number[] = [];
  for (const { row, time, isRelease } of events) {
    try {
      if (isRelease) builder.released(indexes[row] as number, time);
      else indexes[row] = builder.allocated((rows[row] as Row).size, time);
    } catch (error) {
      throw new TraceError(`line ${rows[row]?.line}: ${(error as Error).message}`);
    }
  }
  return builder.build();
}

interface Row {
  readonly line: number;
  readonly size: number;
  readonly lifetime: number | undefined;
  readonly time: number;
}

interface Event {
  readonly row: number;
  readonly time: number;
  readonly isRelease: boolean;
}

function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  let isFirst = true;
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const cells = content.trim().split(/ *[,;\t] *| +/);
    const [first = ''] = cells;
    if (content.trim() === '' || first.startsWith('#')) continue;
    const hasNames = isFirst && /^[a-z_"]/i.test(first);
    isFirst = false;
    if (hasNames) continue;
    const [size, lifetime, time] = cells.map((cell) => (cell === '' ? undefined : Number(cell)));
    const line = index + 1;
    if (
      size === undefined ||
      cells.length > 3 ||
      [size, lifetime, time].some((cell) => cell !== undefined && !(cell >= 0 && cell < 2 ** 53))
    ) {
      throw new TraceError(
        `line ${line}: expected a size, and perhaps a lifetime and a time, not "${content.slice(0, 60)}"`,
      );
    }
    rows.push({ line, size, lifetime, time: time ?? rows.length });
  }
  return rows;
}

/** Releases come before allocations of the same time. */
function timed(rows: readonly Row[]): Event[] {
  const events: Event[] = [];
  for (const [row, { time, lifetime }] of rows.entries()) {
    events.push({ row, time, isRelease: false });
    if (lifetime !== undefined) events.push({ row, time: time + lifetime, isRelease: true });
  }
  // Of one time: releases, and then allocations, each followed by its own release if it lived for no time.
  const late = ({ row, isRelease, time }: Event): number => (isRelease && rows[row]?.time !== time ? 0 : 1);
  const after = (a: Event, b: Event): number => a.row - b.row || Number(a.isRelease) - Number(b.isRelease);
  return events.sort((a, b) => a.time - b.time || late(a) - late(b) || after(a, b));
}

function inTurn(rows: readonly Row[], live: number): Event[] {
  const events: Event[] = [];
  for (const [row, { time }] of rows.entries()) {
    if (row >= live) events.push({ row: row - live, time, isRelease: true });
    events.push({ row, time, isRelease: false });
  }
  return events;
}
