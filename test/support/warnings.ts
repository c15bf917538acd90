import { afterEach } from 'node:test';
import { environment } from '#internal/base/environment';

/** The warnings of the current test so far. */
export interface Warnings {
  readonly codes: readonly string[];
  readonly messages: readonly string[];
}

/** Catches the process warnings of all tests of a file. The lists are empty at the start of each test. */
export function catchWarnings(): Warnings {
  const { warn } = environment;
  const codes: string[] = [];
  const messages: string[] = [];
  environment.warn = (message, code) => {
    codes.push(code);
    messages.push(message);
  };
  afterEach(() => {
    codes.length = 0;
    messages.length = 0;
  });
  process.on('exit', () => {
    environment.warn = warn;
  });
  return { codes, messages };
}
