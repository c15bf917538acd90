import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The npm packages that are measured for comparison. Each is installed in its own folder in `evidence/bench/peers`. */
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

/** The project's root folder, found from the place of this file after compilation. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

export function peerFolder(peer: string): string {
  return `${ROOT}evidence/bench/peers/${peer}`;
}

export function isInstalled(peer: Peer): boolean {
  return existsSync(`${peerFolder(peer)}/node_modules`);
}

/** Loads a peer. `Shape` declares the few parts of it that are used. @throws Error when the peer is not installed */
export async function loadPeer<Shape>(peer: Peer): Promise<Shape> {
  return (await import(pathToFileURL(`${peerFolder(peer)}/index.js`).href)) as Shape;
}
