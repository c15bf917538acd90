import type { RawPath } from './raw-path.js';

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };

/**
 * A line as GNU `sha256sum` prints it, one character per byte. A name with a backslash, a newline or a carriage return
 * is escaped and its line starts with a backslash (coreutils manual, "md5sum invocation").
 */
export function checksumLine(digest: string, path: RawPath): string {
  const escaped = path.replace(/[\\\n\r]/g, (character) => ESCAPES[character] ?? character);
  return `${escaped === path ? '' : '\\'}${digest}  ${escaped}\n`;
}
