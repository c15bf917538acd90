import { setImmediate } from 'node:timers/promises';
import { type ArenaKind, type ChunkArena, chunkArena } from './chunk-arena.js';
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
  /** Bytes of a chunk: how much of a file is read at once. */
  readonly slotSize: number;
  /** How many chunks fit into the arena. */
  readonly slots: number;
}

/**
 * Prints the SHA-256 of every regular file at or below `roots` in the order of their paths. Files are read straight
 * into the arena's memory, whatever their size. Failures are reported and the rest goes on.
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
  const arena = chunkArena(options.arena, options.slotSize, options.slots);
  let failures = 0;
  const fail = (path: RawPath, error: unknown): void => {
    failures++;
    report.failure(path, error);
  };
  const paths = await regularFiles(roots, fail, signal);
  const progress = await progressOf(paths, signal);
  const failAside = (path: RawPath, error: unknown): void => progress.aside(() => fail(path, error));
  let files = 0;
  let bytes = 0;
  let lastTurn = start;
  await output.write(report.opening());
  for (const path of paths) {
    if (signal.aborted) break;
    // Small files are read without waiting for anything: signals and the bar need a turn now and then.
    if (performance.now() - lastTurn > TURN_EVERY) {
      await setImmediate();
      lastTurn = performance.now();
    }
    const hashed = await hashOrFail(path, arena, signal, progress.advance, failAside);
    if (hashed === undefined) continue;
    files++;
    bytes += hashed.bytes;
    await output.write(report.file(path, hashed));
  }
  progress.stop();
  arena.close();
  const seconds = (performance.now() - start) / 1000;
  const summary: Summary = {
    files,
    failures,
    bytes,
    seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    interrupted: signal.aborted,
    arena: { description: arena.description, ...arena.metrics() },
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
  await output.write(report.closing(summary));
  return summary;
}

async function hashOrFail(
  path: RawPath,
  arena: ChunkArena,
  signal: AbortSignal,
  onBytes: (count: number) => void,
  onFailure: (path: RawPath, error: unknown) => void,
): Promise<HashedFile | undefined> {
  try {
    return await hashFile(path, arena, signal, onBytes);
  } catch (error) {
    onFailure(path, error);
    return undefined;
  }
}
