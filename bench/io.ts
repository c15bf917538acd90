import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { byteAt, ioCases, type Source } from './io-cases.js';
import type { IoResult } from './measure-io.js';

// Whole pieces of I/O side by side: time, time in the collector, peak memory. A process per case and round, interleaved.

const run = promisify(execFile);
const measureIo = fileURLToPath(new URL('./measure-io.js', import.meta.url));

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    mib: { type: 'string', default: '1024' },
    'chunk-size': { type: 'string', default: '65536' },
    node: { type: 'string', default: process.execPath },
  },
});

const MIB = 2 ** 20;
const chunkSize = Number(options['chunk-size']);
const bytes = Number(options.mib) * MIB;
const folder = mkdtempSync(join(tmpdir(), 'bench-'));
const path = join(folder, 'file');
const period = 251 * 4096;
const block = Buffer.from(Uint8Array.from({ length: period }, (_, offset) => byteAt(offset)));
const file = openSync(path, 'w');
for (let written = 0; written < bytes; written += period) {
  writeSync(file, block, 0, Math.min(period, bytes - written));
}

const server = createServer((socket) => {
  socket.on('error', () => undefined);
  let sent = 0;
  const send = (): void => {
    while (sent < bytes) {
      const part = block.subarray(0, Math.min(period, bytes - sent));
      sent += part.length;
      if (!socket.write(part)) return;
    }
    socket.end();
  };
  socket.on('drain', send);
  send();
}).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
const source: Source = { path, port, bytes, chunkSize };

async function measure<Result>(name: string): Promise<Result> {
  const { stdout } = await run(options.node, [measureIo, name, JSON.stringify(source)]);
  return JSON.parse(stdout) as Result;
}

const results = new Map<string, IoResult[]>(ioCases.map(({ name }) => [name, []]));
const handOvers = new Map<string, { median: number; p99: number }[]>([
  ['fixed', []],
  ['buddy', []],
]);
try {
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const { name } of ioCases) {
      const result = await measure<IoResult>(name);
      assert.equal(result.bytes, bytes, name);
      results.get(name)?.push(result);
    }
    for (const [kind, all] of handOvers) all.push(await measure(kind));
  }
} finally {
  server.close();
  rmSync(folder, { recursive: true });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const { stdout: version } = await run(options.node, ['-p', 'process.version']);
console.log(
  `Node ${version.trim()}, ${cpus()[0]?.model}, ${cpus().length} cores; ${options.mib} MiB, ${chunkSize} bytes a chunk`,
);
console.log(`${options.rounds} interleaved rounds, medians\n`);
console.log('| case                      |      ms |    MB/s | beside |    GC ms | beside |  GCs | peak RSS, MB |');
console.log('|---------------------------|--------:|--------:|-------:|---------:|-------:|-----:|-------------:|');
for (const { name, beside } of ioCases) {
  const of = (which: string, key: 'ms' | 'gcMs' | 'gcCount' | 'peakRss'): number =>
    median((results.get(which) ?? []).map((result) => result[key]));
  const ratio = (key: 'ms' | 'gcMs'): string =>
    beside === undefined ? '' : (of(name, key) / of(beside, key)).toFixed(2);
  const cells = [
    of(name, 'ms').toFixed(0).padStart(7),
    (bytes / 1000 / of(name, 'ms')).toFixed(0).padStart(7),
    ratio('ms').padStart(6),
    of(name, 'gcMs').toFixed(2).padStart(8),
    ratio('gcMs').padStart(6),
    of(name, 'gcCount').toFixed(0).padStart(4),
    (of(name, 'peakRss') / 1e6).toFixed(1).padStart(12),
  ];
  console.log(`| ${name.padEnd(25)} | ${cells.join(' | ')} |`);
}
console.log('\n| release to who waited, ns |  median |     p99 |');
console.log('|---------------------------|--------:|--------:|');
for (const [kind, all] of handOvers) {
  const cells = [median(all.map(({ median }) => median)), median(all.map(({ p99 }) => p99))];
  console.log(`| ${kind.padEnd(25)} | ${cells.map((ns) => ns.toFixed(0).padStart(7)).join(' | ')} |`);
}
