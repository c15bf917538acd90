import { stat } from 'node:fs/promises';
import { type RawPath, toBuffer } from './raw-path.js';
import { formatBytes } from './size.js';

export interface Progress {
  advance(bytes: number): void;
  /** Takes the bar away while `tell` writes to the terminal. */
  aside(tell: () => void): void;
  stop(): void;
}

const NO_PROGRESS: Progress = { advance() {}, aside: (tell) => tell(), stop() {} };

/**
 * A bar of the bytes of `files` on stderr when that is a terminal; nothing otherwise, nor where stdout is the same
 * terminal (the digests themselves are the progress), nor where the library for it was not installed.
 */
export async function progressOf(files: readonly RawPath[], signal: AbortSignal): Promise<Progress> {
  if (!process.stderr.isTTY || process.stdout.isTTY) return NO_PROGRESS;
  const library = await import('cli-progress').catch(() => undefined);
  if (library === undefined) return NO_PROGRESS;
  const total = await totalBytes(files, signal);
  if (signal.aborted) return NO_PROGRESS;
  const bar = new library.SingleBar(
    {
      format: ' {bar} {percentage}% | {value} of {total} | {eta_formatted}',
      formatValue: (value, _options, type) => (type === 'value' || type === 'total' ? formatBytes(value) : `${value}`),
      stream: process.stderr,
      clearOnComplete: true,
      linewrap: true, // else it turns the terminal's wrapping off, for good where a signal ends the process
      gracefulExit: false, // the caller handles signals
    },
    library.Presets.shades_classic,
  );
  let done = 0;
  bar.start(total, 0);
  return {
    advance(bytes) {
      done += bytes;
      bar.update(done);
    },
    aside(tell) {
      bar.stop();
      tell();
      bar.start(total, done);
    },
    stop: () => bar.stop(),
  };
}

async function totalBytes(files: readonly RawPath[], signal: AbortSignal): Promise<number> {
  let total = 0;
  for (const file of files) {
    if (signal.aborted) break;
    // What cannot be looked at now is reported when its turn comes.
    total += (await stat(toBuffer(file)).catch(() => undefined))?.size ?? 0;
  }
  return total;
}
