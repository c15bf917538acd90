import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { TRACE_VARIABLE } from '../planner/trace-variable.js';

/**
 * Runs a program of Node, and writes what its Buffers did to the file `output`.
 * @returns the exit code of the program
 */
export function record(command: readonly string[], output: string): Promise<number> {
  const [program = '', ...args] = command;
  const recorder = new URL('../planner/recorder.js', import.meta.url).href;
  const options = [process.env.NODE_OPTIONS, `--import=${recorder}`].filter(Boolean).join(' ');
  const env = { ...process.env, NODE_OPTIONS: options, [TRACE_VARIABLE]: resolve(output) };
  const child = spawn(program, args, { stdio: 'inherit', env });
  // The terminal sends this one to the program too. A second one would end it before it has written its trace.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => done(code ?? (signal === null ? 1 : 128 + constants.signals[signal])));
  });
}
