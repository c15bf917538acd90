import { settled } from './outcome.js';

/**
 * The errors that reach the process as uncaught while `act` runs and shortly after. The test runner would count them as
 * failures.
 */
export async function uncaughtDuring(act: () => void | Promise<void>): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  try {
    await act();
    await settled();
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
  return uncaught;
}
