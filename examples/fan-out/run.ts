// Runs both relays one after the other with the same load, and prints side by side what they used.
//
//     npm run fan-out -- --subscribers 100 --stalled 10 --messages 4000 --size 16384
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { LoadReport, LoadSettings } from './load.js';
import type { RelayReport } from './relay.js';

const { values } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '100' },
    stalled: { type: 'string', default: '10' },
    messages: { type: 'string', default: '4000' },
    size: { type: 'string', default: '16384' },
    json: { type: 'boolean', default: false },
  },
});
const settings: LoadSettings = {
  subscribers: Number(values.subscribers),
  stalled: Number(values.stalled),
  messages: Number(values.messages),
  messageBytes: Number(values.size),
};

function start(script: string, args: readonly number[]): ChildProcess {
  return fork(fileURLToPath(new URL(script, import.meta.url)), args.map(String));
}

async function answer<T>(child: ChildProcess): Promise<T> {
  const [message] = (await once(child, 'message')) as [T];
  return message;
}

async function measure(script: string): Promise<LoadReport & RelayReport> {
  const { subscribers, stalled, messages, messageBytes } = settings;
  const load = start('load.js', [subscribers, stalled, messages, messageBytes]);
  const relay = start(script, [await answer<number>(load), messageBytes]);
  try {
    load.send(await answer<number>(relay));
    const loadReport = await answer<LoadReport>(load);
    relay.send('report');
    return { ...loadReport, ...(await answer<RelayReport>(relay)) };
  } finally {
    load.kill();
    relay.kill();
  }
}

const arena = await measure('arena-relay.js');
const plain = await measure('plain-relay.js');

if (values.json) {
  console.log(JSON.stringify({ settings, arena, plain }));
} else {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const rows: [what: string, of: (report: LoadReport & RelayReport) => string][] = [
    ['messages/s, each to all', ({ seconds }) => (settings.messages / seconds).toFixed(0)],
    ['lost by active readers', ({ lost }) => `${lost}`],
    ['skipped for stalled readers', ({ skipped }) => `${skipped}`],
    ['RSS at the start', ({ rssAtStart }) => megabytes(rssAtStart)],
    ['peak RSS', ({ peakRss }) => megabytes(peakRss)],
    ['peak external memory', ({ peakExternal }) => megabytes(peakExternal)],
    ['part of it in arenas', ({ arenaBytes }) => (arenaBytes === undefined ? '' : megabytes(arenaBytes))],
    ['time in the collector', ({ gcMilliseconds, gcCount }) => `${gcMilliseconds.toFixed(1)} ms, ${gcCount} times`],
  ];
  console.log(
    `${settings.messages} messages of ${settings.messageBytes} bytes to ${settings.subscribers} subscribers,`,
  );
  console.log(`${settings.stalled} of them stop reading; Node ${process.versions.node}\n`);
  console.log(`${''.padEnd(30)}${'arena'.padStart(20)}${'plain Buffers'.padStart(20)}`);
  for (const [what, of] of rows) console.log(`${what.padEnd(30)}${of(arena).padStart(20)}${of(plain).padStart(20)}`);
}
