import { connect, type Socket } from 'node:net';
import { tell } from '../usage.js';
import { EVENTS } from './event.js';

const [port = 0, clients = 0] = process.argv.slice(2).map(Number);

/** Reads an answer until all events have arrived. Counts line feeds: two end each event. */
class Client {
  readonly connected: Promise<void>;
  readonly done: Promise<void>;
  private readonly socket: Socket;
  private events = 0;

  constructor(path: string) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    this.connected = new Promise((resolve) => this.socket.once('data', () => resolve()));
    this.done = new Promise((resolve) => {
      this.socket.on('data', (data: Buffer) => {
        for (let at = data.indexOf('data: '); at >= 0; at = data.indexOf('data: ', at + 1)) this.events++;
        if (this.events >= EVENTS) resolve();
      });
    });
  }
}

const others = Array.from({ length: clients - 1 }, () => new Client('/'));
await Promise.all(others.map(({ connected }) => connected));
const start = performance.now();
const last = new Client('/last');
await Promise.all([...others, last].map(({ done }) => done));
await tell({ seconds: (performance.now() - start) / 1000, units: EVENTS, lost: 0 });
process.exit();
