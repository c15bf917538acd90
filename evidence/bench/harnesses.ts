import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { peerFolder } from './peers.js';

const run = promisify(execFile);

/** A program in another language. It runs the same rows and prints the same JSON. */
export interface Harness {
  readonly name: string;
  /** The names and versions of what it measures. */
  readonly version: string;
  readonly ids: readonly string[];
  measure(id: string, ms: number): Promise<unknown>;
}

interface Plan {
  readonly name: string;
  readonly tool: string;
  readonly build: readonly string[];
  readonly result: string;
  readonly start: (result: string) => readonly string[];
}

const plans: readonly Plan[] = [
  {
    name: 'rust',
    tool: 'cargo',
    build: ['build', '--release', '--locked', '--quiet'],
    result: 'target/release/harness',
    start: (result) => [result],
  },
  {
    name: 'netty',
    tool: 'mvn',
    build: ['-q', '-B', 'package'],
    result: 'target/netty-bench.jar',
    start: (result) => ['java', ...JAVA_FLAGS, '-jar', result],
  },
];

// The flags that gave Netty its best figures. With a small heap its adaptive allocator has no per-thread caches.
const JAVA_FLAGS = ['-Xms2g', '-Xmx2g', '-XX:+UseParallelGC', '-XX:+AlwaysPreTouch'];

/**
 * The harnesses that are available. With `build` each one is built first; without it, only those already built count.
 * Calls `say` with the reason when a harness is missing.
 */
export async function harnesses(build: boolean, say: (line: string) => void): Promise<Harness[]> {
  const found: Harness[] = [];
  for (const plan of plans) {
    const folder = peerFolder(plan.name);
    const result = `${folder}/${plan.result}`;
    if (build) {
      try {
        say(`building the harness ${plan.name} ...`);
        await run(plan.tool, plan.build, { cwd: folder, maxBuffer: 2 ** 26 });
      } catch (error) {
        const missing = (error as { code?: unknown }).code === 'ENOENT';
        say(`skipped: ${plan.name} (${missing ? `${plan.tool} is not installed` : `the build failed: ${error}`})`);
        continue;
      }
    } else if (!existsSync(result)) {
      say(`skipped: ${plan.name} (not built; npm run bench:full builds it)`);
      continue;
    }
    const [command = '', ...args] = plan.start(result);
    const call = async (...more: string[]): Promise<string> => (await run(command, [...args, ...more])).stdout.trim();
    found.push({
      name: plan.name,
      version: await call('--version'),
      ids: (await call('--list')).split('\n'),
      measure: async (id, ms) => JSON.parse(await call(id, `${ms}`)),
    });
  }
  return found;
}
