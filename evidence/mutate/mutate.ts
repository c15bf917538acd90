import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Fault, faults } from './faults.js';

// npm run mutate: plants each fault in a copy of the built package and runs the tests there until a test file fails.
//   --only TEXT   only the faults whose "file: name" contains TEXT; may be given several times
//   --quick       runs only the test files that the fault names and those that import the file with the fault
//   --list        lists the faults and runs nothing

const root = fileURLToPath(new URL('../../..', import.meta.url));

const COPIED = [
  ...['dist', 'docs', 'examples', 'src', 'test/tsconfig.json', 'tsconfig.json', 'package.json'],
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'LICENSE', 'biome.json'],
  ...['build/test', 'build/examples', 'build/evidence'],
];

/** The slowest test files. They run last. */
const SLOW =
  /^(interleavings|digest.*|docs|examples|worker-pool|job-pool|fan-out|broadcast|uploads|imports)\.test\.js$/;

/** Test files that take a few seconds. They run before the slowest ones. */
const LONG = /^(collector|fuzz-findings|zero-policy\.property|zero-policy-threads)\.test\.js$/;

/** The time limit of a test file: about ten times its usual time. Some faults make tests wait for ever. */
function mostSeconds(file: string): number {
  const name = basename(file);
  if (SLOW.test(name)) return 300;
  return LONG.test(name) ? 60 : 20;
}

/** How a test file ended. */
interface Outcome {
  /** The test that failed first; undefined when all passed. */
  readonly failed: string | undefined;
}

/** The result for one fault. */
interface Verdict {
  readonly fault: Fault;
  /** The test file that failed, and the test in it; undefined when the fault survived. */
  readonly caughtBy: string | undefined;
  readonly seconds: number;
}

/** A copy of the built package to plant faults in, one at a time. */
class Copy {
  private readonly folder = mkdtempSync(join(root, 'build', 'mutated-'));
  private readonly isQuick: boolean;
  private running: ChildProcess | undefined;

  constructor(isQuick: boolean) {
    this.isQuick = isQuick;
    for (const path of COPIED) cpSync(join(root, path), join(this.folder, path), { recursive: true });
    // Linked, because they are large and never mutated: installed packages, and evidence that the pages link to.
    for (const path of ['node_modules', 'evidence']) symlinkSync(join(root, path), join(this.folder, path));
  }

  async judge(fault: Fault): Promise<Verdict> {
    const start = performance.now();
    const path = join(this.folder, 'dist', `${fault.file}.js`);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, planted(fault, text));
    let caughtBy: string | undefined;
    for (const file of this.testFiles(fault)) {
      const { failed } = await this.run(file);
      if (failed === undefined) continue;
      caughtBy = `${file.replace('.test.js', '')}: ${failed}`;
      break;
    }
    writeFileSync(path, text);
    return { fault, caughtBy, seconds: (performance.now() - start) / 1000 };
  }

  remove(): void {
    this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** In this order: the files that the fault names, those that import its file, the others, the slow ones. */
  private testFiles({ file, tests = [] }: Fault): string[] {
    const folder = join(this.folder, 'build/test');
    const turn = (path: string): number => {
      const name = basename(path);
      const isHinted = tests.includes(name.replace('.test.js', ''));
      if (SLOW.test(name)) return isHinted ? 2 : 5;
      if (LONG.test(name)) return isHinted ? 2 : 4;
      if (isHinted) return 0;
      return readFileSync(join(folder, path), 'utf8').includes(`#internal/${file}'`) ? 1 : 3;
    };
    const paths = readdirSync(folder, { encoding: 'utf8', recursive: true }).filter((path) =>
      path.endsWith('.test.js'),
    );
    const chosen = this.isQuick ? paths.filter((path) => turn(path) < 3) : paths;
    return chosen.sort((one, other) => turn(one) - turn(other));
  }

  private run(file: string): Promise<Outcome> {
    const path = join(this.folder, 'build/test', file);
    // Runs the file as `node --test` does, with one process less.
    const args = ['--expose-gc', '--test-reporter=tap', path];
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    this.running = child;
    let output = '';
    let failed: string | undefined;
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      failed ??= /^\s*not ok \d+ - (.*)\n/m.exec(output)?.[1];
      if (failed !== undefined) this.stop();
    });
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        failed ??= 'time limit exceeded';
        this.stop();
      }, 1000 * mostSeconds(file));
      child.once('close', (code) => {
        clearTimeout(timer);
        this.running = undefined;
        if (code !== 0) failed ??= 'the process failed';
        resolve({ failed });
      });
    });
  }

  /** Kills the running test and the processes that it started. */
  private stop(): void {
    const { pid } = this.running ?? {};
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // the process has already ended
    }
  }
}

function planted({ name, file, find, replace }: Fault, text: string): string {
  const times = text.split(find).length - 1;
  if (times !== 1)
    throw new Error(`${name}: dist/${file}.js must contain this text once, but contains it ${times} times:\n${find}`);
  return text.replace(find, () => replace);
}

function show({ fault, caughtBy, seconds }: Verdict): void {
  const what = caughtBy === undefined ? 'SURVIVED' : `caught by ${caughtBy}`;
  console.log(`${fault.file}: ${fault.name}: ${what} (${seconds.toFixed(1)} s)`);
}

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [''] },
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const chosen = faults.filter(({ name, file }) => options.only.some((part) => `${file}: ${name}`.includes(part)));
  for (const fault of chosen) planted(fault, readFileSync(join(root, 'dist', `${fault.file}.js`), 'utf8'));
  if (options.list) {
    for (const { name, file } of chosen) console.log(`${file}: ${name}`);
    return;
  }
  if (chosen.length === 0) throw new Error(`no fault matches ${options.only.join(' or ')}`);
  const copies: Copy[] = [];
  const rest = chosen.values();
  let survivors = 0;
  const removeAll = (): void => {
    for (const copy of copies.splice(0)) copy.remove();
  };
  process.once('exit', removeAll);
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const work = async (): Promise<void> => {
    const copy = new Copy(options.quick);
    copies.push(copy);
    for (const fault of rest) {
      const verdict = await copy.judge(fault);
      if (verdict.caughtBy === undefined) survivors++;
      show(verdict);
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism(), chosen.length) }, work));
  console.log(`${chosen.length} faults, ${chosen.length - survivors} caught, ${survivors} survived`);
  process.exitCode = survivors === 0 ? 0 : 1;
}

await main();
