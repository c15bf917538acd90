import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Packages that are measured beside. Each is installed in a folder of its own below `bench/peers`. */
export const PACKAGES = [
  'thi.ng-malloc',
  'typedarray-pool',
  'buffer-reuse-pool',
  'uint8arraylist',
  'bl',
  'ringbuf.js',
  'msgpackr',
  'pbf',
] as const;

export type Peer = (typeof PACKAGES)[number];

/** The folder of this project's own files, seen from where they are compiled to. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

export function peerFolder(peer: string): string {
  return `${ROOT}evidence/bench/peers/${peer}`;
}

export function isInstalled(peer: Peer): boolean {
  return existsSync(`${peerFolder(peer)}/node_modules`);
}

/** Loads a peer. `Shape` says the little of it that is used. @throws where it is not installed */
export async function loadPeer<Shape>(peer: Peer): Promise<Shape> {
  return (await import(pathToFileURL(`${peerFolder(peer)}/index.js`).href)) as Shape;
}
