import { afterEach } from 'node:test';
import { environment } from '#internal/base/environment';

/** What the program warned of in the test so far. */
export interface Warnings {
  readonly codes: readonly string[];
  readonly messages: readonly string[];
}

/** Catches what would be process warnings, for all tests of a file. Begins anew with each test. */
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
