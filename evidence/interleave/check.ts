import { parseArgs } from 'node:util';
import { Explorer } from './explore.js';
import { steppedLibrary } from './library.js';
import { scenarios } from './scenarios.js';

// `npm run check:interleavings` runs every scenario under all schedules with up to three preemptions, and random ones.

const { values: options } = parseArgs({
  options: {
    preemptions: { type: 'string', default: '3' },
    random: { type: 'string', default: '2000' },
    seconds: { type: 'string', default: '120' },
    only: { type: 'string', default: '' },
  },
});
const library = steppedLibrary();
let failures = 0;
for (const { name } of scenarios) {
  if (!name.includes(options.only)) continue;
  const start = performance.now();
  const explorer = await Explorer.over(name, library.address, true);
  const { schedules, found } = await explorer.explore({
    preemptions: Number(options.preemptions),
    random: Number(options.random),
    time: Number(options.seconds) * 1000,
  });
  await explorer.stop();
  const seconds = (performance.now() - start) / 1000;
  console.log(`${found === undefined ? 'ok  ' : 'FAIL'} ${name}: ${schedules} schedules in ${seconds.toFixed(1)} s`);
  if (found === undefined) continue;
  failures++;
  console.log(`     ${found.wrong.slice(0, 5).join('; ')}`);
  console.log(`     death ${found.death}, switches ${JSON.stringify(found.switches)}`);
}
library.remove();
console.log(failures === 0 ? 'all explored interleavings keep the invariants' : `${failures} scenarios failed`);
process.exitCode = failures === 0 ? 0 : 1;
