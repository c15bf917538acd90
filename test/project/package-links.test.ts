import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

test('every link in the packed pages leads to a file in the package', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    shell: process.platform === 'win32',
  });
  const [{ files }] = JSON.parse(stdout) as [{ readonly files: readonly { readonly path: string }[] }];
  const packed = files.map(({ path }) => path);
  const pages = packed.filter((path) => path.endsWith('.md'));
  assert.ok(pages.includes('README.md') && pages.length > 5, pages.join(' '));
  const dead: string[] = [];
  for (const page of pages) {
    for (const [, target = ''] of readFileSync(join(root, page), 'utf8').matchAll(
      /\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g,
    )) {
      const path = posix.join(posix.dirname(page), target).replace(/\/$/, '');
      const isPacked = packed.some((file) => file === path || file.startsWith(`${path}/`));
      if (!isPacked) dead.push(`${page} links to ${target}`);
    }
  }
  assert.deepEqual(dead, []);
});
