import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Compiles a program that imports `entry`, and checks all declarations that it reaches. */
function compile(entry: string, types: readonly string[]): void {
  const folder = mkdtempSync(join(root, 'build', 'declarations-'));
  try {
    writeFileSync(join(folder, 'program.ts'), `import * as library from '${entry}';\nexport { library };\n`);
    const compilerOptions = {
      ...{ target: 'ES2023', lib: ['ES2023', 'ESNext.Disposable'], types, strict: true, skipLibCheck: false },
      ...{ module: 'NodeNext', moduleResolution: 'NodeNext', exactOptionalPropertyTypes: true, noEmit: true },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['program.ts'] }));
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the declarations of the core compile without the types of DOM and Node', () => {
  assert.doesNotThrow(() => compile('arena-alligator', []));
});

test('the declarations for Node and for tests compile without the types of DOM', () => {
  assert.doesNotThrow(() => compile('arena-alligator/node', ['node']));
  assert.doesNotThrow(() => compile('arena-alligator/testing', ['node']));
});

test('the library emits no helper that reads `this` at the top of a module', () => {
  const files = readdirSync(join(root, 'dist'), { encoding: 'utf8', recursive: true }).filter(
    (file) => file.endsWith('.js') && !file.startsWith('cli'),
  );
  assert.ok(files.length > 80);
  for (const file of files)
    assert.doesNotMatch(readFileSync(join(root, 'dist', file), 'utf8'), /\(this && this\./, file);
});
