import { stat } from 'node:fs/promises';
import { type RawPath, toBuffer } from './raw-path.js';
import { formatBytes } from './size.js';

export interface Progress {
  advance(bytes: number): void;
  /** Hides the bar while `tell` writes to the terminal. */
  aside(tell: () => void): void;
  stop(): void;
}

const NO_PROGRESS: Progress = { advance() {}, aside: (tell) => tell(), stop() {} };

/**
 * Shows a progress bar for the bytes of `files` on stderr, if that is a terminal. There is no bar when stdout is a
 * terminal too, because the digests themselves show the progress, or when the package `cli-progress` is not installed.
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
      linewrap: true, // false turns off the terminal's line wrapping, for good if a signal ends the process
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
    // A file that cannot be examined here is reported when its turn comes.
    total += (await stat(toBuffer(file)).catch(() => undefined))?.size ?? 0;
  }
  return total;
}
