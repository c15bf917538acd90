import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, constants, copyFileSync, cpSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const projectFolder: string = fileURLToPath(new URL('../../..', import.meta.url));

export const main: string = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** One character per byte. */
  readonly stdout: string;
  readonly stderr: string;
}

export type Running = ChildProcessByStdio<null, Readable, Readable>;

/** Starts `arena-alligator digest`. */
export function start(args: readonly string[], cwd?: string): Running {
  return spawn(process.execPath, [main, 'digest', ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs `digest` as a user other than root, because file permissions do not restrict root. */
export function digestUnprivileged(args: readonly string[]): Promise<Run> {
  if (process.getuid?.() !== 0) return digest(args);
  return inFolder(async (folder) => {
    // Other users may not be able to reach root's Node, root's checkout and root's coverage files.
    const node = join(folder, 'node');
    copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE);
    for (const part of ['package.json', 'dist', 'node_modules/commander']) {
      cpSync(join(projectFolder, part), join(folder, part), { recursive: true });
    }
    const { NODE_V8_COVERAGE: _, ...env } = process.env;
    const script = join(folder, 'dist/cli/main.js');
    const nobody = { uid: 65534, gid: 65534, cwd: folder, env };
    return finished(spawn(node, [script, 'digest', ...args], { ...nobody, stdio: ['ignore', 'pipe', 'pipe'] }));
  });
}

export async function finished(child: Running): Promise<Run> {
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const [stdout, stderr, { code, signal }] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  return { code, signal, stdout: stdout.toString('latin1'), stderr: stderr.toString() };
}

/** The output of the GNU tools for the same paths, one character per byte. */
export function gnu(cwd: string, ...paths: string[]): string {
  const script = 'find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum';
  return execFileSync('sh', ['-c', script, 'sh', ...paths], { cwd, encoding: 'latin1' });
}

export function digest(args: readonly string[], cwd?: string): Promise<Run> {
  return finished(start(args, cwd));
}

/** Runs `digest` with its stdout redirected to `path`. */
export async function digestInto(path: string, args: readonly string[]): Promise<Pick<Run, 'code' | 'stderr'>> {
  const out = openSync(path, 'w');
  const child = spawn(process.execPath, [main, 'digest', ...args], { stdio: ['ignore', out, 'pipe'] });
  closeSync(out);
  if (child.stderr === null) throw new Error('stderr must be a pipe');
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const [stderr, code] = await Promise.all([buffer(child.stderr), ended]);
  return { code, stderr: stderr.toString() };
}

/** Runs `use` with a temporary folder that all users may read, and removes the folder afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'digest-'));
  chmodSync(folder, 0o755);
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the summary tells that all memory was returned. */
export function returnedAll(stderr: string): boolean {
  const found = /(\d+) allocations, (\d+) frees, 0 live/.exec(stderr);
  return found !== null && found[1] === found[2];
}
