const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/**
 * Parses a size such as `4096`, `64K`, `16M` or `1G` (powers of 1024) and returns its number of bytes.
 * @returns undefined for anything else, and for a size that is not a positive safe integer
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+)([KMG]?)(?:iB|B)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = '', unit = ''] = match;
  const bytes = Number(digits) * (UNITS[unit.toUpperCase()] ?? 0);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}

/** Formats a number of bytes for people, in B, kB, MB, GB or TB (powers of 1000). */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
