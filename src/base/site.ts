/**
 * Where something was called. Text, for an Error whose stack was not read yet keeps the receivers of its frames alive, and with
 * them the very handles that are to be found forgotten (measured on Node 20 and 24; docs/safety.md, N1).
 */
export interface Site {
  /** The first frame of the program's. */
  readonly place: string;
  /** The frames outside the library, one a line. */
  readonly stack: string;
}

/** An allocation that somebody has, and where it was made. */
export interface Opening {
  /** Counts up in this thread. */
  readonly number: number;
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

/** The caller of the library. Never throws. 10 to 18 us (Node 20 and 24), nearly all of it the runtime writing the stack down. */
export function callSite(): Site {
  const frames = stackFrames();
  ownPaths ??= findOwnPaths();
  const outside = frames.findIndex((frame) => !isOwn(frame));
  const shown = outside < 0 ? [] : frames.slice(outside, outside + FRAMES);
  const stack = shown.map((frame) => `    at ${frame}`).join('\n');
  // Bundled with the program, the library's frames cannot be told from its callers': then only all of them tell sites apart.
  const place = isBundled() ? shown.join(' < ') : shown.find((frame) => !OF_THE_RUNTIME.test(frame));
  return { place: place || 'unknown place', stack };
}

/** Frames without a place in the program. */
const OF_THE_RUNTIME = /(^|\()<anonymous>\)?$|\(native\)|\(unknown\)|\[native code\]|\bnode:|\bext:/;

function stackFrames(): string[] {
  const limit = Error.stackTraceLimit;
  setStackTraceLimit(FRAMES + OWN_FRAMES);
  let text = '';
  try {
    text = String(new Error().stack);
  } catch {
    // a program's Error.prepareStackTrace may throw, or make anything of it
  }
  setStackTraceLimit(limit);
  // As V8, or as Firefox and Safari write them; what heads them is made by programs and test runners in their own way.
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at ') || line.includes('@'))
    .map((line) => line.replace(/^at /, ''));
}

function setStackTraceLimit(limit: number | undefined): void {
  try {
    Object.assign(Error, { stackTraceLimit: limit });
  } catch {
    // frozen, as by --frozen-intrinsics: as many frames as there are have to do
  }
}

/** How the library's files are named in frames; none where it was bundled with the program. */
let ownPaths: readonly string[] | undefined;

function isBundled(): boolean {
  return ownPaths?.length === 0;
}

function isOwn(frame: string): boolean {
  return ownPaths?.some((path) => frame.includes(path)) ?? false;
}

function findOwnPaths(): string[] {
  try {
    const { pathname } = new URL(import.meta.url);
    if (!pathname.endsWith('/dist/base/site.js')) return [];
    const folder = pathname.slice(0, -'base/site.js'.length);
    // With source maps the runtime names the sources. Bun names files by paths, not by URLs.
    return [folder, folder.replace(/dist\/$/, 'src/')].flatMap((path) => [path, decodeURI(path)]);
  } catch {
    return []; // an import.meta without a URL, as bundlers to other formats make it
  }
}
