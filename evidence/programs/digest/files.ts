import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Bytes of a small file, on average. */
const SMALL = 8192;

/** In the order of the numbers: `digest` sorts its paths. */
function nameOf(number: number): string {
  return String(number).padStart(6, '0');
}

/** Makes `count` files of a few bytes to 16 KiB at the first use. @returns their paths */
export function smallFiles(count: number): string[] {
  const folder = join(tmpdir(), `arena-alligator-small-${count}`);
  const paths = Array.from({ length: count }, (_, number) => join(folder, nameOf(number)));
  if (existsSync(folder)) return paths;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished);
  for (let number = 0; number < count; number++) {
    writeFileSync(join(unfinished, nameOf(number)), Buffer.alloc((number * 7919) % (2 * SMALL), number & 255));
  }
  renameSync(unfinished, folder);
  return paths;
}

/** Makes a file of `mebibytes` at the first use. @returns its path */
export function largeFile(mebibytes: number): string {
  const path = join(tmpdir(), `arena-alligator-${mebibytes}.bin`);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, '');
  for (let block = 0; block < mebibytes; block++) {
    writeFileSync(unfinished, Buffer.alloc(2 ** 20, block & 255), { flag: 'a' });
  }
  renameSync(unfinished, path);
  return path;
}
