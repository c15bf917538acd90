/** A number of bytes for people, in powers of 1000. As in cli/size.ts, but the browser can only load this folder. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}

/** A figure of `metrics()`, by its name. */
export function formatFigure(name: string, value: number): string {
  if (/^bytes|Block$/.test(name)) return formatBytes(value);
  if (name === 'longestWait') return `${value.toFixed(1)} ms`;
  return value.toLocaleString('en');
}

/** `allocationsOk` as words. */
export function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
