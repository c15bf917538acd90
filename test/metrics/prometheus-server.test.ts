import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { collectArenas } from 'arena-alligator/prometheus';
import { Registry } from 'prom-client';
import { assertAllReturned } from '../support/arenas.js';
import { inFolder } from '../support/digest.js';

const isMissing = spawnSync('prometheus', ['--version']).error !== undefined;

async function freePort(): Promise<number> {
  const server = createTcp().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface Answer {
  readonly data: {
    readonly result: readonly { readonly metric: { readonly arena: string }; readonly value: [number, string] }[];
  };
}

/** Asks the server's query API until it has figures. @returns the value of each arena */
async function query(port: number, expression: string): Promise<Record<string, number>> {
  for (;;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await response.json()) as Answer;
      if (data.result.length > 0) {
        return Object.fromEntries(data.result.map(({ metric, value }) => [metric.arena, Number(value[1])]));
      }
    } catch {
      // The server is not up yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test(
  'a prometheus server that scrapes a program answers what metrics() says (starts the server)',
  { skip: isMissing && 'prometheus is not installed', timeout: 60_000 },
  () =>
    inFolder(async (folder) => {
      const fixed = FixedArena.withSlotCapacity(4, 64).buildAsync();
      const buddy = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).build();
      const registry = new Registry();
      collectArenas(registry, { uploads: fixed, tree: buddy });
      const held = [fixed.allocate(), buddy.allocate(100), buddy.allocate(1000)];
      const program = createServer(async (_request, response) => {
        response.setHeader('content-type', registry.contentType);
        response.end(await registry.metrics());
      }).listen(0, '127.0.0.1');
      await once(program, 'listening');
      const config = join(folder, 'prometheus.yml');
      const target = `127.0.0.1:${(program.address() as AddressInfo).port}`;
      writeFileSync(
        config,
        `scrape_configs: [{ job_name: program, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{ targets: ['${target}'] }] }]`,
      );
      const port = await freePort();
      const server: ChildProcess = spawn(
        'prometheus',
        [
          `--config.file=${config}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
        ],
        { stdio: 'ignore' },
      );
      try {
        const [ours, theirs] = [fixed.metrics(), buddy.metrics()];
        assert.deepEqual(await query(port, 'arena_alligator_memory_usage_bytes'), {
          uploads: ours.bytesLive,
          tree: theirs.bytesLive,
        });
        assert.deepEqual(await query(port, 'arena_alligator_allocations_total'), { uploads: 1, tree: 2 });
        assert.deepEqual(await query(port, 'arena_alligator_memory_largest_free_block_bytes'), {
          tree: theirs.largestFreeBlock,
        });
      } finally {
        server.kill();
        await once(server, 'exit');
        program.close();
        program.closeAllConnections();
        for (const buffer of held) buffer.abandon();
      }
      for (const arena of [fixed, buddy]) assertAllReturned(arena);
    }),
);
