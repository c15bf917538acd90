/**
 * Where a call was made, as text. An Error would not do: until its stack is read, it keeps the receivers of its frames
 * alive, and often the very handles that leak detection should find forgotten (measured on Node 20 and 24;
 * docs/safety.md, N1).
 */
export interface Site {
  /** The first frame of the program. When the library is bundled with the program: all frames that are kept. */
  readonly place: string;
  /** The frames outside the library, one per line. */
  readonly stack: string;
}

/** An allocation that has not come back, and where it was made. */
export interface Opening {
  /** Increases with every opening in this thread. */
  readonly number: number;
  readonly site: Site;
  /** When it was made, in ms on the environment's clock. */
  readonly openedAt: number;
  /** Visible bytes of the slot or block. */
  readonly bytes: number;
  /** Whether a view of it was lent, as far as the arena tells leak detection. */
  isLent: boolean;
  /** Whether it was forgotten and stays in use for ever. */
  isPinned: boolean;
}

/** How many frames of the program are kept, and how many frames of the library lie above them at most. */
const FRAMES = 8;
const OWN_FRAMES = 6;

/**
 * Where the program called the library. Never throws. Takes 10 to 18 us (Node 20 and 24). The runtime needs nearly all
 * of that time to write the stack down.
 */
export function callSite(): Site {
  const frames = stackFrames();
  ownPaths ??= findOwnPaths();
  const outside = frames.findIndex((frame) => !isOwn(frame));
  const shown = outside < 0 ? [] : frames.slice(outside, outside + FRAMES);
  const stack = shown.map((frame) => `    at ${frame}`).join('\n');
  // In a bundle the frames of the library look like those of the program: only all frames together tell sites apart.
  const place = isBundled() ? shown.join(' < ') : shown.find((frame) => !OF_THE_RUNTIME.test(frame));
  return { place: place || 'unknown place', stack };
}

/** Frames of the runtime, which show no place in the program. */
const OF_THE_RUNTIME = /(^|\()<anonymous>\)?$|\(native\)|\(unknown\)|\[native code\]|\bnode:|\bext:/;

function stackFrames(): string[] {
  const limit = Error.stackTraceLimit;
  setStackTraceLimit(FRAMES + OWN_FRAMES);
  let text = '';
  try {
    text = String(new Error().stack);
  } catch {
    // a program's Error.prepareStackTrace may throw, or return anything
  }
  setStackTraceLimit(limit);
  // Keep lines that look like frames of V8 ('at ...'), or of Firefox and Safari ('...@...'). The lines above the frames
  // have no fixed form: programs and test runners write them in their own ways.
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
    // Error is frozen, as with --frozen-intrinsics: the frames that the runtime records must be enough
  }
}

/** How frames name the files of the library. Empty when the library was bundled with the program. */
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
    // With source maps the runtime names the files in src. Bun names files by paths, not by URLs.
    return [folder, folder.replace(/dist\/$/, 'src/')].flatMap((path) => [path, decodeURI(path)]);
  } catch {
    return []; // import.meta has no URL, as in bundles of another module format
  }
}
