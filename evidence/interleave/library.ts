import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A change to a file of the built library. */
interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A bug to plant. */
export interface Bug extends Edit {
  readonly name: string;
  /** The scenario that must find it. */
  readonly scenario: string;
}

/**
 * Small scenarios would hardly ever lower a hint or leave a word to another thread, so both limits become 1. Threads do
 * not spin before they sleep, because how long they spin depends on the clock.
 */
const TUNING: readonly Edit[] = [
  { file: 'channel/bytes-channel.js', find: 'const SPIN = 0.05;', replace: 'const SPIN = 0;' },
  { file: 'shared/blocks.js', find: 'const LOOKS = 16;', replace: 'const LOOKS = 1;' },
  { file: 'shared/blocks.js', find: 'const COLLISIONS = 64;', replace: 'const COLLISIONS = 1;' },
];

/**
 * Makes a copy of the built library with stepped atomics, and with a bug if one is given.
 * @returns the copy's address, and a function that removes the copy
 */
export function steppedLibrary(bug?: Bug): { address: string; remove: () => void } {
  const folder = mkdtempSync(join(root, 'build', 'stepped-'));
  cpSync(join(root, 'dist'), folder, { recursive: true });
  cpSync(fileURLToPath(new URL('./stepping-atomics.js', import.meta.url)), join(folder, 'base/atomics.js'));
  cpSync(fileURLToPath(new URL('./board.js', import.meta.url)), join(folder, 'base/board.js'));
  for (const { file, find, replace } of bug === undefined ? TUNING : [...TUNING, bug]) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    if (text.split(find).length !== 2) throw new Error(`${file} must contain this text exactly once: ${find}`);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  return { address: pathToFileURL(folder).href, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
