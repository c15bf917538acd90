import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { Latencies } from '../latencies.js';
import { tell } from '../usage.js';

const [port = 0, requests = 0, bytes = 0, connections = 0] = process.argv.slice(2, 6).map(Number);
const mode = process.argv[6];
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const body = Buffer.alloc(bytes, 'upload');
const digest = createHash('sha256').update(body).digest('hex');
const latencies = new Latencies();

/** @returns whether the answer is right */
function upload(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const since = performance.now();
    const headers = { 'content-length': bytes };
    const sent = request({ port, host: '127.0.0.1', method: 'POST', agent, headers }, (response) => {
      let text = '';
      let length = 0;
      response.on('data', (data: Buffer) => {
        length += data.length;
        if (mode !== 'echo') text += data;
      });
      response.on('end', () => {
        latencies.record(since);
        resolve(mode === 'echo' ? length === bytes : text === digest);
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function client(count: number): Promise<number> {
  let wrong = 0;
  for (let done = 0; done < count; done++) if (!(await upload())) wrong++;
  return wrong;
}

const start = performance.now();
const wrong = await Promise.all(Array.from({ length: connections }, () => client(requests / connections)));
const seconds = (performance.now() - start) / 1000;
const lost = wrong.reduce((sum, count) => sum + count, 0);
await tell({ seconds, units: requests, lost, latencies: latencies.percentiles() });
process.exit();
