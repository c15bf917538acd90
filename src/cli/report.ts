import { checksumLine } from './checksum-line.js';
import type { HashedFile } from './hash-chunks.js';
import { type RawPath, toText } from './raw-path.js';
import { type Summary, summaryText } from './summary.js';
import { describeError, isSystemError } from './system-error.js';

/** How a run is told. What the methods return goes to stdout, one byte per character. */
export interface Report {
  opening(): string;
  file(path: RawPath, hashed: HashedFile): string;
  failure(path: RawPath, error: unknown): void;
  closing(summary: Summary): string;
}

/** Lines as `sha256sum` prints them on stdout; failures and the summary on stderr. */
export function checksumReport(tell: (text: string) => void): Report {
  return {
    opening: () => '',
    file: (path, hashed) => checksumLine(hashed.sha256, path),
    failure: (path, error) => tell(failureLine(path, error)),
    closing(summary) {
      tell(summaryText(summary));
      return '';
    },
  };
}

/** One JSON document on stdout: `{ files, failures, summary }`. Failures are told on stderr too. */
export function jsonReport(tell: (text: string) => void): Report {
  const failures: { path: string; code: string; message: string }[] = [];
  let separator = '';
  return {
    opening: () => '{"files":[',
    file(path, { sha256, bytes }) {
      const line = `${separator}\n${ascii({ path: toText(path), sha256, bytes })}`;
      separator = ',';
      return line;
    },
    failure(path, error) {
      tell(failureLine(path, error));
      const code = isSystemError(error) ? error.code : 'ERROR';
      failures.push({ path: toText(path), code, message: describeError(error) });
    },
    closing: (summary) => `\n],"failures":${ascii(failures)},"summary":${ascii(summary)}}\n`,
  };
}

function failureLine(path: RawPath, error: unknown): string {
  return `arena-alligator: ${toText(path)}: ${describeError(error)}\n`;
}

/** JSON without a character beyond ASCII, so that it is the same bytes in every encoding. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
