import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDependencyTree } from 'dpdm';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The imports of every module that `entries` reach, by the file that imports them. */
async function importsFrom(...entries: string[]): Promise<Map<string, string[]>> {
  const tree = await parseDependencyTree(entries, {
    context: root,
    extensions: ['', '.ts', '.js'],
    js: ['.ts', '.js'],
  });
  const imports = new Map<string, string[]>();
  for (const [file, dependencies] of Object.entries(tree)) {
    const requests = (dependencies ?? []).map(({ id, request }) => (id === null ? request : id.split(sep).join('/')));
    imports.set(relative('', file).split(sep).join('/'), requests);
  }
  return imports;
}

/** The folders of `src` in the order of the table in docs/architecture.md, the top layer first. */
function layers(): string[] {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  return [...page.matchAll(/^\| \[`([a-z]+)(?:\/|\.ts)`\]/gm)].map(([, folder = '']) => folder);
}

/** The folder of a file of `src`; `index` for the entry point at the top. */
function layerOf(file: string): string {
  return /^src\/([a-z]+)/.exec(file)?.[1] ?? '';
}

function sources(): string[] {
  return readdirSync(join(root, 'src'), { encoding: 'utf8', recursive: true })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `src/${file.split(sep).join('/')}`);
}

test('the table in docs/architecture.md lists exactly the folders of the source', () => {
  const listed = layers();
  assert.equal(new Set(listed).size, listed.length);
  assert.deepEqual([...new Set(sources().map(layerOf))].sort(), [...listed].sort());
});

test('a file imports only from its own folder and from folders below it', async () => {
  const order = layers();
  const imports = await importsFrom(...sources());
  for (const file of sources()) {
    const targets = imports.get(file);
    assert.ok(targets !== undefined, `${file} was read`);
    const rank = order.indexOf(layerOf(file));
    for (const target of targets.filter((name) => name.startsWith('src/'))) {
      assert.ok(order.indexOf(layerOf(target)) >= rank, `${file} imports ${target}, which lies above it`);
    }
  }
});

test('the core imports only its own modules: no node: module, no package and nothing of the CLI', async () => {
  const imports = await importsFrom('src/index.ts');
  assert.ok(imports.size > 50, `the tree was read: ${[...imports.keys()].join(' ')}`);
  for (const [file, targets] of imports) {
    assert.doesNotMatch(file, /^src\/(cli|demo|inspector|metrics|node|planner|streams|testing)\//);
    for (const target of targets) assert.match(target, /^src\/[a-z]+\/[a-z-]+\.ts$/, `${file} imports ${target}`);
  }
});

test('handles do not import arenas', async () => {
  const imports = await importsFrom('src/handles/handles.ts');
  for (const file of imports.keys()) assert.match(file, /^src\/(handles|blocks|memory|base)\//);
});

test('the adapters import only the core and built-in modules of Node', async () => {
  const imports = await importsFrom('src/node/index.ts');
  const files = [...imports.keys()].filter((file) => file.startsWith('src/node/'));
  assert.ok(files.length > 8, `the tree was read: ${files.join(' ')}`);
  for (const file of files) {
    for (const target of imports.get(file) ?? []) {
      assert.match(target, /^(src\/([a-z]+\/)?[a-z-]+\.ts|node:[a-z/_]+)$/, `${file} imports ${target}`);
    }
  }
});

test('arena-alligator/streams imports only the core: it works in browsers', async () => {
  const imports = await importsFrom('src/streams/index.ts');
  assert.ok([...imports.keys()].some((file) => file === 'src/streams/delimited.ts'));
  for (const [file, targets] of imports) {
    for (const target of targets) assert.match(target, /^src\/([a-z]+\/)?[a-z-]+\.ts$/, `${file} imports ${target}`);
    assert.doesNotMatch(file, /^src\/(cli|node|testing)\//);
  }
});
