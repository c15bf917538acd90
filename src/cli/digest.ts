import { setImmediate } from 'node:timers/promises';
import { type ArenaKind, type ChunkMemory, chunkMemory } from './chunk-arena.js';
import { type HashedFile, hashFile } from './hash-file.js';
import type { Output } from './output.js';
import { progressOf } from './progress.js';
import type { RawPath } from './raw-path.js';
import type { Report } from './report.js';
import type { Summary } from './summary.js';
import { regularFiles } from './walk.js';

/** Milliseconds between turns of the event loop while there are only small files. */
const TURN_EVERY = 20;

export interface DigestOptions {
  readonly arena: ArenaKind;
  /** Bytes of the arena: what all files together may take. */
  readonly memory: number;
  /** Bytes of a chunk: how much of a file is read at once. */
  readonly slotSize: number;
  /** How many files are read at the same time. */
  readonly files: number;
}

/** What became of a file. */
type Result = { readonly path: RawPath } & ({ readonly hashed: HashedFile | undefined } | { readonly error: unknown });

/**
 * Prints the SHA-256 of every regular file at or below `roots` in the order of their paths. Several files are read at once,
 * straight into the memory of one arena, whatever their size. Failures are reported and the rest goes on.
 * @throws BuildError when the arena cannot be had
 */
export async function digest(
  roots: readonly RawPath[],
  options: DigestOptions,
  report: Report,
  output: Output,
  signal: AbortSignal,
): Promise<Summary> {
  const start = performance.now();
  const memory = chunkMemory(options.arena, options.memory, options.slotSize);
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
  for await (const result of inOrder(paths, options.files, memory, signal, progress.advance)) {
    if ('error' in result) {
      progress.aside(() => fail(result.path, result.error));
    } else if (result.hashed !== undefined) {
      files++;
      bytes += result.hashed.bytes;
      await output.write(report.file(result.path, result.hashed));
    }
  }
  progress.stop();
  memory.arena.close();
  const seconds = (performance.now() - start) / 1000;
  const summary: Summary = {
    files,
    failures,
    bytes,
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    interrupted: signal.aborted,
    arena: { description: memory.description, ...memory.arena.metrics() },
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
  await output.write(report.closing(summary));
  return summary;
}

/** Hashes `paths`, up to `width` of them at once; the results come in the order of the paths. */
async function* inOrder(
  paths: readonly RawPath[],
  width: number,
  memory: ChunkMemory,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): AsyncGenerator<Result, undefined, undefined> {
  const underWay: Promise<Result>[] = [];
  let lastTurn = performance.now();
  for (const path of paths) {
    if (signal.aborted) break;
    // Small files are read without waiting for anything: signals and the bar need a turn now and then.
    if (performance.now() - lastTurn > TURN_EVERY) {
      await setImmediate();
      lastTurn = performance.now();
    }
    underWay.push(resultOf(path, memory, signal, onBytes));
    if (underWay.length >= width) yield underWay.shift() as Promise<Result>;
  }
  yield* underWay;
  return undefined;
}

async function resultOf(
  path: RawPath,
  memory: ChunkMemory,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): Promise<Result> {
  try {
    return { path, hashed: await hashFile(path, memory, signal, onBytes) };
  } catch (error) {
    return { path, error };
  }
}
