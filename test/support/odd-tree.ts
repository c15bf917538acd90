import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Fills `folder` with unusual entries: empty files, odd names, a name that is not UTF-8, links, a loop, a pipe. */
export function populate(folder: string): void {
  mkdirSync(join(folder, 'deep/er/est'), { recursive: true });
  mkdirSync(join(folder, 'empty folder'));
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'one'), 'a');
  for (const [index, name] of [
    'A',
    'a-b',
    'a/b',
    'a.b',
    'ä',
    '日本',
    '😀',
    ' ',
    'x  y',
    '-',
    '--help',
    '*',
  ].entries()) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), `content ${index}`);
  }
  writeFileSync(join(folder, 'back\\slash'), 'b');
  writeFileSync(join(folder, 'new\nline'), 'n');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x80])]), 'bytes');
  writeFileSync(join(folder, 'deep/er/est/chunk'), Buffer.alloc(1_300_000, 'chunk'));
  writeFileSync(join(folder, 'deep/exact'), Buffer.alloc(1_048_576, 'x'));
  symlinkSync('one', join(folder, 'link to file'));
  symlinkSync('..', join(folder, 'deep/loop'));
  symlinkSync('nowhere', join(folder, 'dangling'));
  linkSync(join(folder, 'one'), join(folder, 'hard link'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
}
