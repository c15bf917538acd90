/**
 * Where something was called. Text, for an Error whose stack was not read yet keeps the receivers of its frames alive, and with
 * them the very handles that are to be found forgotten (measured on Node 20 and 24; docs/safety.md, N1).
 */
export interface Site {
  /** The first frame outside the library. */
  readonly place: string;
  /** The frames from there on, one a line. */
  readonly stack: string;
}

/** An allocation that somebody has, and where it was made. */
export interface Opening {
  readonly site: Site;
  /** Ms on the environment's clock. */
  readonly openedAt: number;
  /** Bytes of the slot or block that can be seen. */
  readonly bytes: number;
  /** Whether a view of it was lent, as far as whoever watches is told. */
  isLent: boolean;
  /** Whether it was forgotten and stays in use for ever. */
  isPinned: boolean;
}

/** Frames of the program that are kept, and at most how many of the library's lie above them. */
const FRAMES = 8;
const OWN_FRAMES = 6;

/** The caller of the library. Never throws. 10 to 18 µs (Node 20 and 24), nearly all of it the runtime writing the stack down. */
export function callSite(): Site {
  const frames = stackLines();
  const outside = frames.findIndex((frame) => !isOwn(frame));
  const shown = frames.slice(Math.max(0, outside), Math.max(0, outside) + FRAMES);
  const stack = shown.map((frame) => `    at ${frame}`).join('\n');
  // Bundled with the program, the library's frames cannot be told from its callers': then only the whole stack tells sites apart.
  return { place: IS_BUNDLED ? shown.join(' < ') : (shown[0] ?? 'unknown place'), stack };
}

function stackLines(): string[] {
  const limit = Error.stackTraceLimit;
  setStackTraceLimit(FRAMES + OWN_FRAMES);
  let text = '';
  try {
    text = String(new Error().stack);
  } catch {
    // a program's Error.prepareStackTrace may throw, or make anything of it
  }
  setStackTraceLimit(limit);
  return text
    .split('\n')
    .map((line) => line.trim().replace(/^at /, ''))
    .filter((line) => line !== '' && !/^Error:?$/.test(line)); // the heading, which test runners make in their own way
}

function setStackTraceLimit(limit: number | undefined): void {
  try {
    Object.assign(Error, { stackTraceLimit: limit });
  } catch {
    // frozen, as by --frozen-intrinsics: as many frames as there are have to do
  }
}

const OWN_PATH = new URL('.', import.meta.url).pathname;
const IS_BUNDLED = !new URL(import.meta.url).pathname.endsWith('/site.js');
// With source maps the runtime names the sources. Bun names files by paths, not by URLs.
const OWN_PATHS: readonly string[] = [OWN_PATH, OWN_PATH.replace(/\/dist\/$/, '/src/')].flatMap((path) => [
  path,
  decodeURI(path),
]);

function isOwn(frame: string): boolean {
  return !IS_BUNDLED && OWN_PATHS.some((path) => frame.includes(path));
}
