import type { Attributes, Meter, Observable } from '@opentelemetry/api';
import { describe } from '../base/check.js';
import { checkArenas, INSTRUMENTS, type Instrument, type NamedArenas } from './instruments.js';

export type { Measured, NamedArenas } from './instruments.js';

/**
 * Reports the figures of arenas as observable instruments of OpenTelemetry, `arena_alligator.memory.usage` and so on,
 * with the attribute `arena_alligator.arena` for the arena's name. An arena is asked once for each collection.
 * @param arenas by name
 * @returns a function that ends the reporting
 * @throws TypeError for bad arguments
 */
export function observeArenas(meter: Meter, arenas: NamedArenas): () => void {
  if (typeof meter?.addBatchObservableCallback !== 'function') {
    throw new TypeError(`meter must be a Meter of @opentelemetry/api, got ${describe(meter)}`);
  }
  const entries = checkArenas(arenas);
  const observed = INSTRUMENTS.map((instrument) => ({ instrument, observable: observableOf(meter, instrument) }));
  const report: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const [name, arena] of entries) {
      const attributes: Attributes = { 'arena_alligator.arena': name };
      const metrics = arena.metrics();
      for (const { instrument, observable } of observed) {
        const value = instrument.read(metrics);
        if (value !== undefined) result.observe(observable, value, attributes);
      }
    }
  };
  const observables = observed.map(({ observable }) => observable);
  meter.addBatchObservableCallback(report, observables);
  return () => meter.removeBatchObservableCallback(report, observables);
}

function observableOf(meter: Meter, { name, unit, description, kind }: Instrument): Observable {
  const options = { unit, description };
  if (kind === 'sum') return meter.createObservableCounter(name, options);
  if (kind === 'upDown') return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}
