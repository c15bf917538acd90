import { throwLater } from '../base/environment.js';

let due: (() => void)[] = [];

/** Calls `flush` at the end of this turn of the event loop, with all others of the turn. */
export function flushAtEndOfTurn(flush: () => void): void {
  if (due.length === 0) setImmediate(flushAll);
  due.push(flush);
}

function flushAll(): void {
  const all = due;
  due = [];
  for (const flush of all) {
    try {
      flush();
    } catch (error) {
      throwLater(error); // the others of the turn must not wait for ever
    }
  }
}
