import assert from 'node:assert/strict';
import { relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDependencyTree } from 'dpdm';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every import of every module that `entry` reaches, as `from -> what`. */
async function importsFrom(entry: string): Promise<Map<string, string[]>> {
  const tree = await parseDependencyTree(entry, { context: root, extensions: ['', '.ts', '.js'], js: ['.ts', '.js'] });
  const imports = new Map<string, string[]>();
  for (const [file, dependencies] of Object.entries(tree)) {
    const requests = (dependencies ?? []).map(({ id, request }) => (id === null ? request : id.split(sep).join('/')));
    imports.set(relative('', file).split(sep).join('/'), requests);
  }
  return imports;
}

test('the core imports its own modules and nothing else: no node: module, no package, nothing of the CLI', async () => {
  const imports = await importsFrom('src/index.ts');
  const core = [...imports.keys()].filter((file) => file.startsWith('src/'));
  assert.ok(core.length > 15, `the tree was read: ${core.join(' ')}`);
  for (const file of core) {
    assert.doesNotMatch(file, /^src\/cli\//);
    for (const what of imports.get(file) ?? []) assert.match(what, /^src\/[a-z-]+\.ts$/, `${file} imports ${what}`);
  }
});

test('the bottom imports nothing', async () => {
  const imports = await importsFrom('src/index.ts');
  for (const file of ['errors', 'check', 'atomics', 'environment', 'memory', 'block-source', 'compare', 'site']) {
    assert.deepEqual(imports.get(`src/${file}.ts`), [], file);
  }
});

test('handles do not know arenas', async () => {
  const imports = await importsFrom('src/handles.ts');
  for (const file of imports.keys()) assert.doesNotMatch(file, /arena|engine|layout|options/);
});

test('the adapters import the core and Node’s own modules, and nothing else', async () => {
  const imports = await importsFrom('src/node/index.ts');
  const files = [...imports.keys()].filter((file) => file.startsWith('src/node/'));
  assert.ok(files.length > 8, `the tree was read: ${files.join(' ')}`);
  for (const file of files) {
    for (const what of imports.get(file) ?? []) {
      assert.match(what, /^(src\/(node\/)?[a-z-]+\.ts|node:[a-z/]+)$/, `${file} imports ${what}`);
    }
  }
});
