import { Counter, Gauge, type Registry } from 'prom-client';
import { describe } from '../base/check.js';
import { checkArenas, INSTRUMENTS, type Instrument, type Measured, type NamedArenas } from './instruments.js';

export type { Measured, NamedArenas } from './instruments.js';

type Entries = readonly (readonly [name: string, arena: Measured])[];

/**
 * Adds the figures of arenas to a registry of prom-client: `arena_alligator_memory_usage_bytes` and so on, with the
 * label `arena`. They are read when the registry is asked.
 * @param arenas by name
 * @returns a function that takes them out of the registry
 * @throws TypeError for bad arguments; the error of the registry if it has such figures already
 */
export function collectArenas(registry: Registry, arenas: NamedArenas): () => void {
  if (typeof registry?.registerMetric !== 'function') {
    throw new TypeError(`registry must be a Registry of prom-client, got ${describe(registry)}`);
  }
  const entries = checkArenas(arenas);
  const names: string[] = [];
  const remove = (): void => {
    for (const name of names) registry.removeSingleMetric(name);
  };
  try {
    for (const instrument of INSTRUMENTS) {
      register(registry, instrument, entries);
      names.push(instrument.prometheus);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

function register(registry: Registry, { prometheus, description, kind, read }: Instrument, entries: Entries): void {
  const options = { name: prometheus, help: description, labelNames: ['arena'] as const, registers: [registry] };
  if (kind === 'sum') {
    new Counter({
      ...options,
      collect() {
        this.reset();
        for (const [arena, value] of valuesOf(entries, read)) this.inc({ arena }, value);
      },
    });
  } else {
    new Gauge({
      ...options,
      collect() {
        this.reset();
        for (const [arena, value] of valuesOf(entries, read)) this.set({ arena }, value);
      },
    });
  }
}

function valuesOf(entries: Entries, read: Instrument['read']): [name: string, value: number][] {
  const values: [string, number][] = [];
  for (const [name, arena] of entries) {
    const value = read(arena.metrics());
    if (value !== undefined) values.push([name, value]);
  }
  return values;
}
