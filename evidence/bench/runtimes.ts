import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from './peers.js';

const run = promisify(execFile);

/** A JavaScript runtime that cases run in. */
export interface Runtime {
  /** For example `node-24` or `bun`. */
  readonly name: string;
  readonly path: string;
  /** The version that the runtime itself reports. */
  readonly version: string;
}

/** The runtimes that `npm run bench:full` measures, in the order of the report. Most tables show only the first one. */
export const RUNTIMES = ['node-24', 'node-20', 'node-22', 'node-26', 'bun'] as const;

/**
 * The runtime called `name`. It comes from npm unless it is the runtime of this process.
 * @throws Error when npm has no such runtime
 */
export async function runtimeOf(name: string): Promise<Runtime> {
  if (name === 'current') return described(`node-${process.version.slice(1).split('.')[0]}`, process.execPath);
  const [kind = '', major = 'latest'] = name.split('-');
  if (kind === 'node' && process.version.startsWith(`v${major}.`)) return described(name, process.execPath);
  const specifier = `--package=${kind}@${major}`;
  const options = { cwd: ROOT };
  const { stdout } =
    kind === 'bun'
      ? await run('npm', ['exec', '--yes', specifier, '--', 'bun', '-e', 'console.log(process.execPath)'], options)
      : await run('npm', ['exec', '--yes', specifier, '--', 'node', '-p', 'process.execPath'], options);
  return described(name, stdout.trim());
}

async function described(name: string, path: string): Promise<Runtime> {
  const what =
    'console.log(process.versions.bun ? "Bun " + process.versions.bun : "Node " + process.version + ", V8 " + process.versions.v8)';
  const { stdout } = await run(path, ['-e', what]);
  return { name, path, version: stdout.trim() };
}
