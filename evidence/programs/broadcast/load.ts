import { WebSocket } from 'ws';
import { tell } from '../usage.js';
import { MESSAGES } from './messages.js';

const [port = 0, clients = 0, bytes = 0] = process.argv.slice(2).map(Number);
let lost = 0;

function client(path: string): { readonly opened: Promise<void>; readonly done: Promise<void> } {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
  let count = 0;
  return {
    opened: new Promise((resolve) => socket.once('open', () => resolve())),
    done: new Promise((resolve) => {
      socket.on('message', (data: Buffer) => {
        if (data.length !== bytes || data[0] !== (count & 255) || data[bytes - 1] !== (count & 255)) lost++;
        count++;
        if (count === MESSAGES) resolve();
      });
    }),
  };
}

const others = Array.from({ length: clients - 1 }, () => client('/'));
await Promise.all(others.map(({ opened }) => opened));
const start = performance.now();
const last = client('/last');
await Promise.all([...others, last].map(({ done }) => done));
await tell({ seconds: (performance.now() - start) / 1000, units: MESSAGES, lost });
process.exit();
