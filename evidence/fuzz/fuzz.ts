import { parseArgs } from 'node:util';
import { Dice } from './dice.js';
import { KnownFindings } from './known.js';
import { Marker } from './outcome.js';
import { PROFILES, type Profile, profileOf, randomProgram } from './program.js';
import { caseOf, failureOfRun, shrink } from './shrink.js';

// Runs random programs on the whole public API for a given time, and compares it with a naive model. Prints each
// failing program, made as short as possible.

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    profile: { type: 'string' },
  },
});
const seed = Number(options.seed);
const profiles = options.profile === undefined ? PROFILES : [profileOf(options.profile)];
const end = performance.now() + Number(options.minutes) * 60_000;
/** Time between two lines of progress, in ms. */
const ROUND = 10_000;
/** Time that one profile runs before it is the next one's turn, in ms. */
const TURN = 500;
const MOST_FINDINGS = 5;

interface Tally {
  programs: number;
  operations: number;
  ms: number;
}
const tallies = new Map<Profile, Tally>(profiles.map((profile) => [profile, { programs: 0, operations: 0, ms: 0 }]));
let found = 0;
const known = new KnownFindings();
const seeds = new Dice().reseed(seed);
let nextLine = performance.now() + ROUND;

// The library throws the error of a callback again in a separate task. The errors of hostile values are expected there.
process.on('uncaughtException', (error) => {
  if (error instanceof Marker) return;
  console.log(`uncaught: ${error.stack}`);
  found++;
});

function total(of: keyof Tally): number {
  return [...tallies.values()].reduce((sum, tally) => sum + tally[of], 0);
}

function line(): string {
  const rates = [...tallies].map(
    ([{ name }, { operations, ms }]) => `${name} ${Math.round(operations / (ms / 1000) || 0)}/s`,
  );
  return `seed ${seed}: ${total('programs')} programs, ${total('operations')} operations, ${rates.join(', ')}, findings ${found}`;
}

async function report(profile: Profile, program: readonly number[], error: Error): Promise<void> {
  if (known.has(profile, error)) return;
  const shortest = await shrink(profile, program);
  const shown = (await failureOfRun(profile, shortest)) ?? error;
  if (!known.note(profile, error, shown)) return;
  found++;
  console.log(`\n${profile.name}: ${shown.stack}\n${caseOf(profile, shortest, shown)}\n`);
}

async function turnOf(profile: Profile, tally: Tally): Promise<void> {
  const start = performance.now();
  const until = Math.min(end, start + TURN);
  while (performance.now() < until && found < MOST_FINDINGS) {
    const program = randomProgram(seeds.next(), profile.length);
    let error: Error | undefined;
    try {
      const run = profile.run(program);
      if (run !== undefined) await run;
    } catch (thrown) {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    tally.programs++;
    tally.operations += program.length - 1;
    if (error !== undefined) await report(profile, program, error);
  }
  tally.ms += performance.now() - start;
}

while (performance.now() < end && found < MOST_FINDINGS) {
  for (const [profile, tally] of tallies) {
    await turnOf(profile, tally);
    // Let timers and finalization callbacks run too.
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (performance.now() < nextLine) continue;
  console.log(line());
  nextLine += ROUND;
}
console.log(`done: ${line()}`);
process.exit(found === 0 ? 0 : 1);
