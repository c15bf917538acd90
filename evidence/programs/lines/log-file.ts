import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A log of `lines` lines of 120 bytes on average, made at the first use. @returns its path */
export function logFile(lines: number): string {
  const path = join(tmpdir(), `arena-alligator-${lines}.log`);
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, '');
  let block = '';
  for (let number = 0; number < lines; number++) {
    block += lineOf(number);
    if (block.length < 1_000_000 && number + 1 < lines) continue;
    writeFileSync(unfinished, block, { flag: 'a' });
    block = '';
  }
  renameSync(unfinished, path);
  return path;
}

function lineOf(number: number): string {
  const level = number % 13 === 0 ? 'ERROR' : 'INFO';
  const detail = 'x'.repeat(number % 80);
  return `2026-01-01T10:00:${number % 60} host-${number % 97} app[${number}]: ${level} request took ${number % 500} ms ${detail}\n`;
}
