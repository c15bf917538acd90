import type { Server } from 'node:net';
import { PerformanceObserver } from 'node:perf_hooks';

/** What a process used. Times in ms, sizes in bytes. */
export interface Usage {
  readonly cpu: number;
  readonly collector: number;
  readonly collections: number;
  readonly peakRss: number;
  readonly peakExternal: number;
}

/** Watches this process from now on. @returns a function that tells what it used until then */
export function watchUsage(): () => Usage {
  let [collector, collections] = [0, 0];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      collector += duration;
      collections++;
    }
  }).observe({ entryTypes: ['gc'] });
  const start = process.cpuUsage();
  let peakExternal = 0;
  const sample = (): void => {
    peakExternal = Math.max(peakExternal, process.memoryUsage().external);
  };
  setInterval(sample, 10).unref();
  return () => {
    sample();
    const { user, system } = process.cpuUsage(start);
    const peakRss = process.resourceUsage().maxRSS * 1024;
    return { cpu: (user + system) / 1000, collector, collections, peakRss, peakExternal };
  };
}

/** Sends `message` to the parent process. */
export function tell(message: object): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) {
      console.log(message);
      resolve();
    } else process.send(message, () => resolve());
  });
}

/** For a server under test: tells its port, and when the parent asks, what it used. */
export async function serve(port: number, bytesLive: () => number): Promise<void> {
  const usage = watchUsage();
  process.once('message', async () => {
    await tell({ usage: usage(), bytesLive: bytesLive() });
    process.exit();
  });
  await tell({ port });
}

/** For a program that runs by itself: tells what `work` used, and the number that it computed. */
export function measure(units: number, work: () => Promise<number>): Promise<void> {
  return measureWith(units, async () => ({ result: await work() }));
}

/** As {@link measure}, with more figures from `work`. */
export async function measureWith(units: number, work: () => Promise<object>): Promise<void> {
  const usage = watchUsage();
  const start = performance.now();
  const figures = await work();
  const seconds = (performance.now() - start) / 1000;
  await tell({ ...figures, seconds, units, usage: usage() });
  process.exit();
}

/** Listens on a free port of this machine. @returns the port */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return address.port;
}
