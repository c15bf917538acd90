import { stat } from 'node:fs/promises';
import { type RawPath, toBuffer } from './raw-path.js';
import { formatBytes } from './size.js';

export interface Progress {
  advance(bytes: number): void;
  stop(): void;
}

const NO_PROGRESS: Progress = { advance() {}, stop() {} };

/** A bar of the bytes of `files` on stderr when that is a terminal; nothing otherwise. */
export async function progressOf(files: readonly RawPath[]): Promise<Progress> {
  if (!process.stderr.isTTY) return NO_PROGRESS;
  const { SingleBar, Presets } = await import('cli-progress');
  const bar = new SingleBar(
    {
      format: ' {bar} {percentage}% | {value} of {total} | {eta_formatted}',
      formatValue: (value, _options, type) => (type === 'value' || type === 'total' ? formatBytes(value) : `${value}`),
      stream: process.stderr,
      clearOnComplete: true,
      gracefulExit: false, // the caller handles signals
    },
    Presets.shades_classic,
  );
  bar.start(await totalBytes(files), 0);
  return { advance: (bytes) => bar.increment(bytes), stop: () => bar.stop() };
}

async function totalBytes(files: readonly RawPath[]): Promise<number> {
  let total = 0;
  for (const file of files) {
    // What cannot be looked at now is reported when its turn comes.
    total += (await stat(toBuffer(file)).catch(() => undefined))?.size ?? 0;
  }
  return total;
}
