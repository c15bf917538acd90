#!/usr/bin/env node
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DemoOptions } from '../demo/demo.js';
import { ARENA_KINDS, type ArenaKind } from './chunk-arena.js';
import { type DigestOptions, digest } from './digest.js';
import { Output } from './output.js';
import type { PlanOptions } from './plan.js';
import { fromArgument } from './raw-path.js';
import { checksumReport, jsonReport } from './report.js';
import { parseSize } from './size.js';
import { describeError } from './system-error.js';

// At most 1024 threads can share an arena, and the reading thread is one of them.
const MOST_THREADS = 1023;

// The exit code that shells report for a program that SIGPIPE ended.
const EXIT_BROKEN_PIPE = 141;

// Each command imports its own modules when it runs: loading all of them would slow the digest of a few files.
const { Command, InvalidArgumentError, Option } = await import('commander').catch(() => {
  process.stderr.write('arena-alligator: the package commander is missing, run npm install commander\n');
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
  if (bytes === undefined) throw new InvalidArgumentError('Expected a size in bytes, such as 4096, 64K or 16M.');
  return bytes;
}

function threadCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > MOST_THREADS)
    throw new InvalidArgumentError(`Expected an integer from 0 to ${MOST_THREADS}.`);
  return value;
}

function portNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535) throw new InvalidArgumentError('Expected a port from 0 to 65535.');
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
  process.stderr.on('error', () => undefined); // there is nowhere left to report it
  let interruptedBy: NodeJS.Signals | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A second signal finds no listener and ends the process at once.
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
  // A shell stops its loop only if the signal itself ended the program.
  if (interruptedBy !== undefined) process.kill(process.pid, interruptedBy);
}

async function runDemo(options: DemoOptions): Promise<void> {
  const { demo } = await import('../demo/demo.js');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const { stdout } = process;
  let lines = 0;
  stdout.write('Starting two programs ...\n');
  await demo(
    options,
    (table) => {
      // On a terminal, the table stays in its place.
      if (stdout.isTTY && lines > 0) stdout.write(`\u001b[${lines}A\u001b[J`);
      stdout.write(`${table}\n`);
      lines = table.split('\n').length;
    },
    stop.signal,
  );
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
    'Print the SHA-256 of every regular file at or below the paths, in the format of sha256sum, sorted by path. ' +
      'Files are read straight into arena memory. The default path is the folder of this package.',
  )
  .argument('[path...]', 'files and folders')
  .addOption(new Option('--arena <kind>', 'kind of arena that holds the chunks').choices(ARENA_KINDS).default('fixed'))
  .option('--memory <size>', 'size of the arena, shared by all files, such as 256K or 16M', size, 16 * 1024 * 1024)
  .option('--slot-size <size>', 'size of a chunk, such as 4096, 64K or 1M', size, 1024 * 1024)
  .addOption(
    new Option('--slots <count>', 'number of chunks in the arena, instead of --memory')
      .argParser(count)
      .conflicts('memory'),
  )
  .option('--files <count>', 'number of files to read at once', count, 4)
  .option('--threads <count>', 'number of hashing threads; with 0, the reading thread hashes', threadCount, 0)
  .option('--json', 'print one JSON document instead of sha256sum lines', false)
  .action(runDigest);

program
  .command('bench')
  .description('Measure a few operations beside plain Buffers on this machine, in about six seconds.')
  .action(async () => {
    const { bench } = await import('./bench.js');
    process.stdout.write(await bench());
  });

program
  .command('demo')
  .description(
    'Run a lively workload with an arena and the inspector, beside the same workload with plain Buffers in a second ' +
      'process. Prints the address of the inspector, and the figures of both. Ends with Ctrl-C.',
  )
  .option('--port <port>', 'port of the inspector; 0 takes a free one', portNumber, 0)
  .option('--seconds <count>', 'end after so many seconds', count)
  .action(runDemo);

program
  .command('record')
  .description(
    'Run a program of Node, and write the sizes and lifetimes of its Buffers to a trace file. ' +
      'A Buffer ends when the garbage collector has found it, which this makes run ten times a second.',
  )
  .argument('<command...>', 'the program and its arguments, after --')
  .option('-o, --output <file>', 'trace file to write', 'arena.trace')
  .action(async (command: readonly string[], { output }: { readonly output: string }) => {
    const { record } = await import('./record.js');
    rmSync(output, { force: true });
    process.exitCode = await record(command, output);
    if (!existsSync(output)) throw new Error(`${command[0]} wrote no trace: is it a program of Node?`);
    tell(`arena-alligator: wrote ${output}; now run arena-alligator plan ${output}\n`);
  });

program
  .command('plan')
  .description(
    'Find the arena that needs the least memory for the allocations of a program: replays them through real arenas of ' +
      'many shapes, and prints a table and the code of the best one.',
  )
  .argument('<trace>', 'a trace file of record, a list of sizes (text or CSV), or - for the standard input')
  .option('--live <count>', 'for sizes without lifetimes: how many allocations live at the same time', count, 64)
  .option('--report <file>', 'write a page with charts')
  .option('--json', 'print JSON', false)
  .action(async (trace: string, options: PlanOptions) => {
    const { plan } = await import('./plan.js');
    process.stdout.write(plan(trace, options));
  });

try {
  await program.parseAsync();
} catch (error) {
  tell(`arena-alligator: ${describeError(error)}\n`);
  process.exitCode = 1;
}
