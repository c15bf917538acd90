import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const main: string = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** One character per byte. */
  readonly stdout: string;
  readonly stderr: string;
}

export type Running = ChildProcessByStdio<null, Readable, Readable>;

/** Starts `arena-alligator digest`. As root it drops to a user whom permissions bind. */
export function start(args: readonly string[], cwd?: string): Running {
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  return spawn(process.execPath, [main, 'digest', ...args], { ...nobody, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function finished(child: Running): Promise<Run> {
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const [stdout, stderr, { code, signal }] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  return { code, signal, stdout: stdout.toString('latin1'), stderr: stderr.toString() };
}

export function digest(args: readonly string[], cwd?: string): Promise<Run> {
  return finished(start(args, cwd));
}

/** A folder that anybody may read, gone when `use` is done. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'digest-'));
  chmodSync(folder, 0o755);
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the summary says that all memory came back. */
export function returnedAll(stderr: string): boolean {
  const found = /(\d+) allocations, (\d+) frees, 0 live/.exec(stderr);
  return found !== null && found[1] === found[2];
}
