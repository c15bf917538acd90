import { cases } from './cases.js';

// Run as `node measure-case.js ID MS`. Prints the case's figures as JSON.
const [id, ms = '100'] = process.argv.slice(2);
const found = cases.find((one) => one.id === id);
if (found === undefined) throw new Error(`unknown case id: ${id}`);
process.stdout.write(`${JSON.stringify(await found.run(Number(ms)))}\n`);
process.exit();
