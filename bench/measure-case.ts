import { do_not_optimize, measure } from 'mitata';
import { cases } from './cases.js';

// Run as `node measure-case.js NAME [ms]`: prints the case's mean time in ns, collections included.
const [name, cpuTime = '200'] = process.argv.slice(2);
const found = cases.find((one) => one.name === name);
if (found === undefined) throw new Error(`no case is named ${name}`);
const operation = found.prepare();
found.check(operation());
// The first calls of anything are slow, and one slow call makes mitata time every single call, clock included.
for (let call = 0; call < 20_000; call++) operation();
const { avg } = await measure(() => do_not_optimize(operation()), { min_cpu_time: Number(cpuTime) * 1e6 });
found.check(operation());
process.stdout.write(`${avg}\n`);
