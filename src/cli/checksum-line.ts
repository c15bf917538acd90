import type { RawPath } from './raw-path.js';

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

/**
 * Formats a line as GNU `sha256sum` prints it, with one character per byte. If the name contains a backslash, a newline
 * or a carriage return, it is escaped and the line starts with a backslash (coreutils manual, "md5sum invocation").
 */
export function checksumLine(digest: string, path: RawPath): string {
  const escaped = path.replace(/[\\\n\r]/g, (character) => ESCAPES[character] ?? character);
  return `${escaped === path ? '' : '\\'}${digest}  ${escaped}\n`;
}
