import { checksumLine } from './checksum-line.js';
import type { HashedFile } from './hash-chunks.js';
import { type RawPath, toText } from './raw-path.js';
import { type Summary, summaryText } from './summary.js';
import { describeError, isSystemError } from './system-error.js';

/** Formats the results of a run. The strings that its methods return go to stdout, one byte per character. */
export interface Report {
  opening(): string;
  file(path: RawPath, hashed: HashedFile): string;
  failure(path: RawPath, error: unknown): void;
  closing(summary: Summary): string;
}

/** Lines in the format of `sha256sum` on stdout. Failures and the summary go to stderr. */
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

/** One JSON document on stdout: `{ files, failures, summary }`. Failures go to stderr too. */
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

/** JSON in ASCII only, so that every encoding gives the same bytes. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
