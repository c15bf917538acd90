import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LONGEST_TIMEOUT } from '../waiting/wait-options.js';
import type { Report } from './usage.js';

export interface DemoOptions {
  /** Port of the inspector; 0 for any. */
  readonly port: number;
  /** Seconds to run; until a signal when undefined. */
  readonly seconds?: number | undefined;
}

/** The programs of the demo, by the name of their column. */
const PROGRAMS = { arena: 'arena-program.js', 'plain Buffers': 'plain-program.js' } as const;

type Name = keyof typeof PROGRAMS;

const ROWS: readonly (readonly [title: string, of: (report: Report) => string])[] = [
  ['messages/s', ({ messagesPerSecond }) => Math.round(messagesPerSecond).toLocaleString('en')],
  ['collector, ms/s', ({ collector }) => collector.toFixed(1)],
  ['memory (RSS), MB', ({ rss }) => (rss / 1e6).toFixed(1)],
  ['external memory, MB', ({ external }) => (external / 1e6).toFixed(1)],
];

/** Columns of a terminal. */
const TITLE = 22;
const CELL = 16;

/**
 * Runs the same workload with an arena and with plain Buffers, in a process each, and calls `show` twice a second with a
 * table of both. Ends after `seconds`, or when `signal` is aborted.
 * @throws Error when one of the programs ends
 */
export async function demo(
  { port, seconds }: DemoOptions,
  show: (table: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const reports = new Map<Name, Report>();
  const programs = (Object.keys(PROGRAMS) as Name[]).map((name) => start(name, port));
  const stopped = once(signal, 'abort');
  const failed = programs.map(async ({ name, child }) => {
    const [code] = (await once(child, 'exit')) as [number | null];
    if (!signal.aborted) throw new Error(`the program with ${name} ended with ${code}`);
  });
  for (const { name, child } of programs) {
    child.on('message', (report: Report) => {
      reports.set(name, report);
      if (reports.size === programs.length && name === 'arena') show(tableOf(reports));
    });
  }
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    if (seconds !== undefined) timer = setTimeout(resolve, Math.min(seconds * 1000, LONGEST_TIMEOUT));
  });
  try {
    await Promise.race([stopped, over, ...failed]);
  } finally {
    clearTimeout(timer);
    for (const { child } of programs) {
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
    }
  }
}

function start(name: Name, port: number): { readonly name: Name; readonly child: ChildProcess } {
  const child = fork(fileURLToPath(new URL(PROGRAMS[name], import.meta.url)), [String(port)]);
  return { name, child };
}

/** The figures of the programs next to each other, and the address of the inspector. */
export function tableOf(reports: ReadonlyMap<Name, Report>): string {
  const line = (title: string, cells: readonly string[]): string =>
    title.padEnd(TITLE) + cells.map((cell) => cell.padStart(CELL)).join('');
  const all = [...reports].sort(([one], [other]) => (one < other ? -1 : 1));
  const urls = all.flatMap(([, { url }]) => (url === undefined ? [] : [url]));
  return [
    line(
      '',
      all.map(([name]) => name),
    ),
    ...ROWS.map(([title, of]) =>
      line(
        title,
        all.map(([, report]) => of(report)),
      ),
    ),
    '',
    `The memory, live: ${urls.join(' ')}`,
    '',
  ].join('\n');
}
