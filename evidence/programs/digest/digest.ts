import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { tell } from '../usage.js';
import { largeFile, smallFiles } from './files.js';

// Runs `arena-alligator digest` or sha256sum over a folder of small files, or over one large file.
const [, , way, what, units = '0'] = process.argv;
const command = fileURLToPath(new URL('../../../../dist/cli/main.js', import.meta.url));
const paths = what === 'small' ? smallFiles(Number(units)) : [largeFile(Number(units))];
const [program, args] = way === 'arena' ? [process.execPath, [command, 'digest', ...paths]] : ['sha256sum', paths];
const start = performance.now();
const { stdout, status, stderr } = spawnSync(program, args, { maxBuffer: 2 ** 28, encoding: 'utf8' });
const seconds = (performance.now() - start) / 1000;
if (status !== 0) throw new Error(stderr);
// The output is the same, in the same order.
const result = createHash('sha256').update(stdout).digest().readUInt32BE();
await tell({ seconds, units: Number(units), result });
process.exit();
