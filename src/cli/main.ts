#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARENA_KINDS, type ArenaKind } from './chunk-arena.js';
import { type DigestOptions, digest } from './digest.js';
import { Output } from './output.js';
import { fromArgument } from './raw-path.js';
import { checksumReport, jsonReport } from './report.js';
import { parseSize } from './size.js';
import { describeError } from './system-error.js';

// The reader shares the arena with them, which 1024 threads can do.
const MOST_THREADS = 1023;

// As shells report a program that SIGPIPE ended.
const EXIT_BROKEN_PIPE = 141;

const { Command, InvalidArgumentError, Option } = await import('commander').catch(() => {
  process.stderr.write('arena-alligator: the command needs the package commander: npm install commander\n');
  process.exit(1);
});

const packageFolder = fileURLToPath(new URL('../..', import.meta.url));

interface DigestArguments extends DigestOptions {
  readonly arena: ArenaKind;
  readonly slots?: number;
  readonly json: boolean;
}

function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('Expected bytes, such as 4096, 64K or 16M.');
  return bytes;
}

function threadCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MOST_THREADS)
    throw new InvalidArgumentError(`Expected an integer from 0 to ${MOST_THREADS}.`);
  return value;
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a positive integer.');
  return value;
}

function tell(text: string): void {
  process.stderr.write(text);
}

async function runDigest(paths: readonly string[], options: DigestArguments): Promise<void> {
  const stop = new AbortController();
  let exitCode = 0;
  const output = new Output(process.stdout, (error) => {
    const broken = (error as NodeJS.ErrnoException).code === 'EPIPE';
    if (!broken) tell(`arena-alligator: write error: ${describeError(error)}\n`);
    exitCode = broken ? EXIT_BROKEN_PIPE : 1;
    stop.abort();
  });
  process.stderr.on('error', () => undefined); // nobody is left to be told
  let interruptedBy: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A second one finds no listener any more and ends the process at once.
    process.once(signal, () => {
      interruptedBy = signal;
      stop.abort();
    });
  }
  const roots = paths.length > 0 ? paths : [relative('', packageFolder) || '.'];
  const { slots, slotSize } = options;
  const memory = slots === undefined ? options.memory : slots * slotSize;
  const report = options.json ? jsonReport(tell) : checksumReport(tell);
  const summary = await digest(roots.map(fromArgument), { ...options, memory }, report, output, stop.signal);
  await output.flushed();
  process.exitCode = exitCode !== 0 ? exitCode : summary.failures > 0 ? 1 : 0;
  // Shells end their loops only when the signal itself ended the program.
  if (interruptedBy !== undefined) process.kill(process.pid, interruptedBy);
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

const program = new Command('arena-alligator')
  .description('Programs that show what an arena allocator is good for.')
  .version(version());

program
  .command('digest')
  .description(
    'Print the SHA-256 of every regular file at or below the paths, as sha256sum prints it, sorted by path. ' +
      'Files are read straight into arena memory. Without a path: the folder of this package.',
  )
  .argument('[path...]', 'files and folders')
  .addOption(new Option('--arena <kind>', 'which arena holds the chunks').choices(ARENA_KINDS).default('fixed'))
  .option('--memory <size>', 'bytes of the arena, for all files together: 256K, 16M', size, 16 * 1024 * 1024)
  .option('--slot-size <size>', 'bytes of a chunk: 4096, 64K, 1M', size, 1024 * 1024)
  .addOption(
    new Option('--slots <count>', 'instead of --memory: how many chunks the arena holds')
      .argParser(count)
      .conflicts('memory'),
  )
  .option('--files <count>', 'how many files are read at once', count, 4)
  .option('--threads <count>', 'how many threads hash what is read; 0: the one that reads', threadCount, 0)
  .option('--json', 'print one JSON document instead of lines', false)
  .action(runDigest);

try {
  await program.parseAsync();
} catch (error) {
  tell(`arena-alligator: ${describeError(error)}\n`);
  process.exitCode = 1;
}
