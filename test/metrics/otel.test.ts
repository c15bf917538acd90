import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Meter } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BuddyArena, BuddyGeometry, FixedArena } from 'arena-alligator';
import { observeArenas } from 'arena-alligator/otel';
import { assertAllReturned } from '../support/arenas.js';

/** The last value of each instrument for each arena, and the units, as an exporter got them. */
async function exported(
  reader: PeriodicExportingMetricReader,
  exporter: InMemoryMetricExporter,
): Promise<Map<string, number>> {
  exporter.reset();
  await reader.forceFlush();
  const values = new Map<string, number>();
  for (const { scopeMetrics } of exporter.getMetrics()) {
    for (const { descriptor, dataPoints } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      for (const { attributes, value } of dataPoints) {
        values.set(`${attributes['arena_alligator.arena']} ${descriptor.name} ${descriptor.unit}`, value as number);
      }
    }
  }
  return values;
}

test('an in-memory reader of OpenTelemetry gets what metrics() says, for every arena', async () => {
  const fixed = FixedArena.withSlotCapacity(4, 64).autoSpill().buildAsync();
  const buddy = BuddyArena.builder(BuddyGeometry.exact(4096, 64)).build();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const end = observeArenas(provider.getMeter('test'), { uploads: fixed, tree: buddy });
  const held = [fixed.allocate(), buddy.allocate(100), buddy.allocate(1)];
  const full = [fixed.allocate(), fixed.allocate(), fixed.allocate()];
  const waiting = fixed.allocateAsync();
  await new Promise((resolve) => setTimeout(resolve, 2));
  for (const buffer of full) buffer.abandon();
  (await waiting).abandon();
  held[0]?.putBytes(1, 65);
  assert.throws(() => buddy.allocate(5000), { code: 'REQUEST_TOO_LARGE' });
  const values = await exported(reader, exporter);
  const of = (arena: string, name: string, unit: string): number | undefined =>
    values.get(`${arena} arena_alligator.${name} ${unit}`);
  const [ours, theirs] = [fixed.metrics(), buddy.metrics()];
  assert.equal(of('uploads', 'memory.limit', 'By'), 256);
  assert.equal(of('uploads', 'memory.usage', 'By'), ours.bytesLive);
  assert.equal(of('uploads', 'spills', '{buffer}'), 1);
  assert.equal(of('uploads', 'requests.waiting', '{request}'), 0);
  assert.equal(of('uploads', 'request.longest_wait', 's'), ours.longestWait / 1000);
  assert.ok(ours.longestWait > 0);
  assert.equal(of('uploads', 'memory.largest_free_block', 'By'), undefined, 'a fixed arena has no blocks');
  assert.equal(of('tree', 'memory.usage', 'By'), theirs.bytesLive);
  assert.equal(of('tree', 'memory.largest_free_block', 'By'), theirs.largestFreeBlock);
  assert.equal(of('tree', 'block.splits', '{split}'), theirs.splits);
  assert.equal(of('tree', 'allocations', '{allocation}'), 2);
  assert.equal(of('tree', 'allocation.failures', '{allocation}'), 1);
  for (const buffer of held) buffer.abandon();
  assert.equal((await exported(reader, exporter)).get('tree arena_alligator.memory.usage By'), 0);
  end();
  held[1] = buddy.allocate(100);
  const after = await exported(reader, exporter);
  assert.notEqual(after.get('tree arena_alligator.memory.usage By'), 128, 'nothing is reported any more');
  held[1].abandon();
  await provider.shutdown();
  for (const arena of [fixed, buddy]) assertAllReturned(arena);
});

test('bad arguments are refused', () => {
  const meter = new MeterProvider().getMeter('test');
  assert.throws(() => observeArenas({} as Meter, {}), TypeError);
  assert.throws(() => observeArenas(meter, null as unknown as Record<string, never>), TypeError);
  assert.throws(() => observeArenas(meter, { one: 5 as never }), /arenas\.one must be an arena/);
});
