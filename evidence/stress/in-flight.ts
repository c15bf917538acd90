import { constants, type NodeGCPerformanceDetail, PerformanceObserver } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { type ArenaKind, forgetInFlight, type Voyage } from '../../test/support/in-flight.js';

// For a given time, forgets handles whose views are in flight. Checks every byte that arrives and every leak that is
// reported. Fails with the check that did not hold, or ends by printing what it counted.

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    arena: { type: 'string', default: 'both' },
  },
});

function kindsOf(arena: string): ArenaKind[] {
  if (arena === 'both') return ['plain', 'isolated'];
  if (arena === 'plain' || arena === 'isolated') return [arena];
  throw new RangeError(`--arena must be plain, isolated or both, got ${arena}`);
}

const minutes = Number(options.minutes);
if (!(minutes > 0)) throw new RangeError(`--minutes must be a number above 0, got ${options.minutes}`);
const kinds = kindsOf(options.arena);

/** Number of full collections that were not forced. */
let natural = 0;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind, flags } = (entry as PerformanceEntry & { readonly detail: NodeGCPerformanceDetail }).detail;
    const isForced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR && !isForced) natural++;
  }
});
observer.observe({ entryTypes: ['gc'] });

function show(kind: ArenaKind, { carriers, ...counts }: Voyage): void {
  console.log(`${kind}: ${JSON.stringify({ ...counts, natural })}`);
  for (const carrier of carriers) console.log(`  ${JSON.stringify(carrier)}`);
}

console.log(`Node ${process.version}, ${minutes} minutes, ${kinds.join(' and ')}`);
for (const kind of kinds) {
  natural = 0;
  const end = Date.now() + (minutes * 60_000) / kinds.length;
  const voyage = await forgetInFlight(kind, () => Date.now() >= end);
  show(kind, voyage);
  const { forgotten, told } = voyage;
  if (told !== forgotten) throw new Error(`${forgotten} records were forgotten, but onLeak reported ${told}`);
}
observer.disconnect();
