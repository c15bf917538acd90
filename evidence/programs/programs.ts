import { logFile } from './lines/log-file.js';

/** One way to write a program. */
export interface Twin {
  readonly name: string;
  readonly script: string;
  readonly args: readonly (string | number)[];
  /** The process that the program serves. Undefined for a program that works by itself. */
  readonly load?: { readonly script: string; readonly args: readonly (string | number)[] };
  /** Whether the load is the publisher of a relay. */
  readonly publisher?: true;
}

/** The same program written in several ways. The first is compared with each other one. */
export interface Program {
  readonly name: string;
  readonly twins: readonly Twin[];
}

function relay(bytes: number, messages: number, stalled: number): Program {
  const load = { script: '../../examples/fan-out/load.js', args: [100, stalled, messages, bytes] };
  const twin = (name: string): Twin => ({ name, script: `relay/${name}.js`, args: [], load, publisher: true });
  return { name: `relay, ${bytes} B, ${stalled} stalled`, twins: [twin('arena'), twin('plain'), twin('corked')] };
}

/** Makes twins that are servers for the same load, `load.js` of their folder. They have `first` as their first argument. */
function servers(
  folder: string,
  first: string | number,
  loadArgs: readonly (string | number)[],
): (name: string, script: string, ...args: string[]) => Twin {
  const load = { script: `${folder}/load.js`, args: loadArgs };
  return (name, script, ...args) => ({ name, script: `${folder}/${script}.js`, args: [first, ...args], load });
}

function uploads(mode: string, bytes: number, requests: number): Program {
  const twin = servers('uploads', mode, [requests, bytes, 16, mode]);
  return {
    name: `uploads, ${mode}, ${bytes} B`,
    twins: [twin('arena', 'arena', 'free'), twin('plain', 'plain'), twin('left', 'arena', 'leave')],
  };
}

const LINES = 2_000_000;

function lines(): Program {
  const twin = (name: string): Twin => ({ name, script: 'lines/lines.js', args: [name, logFile(LINES), LINES] });
  return { name: 'lines', twins: [twin('batches'), twin('loop'), twin('readline'), twin('single')] };
}

function broadcast(bytes: number): Program {
  const twin = servers('broadcast', bytes, [100, bytes]);
  return {
    name: `broadcast on ws, ${bytes} B`,
    twins: [twin('outbox', 'arena', 'outbox'), twin('plain', 'plain'), twin('direct', 'arena', 'direct')],
  };
}

/** Of small files, or of one file of as many MiB. */
function digest(what: string, units: number): Program {
  const twins = ['arena', 'sha256sum'].map((name) => ({ name, script: 'digest/digest.js', args: [name, what, units] }));
  return { name: what === 'small' ? `digest of ${units} small files` : `digest of ${units} MiB`, twins };
}

const RECORDS = 1_000_000;

export const programs: readonly Program[] = [
  relay(1024, 20_000, 0),
  relay(1024, 20_000, 10),
  relay(16_384, 3000, 0),
  relay(16_384, 3000, 10),
  uploads('digest', 262_144, 1600),
  uploads('echo', 262_144, 1600),
  uploads('collect', 262_144, 1600),
  uploads('digest', 4096, 16_000),
  uploads('collect', 4096, 16_000),
  lines(),
  {
    name: 'records, 256 B over a socket',
    twins: ['arena', 'plain'].map((name) => ({ name, script: 'records/records.js', args: [name, RECORDS, 256] })),
  },
  {
    name: 'server-sent events, 200 B to 1,000 clients',
    twins: ['arena', 'plain'].map((name) => ({
      name,
      script: `events/${name}.js`,
      args: [],
      load: { script: 'events/load.js', args: [1000] },
    })),
  },
  broadcast(1024),
  broadcast(16_384),
  {
    name: 'hand-over of 64 KiB to two workers',
    twins: ['channel', 'transfer', 'copy'].map((name) => ({
      name,
      script: 'hand-over/hand-over.js',
      args: [name, 20_000],
    })),
  },
  digest('small', 8000),
  digest('large', 1024),
];
