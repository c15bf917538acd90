import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = join(root, 'build', 'docs');

const pages = [
  join(root, 'README.md'),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, 'docs', name)),
];

interface Block {
  readonly name: string;
  readonly code: string;
  /** The expected output, from the comments after `console.log(...)`, one line each. */
  readonly prints: string;
}

const blocks: readonly Block[] = pages.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ''], index) => ({
    name: `${basename(page, '.md')}-${index + 1}`,
    code,
    prints: [...code.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => `${line}\n`).join(''),
  })),
);

before(async () => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { name, code } of blocks) writeFileSync(join(folder, `${name}.ts`), `${code}\nexport {};\n`);
  const config = {
    extends: '../../test/tsconfig.json',
    compilerOptions: { rootDir: '.', outDir: '.', noUnusedLocals: false },
    include: ['*.ts'],
    exclude: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]).catch((error) => {
    assert.fail(`the examples in the docs do not compile:\n${error.stdout}`);
  });
});

test('the README has examples', () => {
  assert.ok(blocks.filter(({ name }) => name.startsWith('README')).length >= 8);
});

for (const { name, prints } of blocks) {
  test(`the docs example ${name} compiles, runs and prints what its comments say`, async () => {
    const { stdout } = await run(process.execPath, [join(folder, `${name}.js`)]);
    assert.equal(stdout, prints);
  });
}

test('every link between the pages leads to an existing file', () => {
  for (const page of pages) {
    for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      assert.doesNotThrow(() => readFileSync(join(page, '..', target)), `${basename(page)} links to ${target}`);
    }
  }
});
