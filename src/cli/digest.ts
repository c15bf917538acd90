import { setImmediate } from 'node:timers/promises';
import type { HashedFile } from './hash-chunks.js';
import { hashFile } from './hash-file.js';
import { type Hashing, type HashingOptions, startHashing } from './hashing.js';
import type { Output } from './output.js';
import { progressOf } from './progress.js';
import type { RawPath } from './raw-path.js';
import type { Report } from './report.js';
import type { Summary } from './summary.js';
import { regularFiles } from './walk.js';

/** Milliseconds between turns of the event loop while only small files are read. */
const TURN_EVERY = 20;

export interface DigestOptions extends HashingOptions {
  /** Number of files to read at the same time. */
  readonly files: number;
}

/** The outcome for one file. */
type Result = { readonly path: RawPath } & ({ readonly hashed: HashedFile | undefined } | { readonly error: unknown });

/**
 * Prints the SHA-256 of every regular file at or below `roots`, in the order of their paths. Several files of any size
 * are read at once, straight into the memory of one arena. A file that fails is reported, and the others continue.
 * @throws BuildError SIZE_OVERFLOW when the arena is too large
 */
export async function digest(
  roots: readonly RawPath[],
  options: DigestOptions,
  report: Report,
  output: Output,
  signal: AbortSignal,
): Promise<Summary> {
  const start = performance.now();
  await using hashing = startHashing(options);
  let failures = 0;
  const fail = (path: RawPath, error: unknown): void => {
    failures++;
    report.failure(path, error);
  };
  const paths = await regularFiles(roots, fail, signal);
  const progress = await progressOf(paths, signal);
  let files = 0;
  let bytes = 0;
  await output.write(report.opening());
  for await (const result of inOrder(paths, options.files, hashing, signal, progress.advance)) {
    if ('error' in result) {
      progress.aside(() => fail(result.path, result.error));
    } else if (result.hashed !== undefined) {
      files++;
      bytes += result.hashed.bytes;
      await output.write(report.file(result.path, result.hashed));
    }
  }
  progress.stop();
  await hashing.end();
  const seconds = (performance.now() - start) / 1000;
  const summary: Summary = {
    files,
    failures,
    bytes,
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    interrupted: signal.aborted,
    arena: { description: hashing.memory.description, ...hashing.memory.arena.metrics() },
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    threads: options.threads,
    payloadBytesCopied: hashing.bytesCopied,
  };
  await output.write(report.closing(summary));
  return summary;
}

/** Hashes `paths`, up to `width` of them at once. The results come in the order of the paths. */
async function* inOrder(
  paths: readonly RawPath[],
  width: number,
  hashing: Hashing,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): AsyncGenerator<Result, undefined, undefined> {
  const underWay: Promise<Result>[] = [];
  let lastTurn = performance.now();
  for (const path of paths) {
    if (signal.aborted) break;
    // Small files are read synchronously, but signals and the progress bar need a turn of the event loop now and then.
    if (performance.now() - lastTurn > TURN_EVERY) {
      await setImmediate();
      lastTurn = performance.now();
    }
    underWay.push(resultOf(path, hashing, signal, onBytes));
    if (underWay.length >= width) yield underWay.shift() as Promise<Result>;
  }
  yield* underWay;
  return undefined;
}

async function resultOf(
  path: RawPath,
  { memory, hash }: Hashing,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<Result> {
  try {
    return { path, hashed: await hashFile(path, memory, signal, onBytes, hash) };
  } catch (error) {
    return { path, error };
  }
}
