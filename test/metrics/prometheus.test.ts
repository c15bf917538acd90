import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { collectArenas } from 'arena-alligator/prometheus';
import { Gauge, Registry } from 'prom-client';
import { assertAllReturned } from '../support/arenas.js';

test('a registry of prom-client gives what metrics() says, with types and units in the names', async () => {
  const fixed = FixedArena.withSlotCapacity(4, 64).buildAsync();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).build();
  const registry = new Registry();
  const end = collectArenas(registry, { uploads: fixed, tree: buddy });
  const held = [fixed.allocate(), buddy.allocate(100)];
  const text = await registry.metrics();
  for (const line of [
    '# TYPE arena_alligator_memory_limit_bytes gauge',
    'arena_alligator_memory_limit_bytes{arena="uploads"} 256',
    'arena_alligator_memory_usage_bytes{arena="uploads"} 64',
    'arena_alligator_memory_usage_bytes{arena="tree"} 128',
    '# TYPE arena_alligator_allocations_total counter',
    'arena_alligator_allocations_total{arena="tree"} 1',
    `arena_alligator_memory_largest_free_block_bytes{arena="tree"} ${buddy.metrics().largestFreeBlock}`,
    'arena_alligator_requests_waiting{arena="uploads"} 0',
  ]) {
    assert.ok(text.split('\n').includes(line), `${line}\nin\n${text}`);
  }
  assert.doesNotMatch(text, /largest_free_block_bytes\{arena="uploads"/);
  for (const buffer of held) buffer.abandon();
  assert.match(await registry.metrics(), /arena_alligator_memory_usage_bytes\{arena="tree"\} 0\n/);
  assert.match(await registry.metrics(), /arena_alligator_allocations_total\{arena="tree"\} 1\n/, 'not added up twice');
  end();
  assert.equal((await registry.metrics()).trim(), '');
  for (const arena of [fixed, buddy]) assertAllReturned(arena);
});

test('bad arguments, and a registry that has the figures already, change nothing', async () => {
  const arena = FixedArena.withSlotCapacity(1, 8).build();
  const registry = new Registry();
  assert.throws(() => collectArenas({} as Registry, { arena }), TypeError);
  assert.throws(() => collectArenas(registry, { arena: null as never }), /arenas\.arena must be an arena/);
  assert.equal((await registry.metrics()).trim(), '');
  const other = new Gauge({
    name: 'arena_alligator_requests_waiting',
    help: 'of somebody else',
    registers: [registry],
  });
  assert.throws(() => collectArenas(registry, { arena }), /already been registered/);
  assert.deepEqual(registry.getMetricsAsArray(), [other]);
  registry.clear();
  const end = collectArenas(registry, { arena });
  assert.throws(() => collectArenas(registry, { arena }), /already been registered/);
  assert.match(await registry.metrics(), /memory_limit_bytes\{arena="arena"\} 8/);
  end();
});

test('every figure in the dashboard for Grafana exists, and has a panel', async () => {
  const path = fileURLToPath(new URL('../../../docs/grafana-dashboard.json', import.meta.url));
  const dashboard = readFileSync(path, 'utf8');
  const registry = new Registry();
  collectArenas(registry, {});
  const known = new Set((await registry.getMetricsAsJSON()).map(({ name }) => name));
  const { panels } = JSON.parse(dashboard) as {
    readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
  };
  const used = new Set(
    panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => expr.match(/arena_alligator_\w+/g) ?? [])),
  );
  for (const name of used) assert.ok(known.has(name), name);
  assert.deepEqual(
    [...known].filter((name) => !used.has(name)),
    [],
  );
});
